/**
 * Messages on their way to others (spec §11): durable before the first try, removed only by a final receipt or by time. What expired or was refused is kept as a
 * dead letter until a person decides.
 */
import type { MessageType, Priority, ReceiptStage } from "@hikyaku/protocol";

/** A message that is about to be kept. */
export interface Draft {
  /** Our UUIDv7. */
  readonly id: string;
  /** The recipient's did. */
  readonly to: string;
  readonly type: MessageType;
  readonly priority: Priority;
  /** The body's own fields, as JSON text. */
  readonly body: string;
  /** Milliseconds since 1970; `exp` as well. */
  readonly sentAt: number;
  readonly exp: number;
  readonly replyTo?: string;
  readonly thread?: string;
}

/** One recipient's messages of one priority: a lane of ours. */
export interface LaneOut {
  readonly to: string;
  readonly priority: Priority;
}

export interface QueuedMessage extends Draft {
  /** Its place in the lane: 1, 2, 3, … for ever, also across restarts. */
  readonly order: number;
}

/** Where a message is: not yet durable at its recipient; the recipient's last word; or given up. */
export type OutboxStage = "queued" | ReceiptStage | "expired";

/** What happened to a message, oldest first. */
export interface OutboxEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: "queued" | "sent" | "failed" | "stored" | "delivered" | "handled" | "refused" | "expired" | "retried";
  /** A route such as `ws://127.0.0.1:7340`, a code or a sentence. */
  readonly detail?: string;
}

/** Everything that is known of one message of ours, without its body. */
export interface OutboxRecord extends Omit<QueuedMessage, "body"> {
  readonly stage: OutboxStage;
  readonly events: readonly OutboxEvent[];
  /** Why it is a dead letter. */
  readonly reason?: string;
}

/** The recipient's word on one message, or the end of its time. */
export interface Progress {
  readonly id: string;
  readonly to: string;
  readonly stage: Exclude<OutboxStage, "queued">;
  readonly at: number;
  /** Beside `refused` and `expired`: an error code. */
  readonly reason?: string;
  /** When and by which route it was last sent, where that was not noted before. */
  readonly sent?: { readonly at: number; readonly route: string };
}

/** Something worth explaining that is no progress: another sending, a failure. */
export interface Remark {
  readonly id: string;
  readonly to: string;
  readonly event: OutboxEvent;
}

/** Every call that changes something resolves only when the change is durable, and rejects with STORAGE_FAILED having changed nothing. */
export interface Outbox {
  /** 16 hex digits, part of the names of the lanes to this recipient: made with the outbox and never used by another, until others were given. */
  epochOf(to: string): Promise<string>;
  /** Gives the lanes to this recipient other names; their orders go on. */
  renewEpoch(to: string, epoch: string): Promise<void>;
  /** Gives the message the next order of its lane. Rejects with QUOTA_EXCEEDED where too much is kept already: nothing is evicted. */
  add(draft: Draft): Promise<QueuedMessage>;
  /** The next messages of a lane that are queued, by rising order: above `after`, at most so many, and of so many bytes unless the first alone is larger. */
  next(lane: LaneOut, after: number, bounds: { readonly count: number; readonly bytes: number }): Promise<readonly QueuedMessage[]>;
  /** The lowest order that may still be sent: that of the first queued message, or the one after the last that was given. */
  floor(lane: LaneOut): Promise<number>;
  /** Lanes with queued messages. */
  lanesQueued(): Promise<readonly LaneOut[]>;
  /** Raises stages; a stage that is lower than the one held, an id that is not there or of another recipient, and whatever comes after a final stage change nothing. Returns those that rose. */
  advance(progress: readonly Progress[]): Promise<readonly Progress[]>;
  /** Adds to what `find` tells; bounded per message, the oldest of what repeats goes first. */
  remark(remarks: readonly Remark[]): Promise<void>;
  /** Ids of a recipient that are stored there and not final, oldest first, above the id `after`. */
  unsettled(to: string, after: string | undefined, limit: number): Promise<readonly string[]>;
  /** Queued and stored messages whose `exp` lies before `now`, at most `limit`: they become dead letters (`expired`), and what was delivered is merely settled. Returns the dead ones. */
  expire(now: number, limit: number): Promise<readonly OutboxRecord[]>;
  find(id: string): Promise<OutboxRecord | undefined>;
  /** Whose id begins with these digits; at most `limit`. */
  findByPrefix(prefix: string, limit: number): Promise<readonly OutboxRecord[]>;
  /** Dead letters (`refused` or `expired`), oldest first, above the id `after`. */
  dead(after: string | undefined, limit: number): Promise<readonly OutboxRecord[]>;
  /** A dead letter with its body; undefined where there is none of that id. */
  deadLetter(id: string): Promise<Draft | undefined>;
  /** Forgets a dead letter; `asNew` is added in the same change (spec §11: another try is another message). Undefined where there is no such dead letter. */
  bury(id: string, asNew?: Draft): Promise<"buried" | QueuedMessage | undefined>;
  /** Unsettled messages: how many, and the bytes of their bodies. */
  usage(): Promise<{ readonly count: number; readonly bytes: number }>;
  /** Forgets what was settled before `settledBefore`; bounded work per call. */
  sweep(settledBefore: number, limit: number): Promise<number>;
}
