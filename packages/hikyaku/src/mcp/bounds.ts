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
/** Of what a client reads as progress. */
export const progressLengthMax: number = 200;
/** Of one message of a client; the largest is a message of ours in JSON, where every byte may take six. */
export const messageBytesMax: number = 8 * limits.bodyBytesMax;
/** What a client may leave unread. */
export const unreadBytesMax: number = 16 * limits.bodyBytesMax;
/** Calls of one client that are in work. */
export const callsMax: number = 32;
/** How long a person may take to answer whether an agent may do something. */
export const confirmMsMax: number = 600_000;
