/**
 * UTF-8, by the platform's own coder where there is one, which is about ten times as fast for an envelope, and in plain language anywhere else (see pure-utf8.ts). Both answer
 * alike: decoding is fatal, a byte order mark is text, and a lone surrogate is not written.
 */
import type { Bytes } from "./bytes.ts";
import { decodePurely, encodePurely } from "./pure-utf8.ts";

/** As much of the platform as is asked for here; none of it need be there. */
interface Platform {
  readonly TextEncoder?: new () => { encode(text: string): Bytes };
  readonly TextDecoder?: new (label: "utf-8", settings: { fatal: true; ignoreBOM: true }) => { decode(bytes: Bytes): string };
}

const { TextEncoder, TextDecoder } = globalThis as Platform;
const encoder = TextEncoder && new TextEncoder();
const decoder = TextDecoder && new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Below this, asking the platform costs more than it saves. */
const shortUnits = 32;

/** The bytes of a well-formed string. A lone surrogate is a mistake of ours, never of a peer: texts from outside have been decoded before. */
export function encodeUtf8(text: string): Bytes {
  if (encoder === undefined || text.length < shortUnits) return encodePurely(text);
  if (!text.isWellFormed()) throw new TypeError("a lone surrogate has no UTF-8 form");
  return encoder.encode(text);
}

/** The text of well-formed UTF-8, or undefined. A byte order mark is text like any other, as RFC 8259 §8.1 lets a reader see it as an error. */
export function decodeUtf8(bytes: Bytes): string | undefined {
  if (decoder === undefined || bytes.length < shortUnits) return decodePurely(bytes);
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
