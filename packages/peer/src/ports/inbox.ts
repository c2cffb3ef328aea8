/** Messages that arrived for this peer's agent, kept until it has seen them (spec §11). */
import type { MessageType } from "@hikyaku/protocol";

/** How far a message has come: durable here; handed over or read; its handler finished. */
export type InboxStage = "stored" | "delivered" | "handled";

export interface InboxMessage {
  /** The sender's UUIDv7; unique per sender. */
  readonly id: string;
  /** The sender's did, as authenticated by its session. */
  readonly from: string;
  readonly type: MessageType;
  /** The body's own fields, as JSON text. */
  readonly body: string;
  /** Milliseconds since 1970, by the sender's clock. */
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly replyTo?: string;
  readonly thread?: string;
}

export interface StoredMessage extends InboxMessage {
  /** Rises with every arrival; the cursor of `list`. */
  readonly position: number;
  readonly stage: InboxStage;
}

export interface InboxQuery {
  /** Only messages that arrived after this position. */
  readonly after?: number;
  readonly from?: string;
  /** Only messages nobody has read or handled yet. */
  readonly unread?: boolean;
  /** At most `inboxPageMax`. */
  readonly limit: number;
}

/**
 * What became of a message that was to be stored. `duplicate`: this sender's id is there already, also where there would be no room for another.
 * `full`: there is more unread of this sender, or more of all, than an inbox takes (spec LIM-7).
 */
export type Appended = "stored" | "duplicate" | "full";

/** Every call that changes something resolves only when the change is durable, and rejects with STORAGE_FAILED having changed nothing. */
export interface Inbox {
  /** Only `stored` changes anything: nothing that is kept ever makes way for what comes. */
  append(message: InboxMessage): Promise<Appended>;
  /** Oldest first. */
  list(query: InboxQuery): Promise<readonly StoredMessage[]>;
  /** Raises the stage of one sender's messages; never lowers it. Returns the ids whose stage rose. */
  advance(from: string, ids: readonly string[], stage: InboxStage): Promise<readonly string[]>;
}
