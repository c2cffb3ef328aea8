/** UTF-8 in nothing but the language, for where there is no TextEncoder, and for short texts anywhere. Decoding is fatal (RFC 3629): overlong forms, surrogates and stray bytes are refused. */
import type { Bytes } from "./bytes.ts";

/** Most arguments handed to one `String.fromCharCode` call. */
const chunkUnits = 4096;

/** The bytes of a well-formed string. A lone surrogate is a mistake of ours, never of a peer: texts from outside have been decoded before. */
export const encodePurely = (text: string): Bytes => encodeAscii(text) ?? encodeAny(text);

/** Nearly all that is written is ASCII, where each letter is a byte: that is found out on the way, in a buffer that is right already. */
function encodeAscii(text: string): Bytes | undefined {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return undefined;
    bytes[index] = unit;
  }
  return bytes;
}

function encodeAny(text: string): Bytes {
  const bytes = new Uint8Array(text.length * 3);
  let offset = 0;
  for (let index = 0; index < text.length; index += 1) {
    const point = text.codePointAt(index) ?? 0;
    if (point >= 0xd800 && point <= 0xdfff) throw new TypeError("a lone surrogate has no UTF-8 form");
    if (point > 0xffff) index += 1;
    offset = writePoint(bytes, offset, point);
  }
  return bytes.slice(0, offset);
}

function writePoint(bytes: Bytes, start: number, point: number): number {
  if (point < 0x80) {
    bytes[start] = point;
    return start + 1;
  }
  const tails = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  const lead = [0, 0xc0, 0xe0, 0xf0][tails] ?? 0;
  bytes[start] = lead | (point >> (6 * tails));
  for (let tail = 1; tail <= tails; tail += 1) bytes[start + tail] = 0x80 | ((point >> (6 * (tails - tail))) & 0x3f);
  return start + tails + 1;
}

/** The text of well-formed UTF-8, or undefined. A byte order mark is text like any other, as RFC 8259 §8.1 lets a reader see it as an error. */
export const decodePurely = (bytes: Bytes): string | undefined => decodeAscii(bytes) ?? decodeAny(bytes);

/** A list of known length that is only filled is three times as fast as one that grows. */
function decodeAscii(bytes: Bytes): string | undefined {
  let text = "";
  for (let start = 0; start < bytes.length; start += chunkUnits) {
    const units: number[] = [];
    units.length = Math.min(chunkUnits, bytes.length - start);
    let seen = 0;
    for (let index = 0; index < units.length; index += 1) {
      const byte = bytes[start + index] ?? 0;
      seen |= byte;
      units[index] = byte;
    }
    if (seen > 0x7f) return undefined;
    text += String.fromCharCode(...units);
  }
  return text;
}

function decodeAny(bytes: Bytes): string | undefined {
  let text = "";
  let units: number[] = [];
  for (let index = 0; index < bytes.length; ) {
    const lead = bytes[index] ?? 0;
    const length = lead < 0x80 ? 1 : sequenceLength(lead);
    const point = lead < 0x80 ? lead : readPoint(bytes, index, length);
    if (point === undefined) return undefined;
    if (point > 0xffff) units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
    else units.push(point);
    index += length;
    if (units.length >= chunkUnits) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

/** How many bytes the lead byte announces; 0 where none may start with it. */
function sequenceLength(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/** The least code point that needs this many bytes: anything lower is an overlong form. */
const leastPoint: readonly number[] = [0, 0, 0x80, 0x800, 0x10000];

function readPoint(bytes: Bytes, start: number, length: number): number | undefined {
  if (length === 0 || start + length > bytes.length) return undefined;
  let point = (bytes[start] ?? 0) & (0xff >> (length + 1));
  for (let index = start + 1; index < start + length; index += 1) {
    const tail = bytes[index] ?? 0;
    if ((tail & 0xc0) !== 0x80) return undefined;
    point = (point << 6) | (tail & 0x3f);
  }
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  return point < (leastPoint[length] ?? 0) || point > 0x10ffff || isSurrogate ? undefined : point;
}
