import type { Bytes } from "../base/bytes.ts";

const quote = 0x22;
const backslash = 0x5c;

// Compared, not looked up: this is asked of every byte that arrives as JSON.
const isOpener = (byte: number): boolean => byte === 0x5b || byte === 0x7b;
const isCloser = (byte: number): boolean => byte === 0x5d || byte === 0x7d;

/**
 * Whether JSON text nests no deeper than `depthMax`, judged on its bytes before any parser sees them (spec ENV-3): a parser recurses, and
 * a hundred thousand brackets are cheap to send. What is no JSON at all may pass; the parser refuses it.
 */
export function isShallow(bytes: Bytes, depthMax: number): boolean {
  if (!hasMoreOpeners(bytes, depthMax)) return true;
  let depth = 0;
  let isInText = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (isInText) {
      if (byte === backslash) index += 1;
      else if (byte === quote) isInText = false;
    } else if (byte === quote) isInText = true;
    else if (isOpener(byte)) {
      depth += 1;
      if (depth > depthMax) return false;
    } else if (isCloser(byte)) depth -= 1;
  }
  return true;
}

/** Most bodies hold fewer brackets than they might nest, in texts or out of them; the platform's own search is done with those in no time. */
function hasMoreOpeners(bytes: Bytes, most: number): boolean {
  let found = 0;
  for (const opener of [0x5b, 0x7b])
    for (let at = bytes.indexOf(opener); at >= 0; at = bytes.indexOf(opener, at + 1)) {
      found += 1;
      if (found > most) return true;
    }
  return false;
}
