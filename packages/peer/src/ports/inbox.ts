/**
 * Messages that arrived for this peer's agent (spec §11): durable before they are receipted, in the order of their lane, each handed to a handler at most once.
 * One sender's messages with one `lane` are handed over by rising `order`; a missing order holds up those behind it while it may still come, that is while it is
 * at or above the newest `floor`.
 */
import type { MessageType } from "@hikyaku/protocol";

/**
 * How far a message has come: durable here; read by whoever looks into the inbox; given to a handler that has not finished; finished, or acknowledged by its
 * reader; refused for good. The last two are final.
 */
export type InboxStage = "stored" | "delivered" | "started" | "handled" | "refused";

/** Where a message stands among those of its sender. */
export interface LanePlace {
  /** An epoch of the sender's outbox and the priority: `0f3a…/normal`. */
  readonly lane: string;
  readonly order: number;
  /** The lowest order that the sender may still send. */
  readonly floor: number;
}

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
  /** After this nobody should handle it any more; by the sender's clock. */
  readonly exp: number;
  readonly receivedAt: number;
  readonly replyTo?: string;
  readonly thread?: string;
  /** Absent from senders that keep no lanes: such messages are in the order of their arrival. */
  readonly place?: LanePlace;
}

export interface StoredMessage extends InboxMessage {
  /** Rises with every arrival; the cursor of `list`. What waited behind a missing order gets a new one when its turn comes, so that no cursor has passed it by. */
  readonly position: number;
  readonly stage: InboxStage;
  /** Why it was refused: an error code. */
  readonly reason?: string;
}

export interface InboxQuery {
  /** Only messages that arrived after this position. */
  readonly after?: number;
  readonly from?: string;
  readonly type: MessageType;
  /** Only messages nobody has read or handled yet, and whose turn it is in their lane. */
  readonly unread?: boolean;
  /** At most `inboxPageMax`. */
  readonly limit: number;
}

/**
 * What became of a message that arrived. Its floor counts whatever became of it: `skipped` orders were missing below the floor and will not come any more, so that
 * what waited for them does so no longer. Absent where there were none.
 */
export type Arrival = {
  readonly skipped?: number;
} & /** `releases`: others of its lane waited for it and do so no longer; absent where none did. */
(
  | { readonly kind: "stored"; readonly releases?: true }
  /** This sender's id is here already: the message stays as it was. */
  | { readonly kind: "duplicate"; readonly stage: InboxStage; readonly reason?: string }
  /** Its order lies behind its lane's floor or what was handed over, or is another id's: it cannot be told from a very late copy. Not stored. */
  | { readonly kind: "outdated" }
  /** More wait behind a missing order than may: not stored, so that its sender repeats it. */
  | { readonly kind: "ahead" }
  /** A bound of the inbox is reached: not stored. `lanes`: the sender uses more lanes than it may. */
  | { readonly kind: "full"; readonly bound: "sender" | "inbox" | "lanes" }
);

/** One sender's lane; the lane is empty for messages without a place. */
export interface LaneKey {
  readonly from: string;
  readonly lane: string;
}

export interface StageOf {
  readonly id: string;
  readonly stage: InboxStage;
  readonly reason?: string;
}

/** Every call that changes something resolves only when the change is durable, and rejects with STORAGE_FAILED having changed nothing. */
export interface Inbox {
  /** Messages of one sender, in one durable change; the answers stand in the same order. */
  append(messages: readonly InboxMessage[]): Promise<readonly Arrival[]>;
  /** Oldest arrival first. */
  list(query: InboxQuery): Promise<readonly StoredMessage[]>;
  /** The sender says that nothing below this order will come any more. Returns how many orders are not waited for any longer; a lane that is not known stays so. */
  raiseFloor(lane: LaneKey, floor: number): Promise<number>;
  /** Lanes in which a message of this type waits to be handed over and nothing before it is missing. */
  lanesDue(type: MessageType, limit: number): Promise<readonly LaneKey[]>;
  /** The messages of a lane that have this type and whose turn it is, in order: those of other types have handlers, or readers, of their own. */
  due(lane: LaneKey, type: MessageType, limit: number): Promise<readonly StoredMessage[]>;
  /**
   * Raises the stage of one sender's messages; never lowers it, never leaves a final one, and never starts what was read or started before. Returns the ids whose
   * stage rose: whoever gets an id back from `started` is the one that may run its handler.
   */
  advance(from: string, ids: readonly string[], stage: Exclude<InboxStage, "stored">, reason?: string): Promise<readonly string[]>;
  /** Of one sender's ids, those that are here. */
  stagesOf(from: string, ids: readonly string[]): Promise<readonly StageOf[]>;
  /** Messages of this type whose handler had started when the peer last ended, oldest first. */
  interrupted(type: MessageType, limit: number): Promise<readonly StoredMessage[]>;
  /** The handler of such a message is about to be started once more. Resolves with how often it has been, this time included; 0 where none had started. */
  startAgain(from: string, id: string): Promise<number>;
  /**
   * Forgets bodies and rows that nobody needs any more: final or read messages that arrived before `readBefore`, and only where a repetition would still be known as
   * one (behind the lane's floor, or past their exp by `graceMs`). What still waits in a lane that has been idle for `laneIdleMsMax` waits no longer. Bounded work per
   * call; returns how many rows went.
   */
  sweep(now: number, bounds: { readonly readBefore: number; readonly graceMs: number; readonly limit: number }): Promise<number>;
}
