/**
 * The codes that may stand in a transport answer (spec §8). Such an answer is unsigned and goes to somebody we have not authenticated, so a code for
 * authenticated peers, for our own counters or for our own people has no place in it: neither in what we say nor in what we believe.
 */
import { type Audience, audienceOf, type ErrorCode } from "@hikyaku/protocol";

const strangers: ReadonlySet<Audience> = new Set(["anyone", "offer", "verified-offer", "handshake"]);

export const isAnswerCode = (code: ErrorCode): boolean => strangers.has(audienceOf(code));

/** §8: whatever strangers may not learn is REJECTED to them. */
export const answerCodeOf = (code: ErrorCode): ErrorCode => (isAnswerCode(code) ? code : "REJECTED");
