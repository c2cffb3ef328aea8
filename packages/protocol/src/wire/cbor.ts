/**
 * The little of CBOR that frames and bundles are made of (RFC 8949): whole numbers, booleans, byte strings, ASCII texts, and the heads of arrays, all in their one
 * deterministic form (§4.2.1). There is no way here to read "any item": who reads says what has to come next, so no input makes a reader recurse,
 * build a map or follow a tag. What a value may be is left to binary-frame.ts and bundle.ts.
 */
import type { Bytes } from "../base/bytes.ts";

const majors = { number: 0, bytes: 2, text: 3, array: 4 } as const;
const falseByte = 0xf4;
const trueByte = 0xf5;
/** Ends what has no definite length, so it begins nothing: where the bytes are over, it stands for what is missing. */
const breakByte = 0xff;

/** The bytes of the shortest head with this argument: a number, a length or a count. */
export function headBytes(argument: number): number {
  if (argument < 24) return 1;
  if (argument < 0x100) return 2;
  if (argument < 0x10000) return 3;
  return argument < 0x1_0000_0000 ? 5 : 9;
}

/** The bytes of a byte string or an ASCII text of this length, with its head. */
export const stringBytes = (length: number): number => headBytes(length) + length;

/** Reads what it is asked for, one item after the other. The first answer of undefined is the last word: everything after it is undefined as well. */
export class CborReader {
  readonly #bytes: Bytes;
  #copy: Bytes | undefined;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  /** Whether all bytes have been read, and none was refused. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** How many items the array that begins here holds. */
  arrayHead(): number | undefined {
    return this.#head(majors.array);
  }

  /** A whole number from 0 to 2^53 − 1. */
  number(): number | undefined {
    return this.#head(majors.number);
  }

  boolean(): boolean | undefined {
    const byte = this.#bytes[this.#at];
    if (byte !== falseByte && byte !== trueByte) return this.#refuse();
    this.#at += 1;
    return byte === trueByte;
  }

  /** A part of a copy of all, so that it can be kept whatever becomes of the buffer in which it came. */
  bytes(lengthMax: number): Bytes | undefined {
    const length = this.#stringHead(majors.bytes, lengthMax);
    if (length === undefined) return undefined;
    const start = this.#at;
    this.#at += length;
    // One copy for all byte strings, since a thousand small buffers take longer to make than to fill. Not `slice`: on a Buffer of Node that is a view.
    this.#copy ??= new Uint8Array(this.#bytes);
    return this.#copy.subarray(start, this.#at);
  }

  /** One letter for each byte. A byte above ASCII becomes a letter above ASCII, which no text of the protocol may hold; so UTF-8 needs no decoder here. */
  text(lengthMax: number): string | undefined {
    const length = this.#stringHead(majors.text, lengthMax);
    if (length === undefined) return undefined;
    // One call for all letters: adding them one by one makes a text that the next pattern has to flatten first.
    const letters: number[] = [];
    for (let index = 0; index < length; index += 1) letters.push(this.#bytes[this.#at + index] ?? 0);
    this.#at += length;
    return String.fromCharCode(...letters);
  }

  /** A length is judged by what is there before anything is made of it. */
  #stringHead(major: number, lengthMax: number): number | undefined {
    const length = this.#head(major);
    if (length === undefined) return undefined;
    return length > lengthMax || length > this.#bytes.length - this.#at ? this.#refuse() : length;
  }

  /** The argument of a head of this major type. Lengths left open and reserved forms (28 to 31) are refused, and so is every form but the shortest. */
  #head(major: number): number | undefined {
    const initial = this.#bytes[this.#at] ?? breakByte;
    const info = initial & 0x1f;
    if (initial >> 5 !== major || info > 27) return this.#refuse();
    const end = this.#at + 1 + (info < 24 ? 0 : 1 << (info - 24));
    if (end > this.#bytes.length) return this.#refuse();
    let argument = info < 24 ? info : 0;
    for (let at = this.#at + 1; at < end; at += 1) argument = argument * 256 + (this.#bytes[at] ?? 0);
    // Above 2^53 the sum is rounded, but never to less than 2^53.
    if (headBytes(argument) !== end - this.#at || argument > Number.MAX_SAFE_INTEGER) return this.#refuse();
    this.#at = end;
    return argument;
  }

  /** Behind the end nothing can be read any more, and the end is not reached. */
  #refuse(): undefined {
    this.#at = this.#bytes.length + 1;
  }
}

/** Writes into one buffer, whose exact length the caller has counted. */
export class CborWriter {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(length: number) {
    this.#bytes = new Uint8Array(length);
  }

  /** The buffer, filled to its last byte; anything else means that the caller has counted wrongly. */
  finish(): Bytes {
    if (this.#at !== this.#bytes.length) throw new TypeError(`${this.#at} bytes were written where ${this.#bytes.length} were counted`);
    return this.#bytes;
  }

  arrayHead(count: number): void {
    this.#head(majors.array, count);
  }

  number(value: number): void {
    this.#head(majors.number, value);
  }

  boolean(value: boolean): void {
    this.#bytes[this.#at] = value ? trueByte : falseByte;
    this.#at += 1;
  }

  bytes(value: Bytes): void {
    this.#head(majors.bytes, value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** ASCII only, which the caller has made sure of. */
  text(value: string): void {
    this.#head(majors.text, value.length);
    for (let index = 0; index < value.length; index += 1) this.#bytes[this.#at + index] = value.charCodeAt(index);
    this.#at += value.length;
  }

  #head(major: number, argument: number): void {
    const length = headBytes(argument);
    // 24 to 27 say that one, two, four or eight bytes follow.
    const info = length === 1 ? argument : 55 - Math.clz32(length - 1);
    this.#bytes[this.#at] = (major << 5) | info;
    let rest = argument;
    for (let index = length - 1; index > 0; index -= 1) {
      // A byte array keeps the lowest eight bits of what it is given.
      this.#bytes[this.#at + index] = rest;
      rest = Math.floor(rest / 256);
    }
    this.#at += length;
  }
}
