/**
 * Base64 as the protocol allows it (spec §2, RFC 4648 §4): the standard alphabet, always padded, one text per byte string. Platform decoders are
 * lenient (they skip what they do not know and accept stray bits), so decoding here refuses whatever would not encode back to the same text.
 */
import type { Bytes } from "./bytes.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const notBase64 = 0xff;
const sextets: Bytes = new Uint8Array(128).fill(notBase64);
for (let value = 0; value < alphabet.length; value += 1) sextets[alphabet.charCodeAt(value)] = value;

/** Every 12-bit pair of letters, so that three bytes cost two look-ups. */
const letterPairs: readonly string[] = Array.from({ length: 4096 }, (_, value) => `${alphabet[value >> 6]}${alphabet[value & 63]}`);

export function encodeBase64(bytes: Bytes): string {
  let text = "";
  const whole = bytes.length - (bytes.length % 3);
  for (let index = 0; index < whole; index += 3) {
    const group = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    text += `${letterPairs[group >> 12]}${letterPairs[group & 0xfff]}`;
  }
  if (bytes.length - whole === 1) text += `${letterPairs[(bytes[whole] ?? 0) << 4]}==`;
  if (bytes.length - whole === 2) {
    const group = ((bytes[whole] ?? 0) << 10) | ((bytes[whole + 1] ?? 0) << 2);
    text += `${letterPairs[group >> 6]}${alphabet[group & 63]}=`;
  }
  return text;
}

/** The bytes of a canonical base64 text, or undefined. */
export function decodeBase64(text: string): Bytes | undefined {
  if (text.length % 4 !== 0) return undefined;
  if (text.length === 0) return new Uint8Array(0);
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  const letters = text.length - padding;
  let held = 0;
  let heldBits = 0;
  let offset = 0;
  for (let index = 0; index < letters; index += 1) {
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
