/** What this peer's programs can do for others (spec §17), remembered between their runs so that work which arrives meanwhile waits for them. */

/** A capability as it is offered. */
export interface Offer {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  /** JSON Schemas, as JSON text, of at most `schemaBytesMax`. */
  readonly inputSchema?: string;
  readonly outputSchema?: string;
  /** Whether running a task twice does no harm: then one that a crash cut short is run again. */
  readonly isIdempotent: boolean;
  /** How many tasks of it run at once. */
  readonly concurrency: number;
  /** The dids of those it is offered to; everybody who may delegate unless told. */
  readonly peers?: readonly string[];
}

export interface KeptOffer extends Offer {
  /** When a program last offered it; milliseconds since 1970. */
  readonly offeredAt: number;
}

/** Every call that changes something resolves only when the change is durable, and rejects with STORAGE_FAILED having changed nothing. */
export interface OfferStore {
  /** By name. */
  load(): Promise<readonly KeptOffer[]>;
  /** Adds one, or replaces the one of this name. */
  put(offer: KeptOffer): Promise<void>;
  /** Also where there is none of this name. */
  remove(name: string): Promise<void>;
}
