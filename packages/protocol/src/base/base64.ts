/**
 * Base64 as the protocol allows it (spec §2, RFC 4648 §4): the standard alphabet, always padded, one text per byte string. Platform decoders are
 * lenient (they skip what they do not know and accept stray bits), so decoding here refuses whatever would not encode back to the same text.
 */
import type { Bytes } from "./bytes.ts";
import { decodeUtf8 } from "./utf8.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const notBase64 = 0xff;
const sextets: Bytes = new Uint8Array(128).fill(notBase64);
for (let value = 0; value < alphabet.length; value += 1) sextets[alphabet.charCodeAt(value)] = value;

const letters: Bytes = Uint8Array.from(alphabet, (letter) => letter.charCodeAt(0));
const padding = 0x3d;
const letterOf = (value: number): number => letters[value & 63] ?? padding;

/** Written as bytes and then read as text at once: a text that grows letter by letter costs twice as much. */
export function encodeBase64(bytes: Bytes): string {
  const text = new Uint8Array(4 * Math.ceil(bytes.length / 3));
  let offset = 0;
  for (let index = 0; index < bytes.length; index += 3) {
    const group = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    text[offset] = letterOf(group >> 18);
    text[offset + 1] = letterOf(group >> 12);
    text[offset + 2] = letterOf(group >> 6);
    text[offset + 3] = letterOf(group);
    offset += 4;
  }
  // What the last group lacks is padded.
  const missing = (3 - (bytes.length % 3)) % 3;
  text.fill(padding, text.length - missing);
  return decodeUtf8(text) ?? "";
}

/** The bytes of a canonical base64 text, or undefined. */
export function decodeBase64(text: string): Bytes | undefined {
  if (text.length % 4 !== 0) return undefined;
  if (text.length === 0) return new Uint8Array(0);
  const padded = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padded);
  const end = text.length - padded;
  let held = 0;
  let heldBits = 0;
  let offset = 0;
  for (let index = 0; index < end; index += 1) {
    const code = text.charCodeAt(index);
    const sextet = code < 128 ? (sextets[code] ?? notBase64) : notBase64;
    if (sextet === notBase64) return undefined;
    held = ((held << 6) | sextet) & 0xffff;
    heldBits += 6;
    if (heldBits >= 8) {
      heldBits -= 8;
      bytes[offset] = held >> heldBits;
      offset += 1;
    }
  }
  // Bits left over must be zero, or two texts would stand for the same bytes.
  return (held & ((1 << heldBits) - 1)) === 0 ? bytes : undefined;
}
