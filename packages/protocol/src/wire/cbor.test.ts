import { decode, encode } from "cborg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bytes, decodeHex } from "../base/bytes.ts";
import { CborReader, CborWriter, headBytes, stringBytes } from "./cbor.ts";

const raw = (hex: string): Bytes => decodeHex(hex, hex.length / 2) ?? new Uint8Array();
const written = (length: number, write: (writer: CborWriter) => void): Bytes => {
  const writer = new CborWriter(length);
  write(writer);
  return writer.finish();
};

/** Every width, and both sides of every edge between two. */
const edges = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
const count = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat(), fc.nat(70_000));

test("a number is written as cborg writes it, and read back [FRAME-1]", () => {
  fc.assert(
    fc.property(count, (value) => {
      const bytes = written(headBytes(value), (writer) => writer.number(value));
      expect(bytes).toEqual(new Uint8Array(encode(value)));
      const reader = new CborReader(bytes);
      expect(reader.number()).toBe(value);
      expect(reader.isAtEnd).toBe(true);
    }),
    { examples: edges.map((edge): [number] => [edge]) },
  );
});

test("texts, byte strings, booleans and heads of arrays are written as cborg writes them, and read back [FRAME-1]", () => {
  const ascii = fc.string({ maxLength: 300, unit: fc.integer({ min: 0, max: 127 }).map((code) => String.fromCharCode(code)) });
  const long = [65_535, 65_536].map((length) => new Uint8Array(length));
  fc.assert(
    fc.property(ascii, fc.uint8Array({ maxLength: 300 }), fc.boolean(), (text, bytes, boolean) => {
      const length = headBytes(3) + stringBytes(text.length) + stringBytes(bytes.length) + 1;
      const whole = written(length, (writer) => {
        writer.arrayHead(3);
        writer.text(text);
        writer.bytes(bytes);
        writer.boolean(boolean);
      });
      expect(whole).toEqual(new Uint8Array(encode([text, bytes, boolean])));
      const reader = new CborReader(whole);
      expect([reader.arrayHead(), reader.text(300), reader.bytes(65_536), reader.boolean()]).toEqual([3, text, bytes, boolean]);
      expect(reader.isAtEnd).toBe(true);
    }),
    { examples: long.map((bytes) => ["", bytes, true] as [string, Bytes, boolean]) },
  );
});

test("whatever head is read as a number is that number to cborg, in the bytes that cborg writes [FRAME-1]", () => {
  const head = fc.tuple(fc.integer({ min: 0, max: 0xff }), fc.uint8Array({ minLength: 0, maxLength: 9 }));
  fc.assert(
    fc.property(head, ([initial, rest]) => {
      const bytes = Uint8Array.of(initial, ...rest);
      const reader = new CborReader(bytes);
      const value = reader.number();
      if (value === undefined || !reader.isAtEnd) return;
      expect(decode(bytes)).toBe(value);
      expect(new Uint8Array(encode(value))).toEqual(bytes);
    }),
    { numRuns: 20_000 },
  );
});

describe("no number is [FRAME-1]:", () => {
  test.each([
    ["nothing", ""],
    ["7 in two bytes", "1807"],
    ["23 in two bytes", "1817"],
    ["7 in three bytes", "190007"],
    ["255 in three bytes", "1900ff"],
    ["65535 in five bytes", "1a0000ffff"],
    ["2^32 - 1 in nine bytes", "1b00000000ffffffff"],
    ["2^53", "1b0020000000000000"],
    ["2^53 + 1", "1b0020000000000001"],
    ["2^64 - 1", "1bffffffffffffffff"],
    ["a head that ends early", "1b00200000000000"],
    ["a head of one byte alone", "18"],
    ["a reserved head (28)", "1c00000000000000000000000000000000"],
    ["a reserved head (30)", "1e00"],
    ["a head without a length", "1f"],
    ["minus one", "20"],
    ["a byte string", "4107"],
    ["a text", "6137"],
    ["an array", "8107"],
    ["a map", "a0"],
    ["a tag", "c107"],
    ["a bignum", "c24107"],
    ["a float of 16 bits", "f94700"],
    ["a float of 32 bits", "fa40e00000"],
    ["a float of 64 bits", "fb401c000000000000"],
    ["not a number", "f97e00"],
    ["true", "f5"],
    ["null", "f6"],
    ["undefined", "f7"],
    ["a break", "ff"],
  ])("%s", (_, hex) => {
    expect(new CborReader(raw(hex)).number()).toBeUndefined();
  });
});

test.each(["00", "01", "f6", "f7", "f814", "f815", "20", "60", "ff"])("%s is no boolean [FRAME-1]", (hex) => {
  expect(new CborReader(raw(hex)).boolean()).toBeUndefined();
});

test("after one refusal everything is refused, also what would be right by itself", () => {
  const reader = new CborReader(raw("0102"));
  expect(reader.boolean()).toBeUndefined();
  expect([reader.number(), reader.arrayHead(), reader.text(9), reader.bytes(9), reader.boolean()]).toEqual(Array(5).fill(undefined));
  expect(reader.isAtEnd).toBe(false);
});

test("a string longer than allowed, or longer than what is there, is refused", () => {
  expect(new CborReader(raw("43010203")).bytes(3)).toEqual(raw("010203"));
  expect(new CborReader(raw("43010203")).bytes(2)).toBeUndefined();
  expect(new CborReader(raw("430102")).bytes(3)).toBeUndefined();
  expect(new CborReader(raw("63616263")).text(2)).toBeUndefined();
  expect(new CborReader(raw("5bffffffffffffffff")).bytes(Number.MAX_SAFE_INTEGER)).toBeUndefined();
  expect(new CborReader(raw("5b001fffffffffffff")).bytes(Number.MAX_SAFE_INTEGER)).toBeUndefined();
});

test("a writer that was given another length than it fills says so", () => {
  expect(() => written(2, (writer) => writer.number(7))).toThrow(/1 bytes were written where 2 were counted/);
  expect(() => written(1, (writer) => writer.number(700))).toThrow(/3 bytes were written where 1 were counted/);
});
