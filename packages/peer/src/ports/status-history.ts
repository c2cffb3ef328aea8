/** What peers said of how they are (spec STATUS-1), the newest reports of each: so that whoever looks later sees how it came to be. */

export interface StatusReport {
  /** The reporting peer. */
  readonly from: string;
  /** The message's UUIDv7. */
  readonly id: string;
  /** One word for programs. */
  readonly state?: string;
  /** A sentence for people. */
  readonly detail?: string;
  /** Milliseconds since 1970, by our clock. */
  readonly receivedAt: number;
}

export interface KeptStatusReport extends StatusReport {
  /** Rises with every report of any peer, and is never given twice: a cursor. */
  readonly position: number;
}

export interface StatusQuery {
  /** Only those above this position. */
  readonly after?: number;
  /** So many at most, and the newest of them. */
  readonly limit: number;
}

/** Every call that changes something resolves only when the change is durable, and rejects with STORAGE_FAILED having changed nothing. */
export interface StatusHistory {
  /** Keeps a report beside the newest `statusReportsKept` of its peer; one that is there already changes nothing. */
  add(report: StatusReport): Promise<void>;
  /** The newest reports of a peer, oldest first. */
  list(from: string, query: StatusQuery): Promise<readonly KeptStatusReport[]>;
  /** Forgets what this peer said. */
  forget(from: string): Promise<void>;
}
