/**
 * What one WebSocket message says (spec §9, §10): binary is a binary frame; text is a JSON envelope, or `{"error":{…}}` and nothing besides. Whether a frame makes sense
 * is for its taker to judge; what cannot be a frame at all ends the stream.
 */
import { type Bytes, limits } from "@hikyaku/protocol";
import type { Refusal } from "../ports/link.ts";
import { decodeRefusal } from "./refusal-text.ts";

export type StreamMessage =
  | { readonly kind: "frame"; readonly frame: Bytes }
  | { readonly kind: "refusal"; readonly refusal: Refusal; readonly ref: string | undefined }
  | { readonly kind: "broken"; readonly code: number; readonly why: string };

const tooLong: StreamMessage = { kind: "broken", code: 1009, why: "a message was too long" };
const unreadable: StreamMessage = { kind: "broken", code: 1007, why: "a message was neither a frame nor an error" };

const encoder = new TextEncoder();
/** Spelled plainly: no peer writes its own name for an error in escapes. */
const errorStart = /^\{[ \t\r\n]*"error"[ \t\r\n]*:/;

/** Never throws. `data` is what a socket hands over whose `binaryType` is `arraybuffer`. */
export function readMessage(data: unknown): StreamMessage {
  if (typeof data === "string") return readText(data);
  if (!(data instanceof ArrayBuffer) || data.byteLength === 0) return unreadable;
  return data.byteLength > limits.envelopeBytesMax ? tooLong : { kind: "frame", frame: new Uint8Array(data) };
}

function readText(text: string): StreamMessage {
  if (!text.startsWith("{")) return unreadable;
  // No text has fewer bytes than code units, so the long one is not even encoded.
  const frame = text.length > limits.envelopeBytesMax ? undefined : encoder.encode(text);
  if (frame === undefined || frame.length > limits.envelopeBytesMax) return tooLong;
  return errorStart.test(text) ? readError(text, frame) : { kind: "frame", frame };
}

function readError(text: string, frame: Bytes): StreamMessage {
  if (frame.length > limits.streamErrorBytesMax) return tooLong;
  const value = parse(text);
  if (value === undefined) return unreadable;
  if (Object.keys(value).length > 1) return { kind: "frame", frame };
  // As with HTTP, whatever is out of form is one refusal: a code of a later version must not end the stream.
  return { kind: "refusal", ...(decodeRefusal(value) ?? { refusal: { code: "MALFORMED_MESSAGE" }, ref: undefined }) };
}

function parse(text: string): object | undefined {
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
