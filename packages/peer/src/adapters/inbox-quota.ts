/**
 * How much an inbox takes before it answers `full` (spec LIM-7): the rule that every inbox judges by. How it counts is its own affair, as long as an append
 * costs the same however much is stored.
 */
import { limits } from "@hikyaku/protocol";

export interface InboxBounds {
  /** Messages of one sender that nobody has read or handled yet. */
  readonly unreadPerSenderMax: number;
  /** Bytes of their bodies, as stored. */
  readonly unreadBytesPerSenderMax: number;
  /** Bytes of all bodies, whoever sent them and whether they were read or not. */
  readonly bytesMax: number;
}

export const defaultInboxBounds: InboxBounds = {
  unreadPerSenderMax: limits.inboxUnreadPerSenderMax,
  unreadBytesPerSenderMax: limits.inboxUnreadBytesPerSenderMax,
  bytesMax: limits.inboxBytesMax,
};

/** What is stored when one more message of a sender comes. */
export interface InboxUsage {
  readonly unreadOfSender: number;
  readonly unreadBytesOfSender: number;
  readonly bytes: number;
}

/** Whether one more body of this size may be stored. */
export const hasInboxRoom = (bodyBytes: number, { unreadOfSender, unreadBytesOfSender, bytes }: InboxUsage, bounds: InboxBounds): boolean =>
  unreadOfSender < bounds.unreadPerSenderMax &&
  unreadBytesOfSender + bodyBytes <= bounds.unreadBytesPerSenderMax &&
  bytes + bodyBytes <= bounds.bytesMax;
