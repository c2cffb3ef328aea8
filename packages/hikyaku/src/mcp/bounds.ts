/** Every bound of this room: what an agent gets in one answer, how long a question may hang, how many may hang at once. */
import { limits } from "@hikyaku/protocol";

/** Entries of a list, unless more are asked for; a context window is small. */
export const entriesDefault: number = 20;
export const entriesMax: number = 200;
/** Of one content from another peer. */
export const charactersDefault: number = 2_000;
export const charactersMax: number = limits.bodyBytesMax;
/** Of a task, in one answer; the peer gives them out by the page, so it may be a page more. */
export const eventsMax: number = 64;
/** Most clients give up on a call after a minute. */
export const waitSecondsMax: number = 50;
/** Of one message of a client; the largest is a message of ours in JSON, where every byte may take six. */
export const messageBytesMax: number = 8 * limits.bodyBytesMax;
/** What a client may leave unread. */
export const unreadBytesMax: number = 16 * limits.bodyBytesMax;
/** Calls of one client that are in work. */
export const callsMax: number = 32;
/** How long a person may take to answer whether an agent may do something. */
export const confirmMsMax: number = 600_000;

/** Of the server over HTTP. */
export interface HttpBounds {
  readonly connectionsMax: number;
  /** Answers that are on their way at once: calls in work, and streams of changes. */
  readonly answersMax: number;
  /** Clients of earlier revisions. */
  readonly sessionsMax: number;
  /** How long such a client may be silent and hear nothing before it has to begin anew. */
  readonly sessionIdleMsMax: number;
  readonly headersMsMax: number;
  readonly requestMsMax: number;
  readonly bodyBytesMax: number;
  /** How long one answer may go on; a stream of changes is opened again by whoever still wants it. */
  readonly answerMsMax: number;
  readonly unreadBytesMax: number;
  /** How long an answer may lie unread, however small it is. */
  readonly unreadMsMax: number;
  /** How long answers may take to leave once the server closes. */
  readonly closeMsMax: number;
}

export const httpBounds: HttpBounds = {
  connectionsMax: 128,
  answersMax: 96,
  sessionsMax: 32,
  sessionIdleMsMax: 30 * 60_000,
  headersMsMax: 10_000,
  requestMsMax: 30_000,
  bodyBytesMax: messageBytesMax,
  answerMsMax: 60 * 60_000,
  unreadBytesMax,
  unreadMsMax: 30_000,
  closeMsMax: 1_000,
};
