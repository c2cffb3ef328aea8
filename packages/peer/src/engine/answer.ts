/** What the engine says to one incoming frame: the same shape whether the frame came to our listener or came back on a link that we dialled. */
import type { Bytes, ErrorCode } from "@hikyaku/protocol";
import type { Stream } from "../ports/link.ts";

/** How a frame came: on a stream, in an exchange that the other side began, or as an answer in one of ours. */
export type Way = Stream | "call" | "answer";

export type Answer =
  | {
      readonly kind: "taken";
      /** Frames for the sender, oldest first. */
      readonly frames: readonly Bytes[];
    }
  | {
      readonly kind: "refused";
      /** Only codes that a sender without a session may see (spec ERR-1). */
      readonly code: ErrorCode;
      readonly retryAfterS?: number;
      readonly versions?: readonly string[];
    };

/** The answer, and the peer that proved by this very frame to be the sender, if one did. */
export interface Received {
  readonly answer: Answer;
  readonly provenBy?: string;
  /** Whether a session with that peer began by it. */
  readonly isBeginning?: boolean;
  /** The nonce of the frame in hex, by which a refusal names it on a stream. */
  readonly ref?: string;
}

export const taken = (...frames: readonly Bytes[]): Answer => ({ kind: "taken", frames });
export const refused = (code: ErrorCode): Answer => ({ kind: "refused", code });
