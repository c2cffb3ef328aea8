/**
 * Finds the envelopes inside an answer and hands them on as the very bytes that arrived, since it is bytes that were signed. The same pass bounds the
 * depth, before any parser sees the text (spec ENV-3).
 */
import { type Bytes, limits } from "@hikyaku/protocol";

/** An answer holds a list, which holds envelopes, which hold a payload. */
const answerDepthMax = 4;
const replyDepth = 3;

const quote = 0x22;
const backslash = 0x5c;
const openers: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const closers: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Everything nested as deep as a reply; whether it is one, the parser decides. Undefined where the text nests deeper or holds more than any answer. */
export function sliceReplies(answer: Bytes): readonly Bytes[] | undefined {
  const slices: Bytes[] = [];
  let depth = 0;
  let start = 0;
  let isInText = false;
  for (let index = 0; index < answer.length; index += 1) {
    const byte = answer[index] ?? 0;
    if (isInText) {
      if (byte === backslash) index += 1;
      else if (byte === quote) isInText = false;
    } else if (byte === quote) isInText = true;
    else if (openers.has(byte)) {
      depth += 1;
      if (depth > answerDepthMax) return undefined;
      if (depth === replyDepth) start = index;
    } else if (closers.has(byte)) {
      if (depth === replyDepth) slices.push(answer.slice(start, index + 1));
      if (slices.length > limits.repliesCountMax) return undefined;
      depth -= 1;
    }
  }
  return slices;
}
