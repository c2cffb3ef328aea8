/** Byte strings and their strict text forms: hex (lowercase only), and the comparisons that secrets need. Base64 has a file of its own. */

/** Owned bytes, never a view on shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

export function concatBytes(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Compares without leaving early, so that the time taken tells nothing about where two secrets differ. */
export function isSameBytes(left: Bytes, right: Bytes): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let index = 0; index < left.length; index += 1) difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
  return difference === 0;
}

/** Overwrites a secret that is no longer needed. The engine may hold copies that we cannot reach: this narrows the window, it does not close it. */
export function eraseBytes(...secrets: readonly Bytes[]): void {
  for (const secret of secrets) secret.fill(0);
}

const hexPairs: readonly string[] = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

export function encodeHex(bytes: Bytes): string {
  let text = "";
  for (const byte of bytes) text += hexPairs[byte];
  return text;
}

/** Lowercase hex of exactly `length` bytes, or undefined: `Buffer.from(x, "hex")` would cut bad input short instead of refusing it. */
export function decodeHex(text: string, length: number): Bytes | undefined {
  if (text.length !== length * 2) return undefined;
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) {
    const byte = (hexDigit(text.charCodeAt(index * 2)) << 4) | hexDigit(text.charCodeAt(index * 2 + 1));
    if (byte > 0xff) return undefined;
    bytes[index] = byte;
  }
  return bytes;
}

const notHex = 0x100;
const hexDigits = new Uint16Array(0x80).fill(notHex);
for (let value = 0; value < 16; value += 1) hexDigits[value.toString(16).charCodeAt(0)] = value;

/** The digit's value, or more than any byte. */
const hexDigit = (code: number): number => hexDigits[code] ?? notHex;

/** Big-endian 16 bits. */
export const u16be = (value: number): Bytes => Uint8Array.of(value >>> 8, value & 0xff);

/** Big-endian 32 bits. */
export const u32be = (value: number): Bytes => Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
