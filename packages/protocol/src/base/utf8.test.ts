import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePurely, encodePurely } from "./pure-utf8.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

const platformEncoder = new TextEncoder();
const platformDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeByPlatform(bytes: Uint8Array): string | undefined {
  try {
    return platformDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes at the edges of what UTF-8 allows, so that random strings of them are often nearly well-formed. */
const edgeBytes = [
  0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4,
  0xf5, 0xf8, 0xfe, 0xff,
];

describe.each([
  ["with the platform's coder", encodeUtf8, decodeUtf8],
  ["in plain language", encodePurely, decodePurely],
] as const)("UTF-8 %s", (_, encode, decode) => {
  test("well-formed text is encoded as the platform encodes it and comes back the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 90 }), (text) => {
        const bytes = encode(text);
        expect(bytes).toEqual(platformEncoder.encode(text));
        expect(decode(bytes)).toBe(text);
      }),
      { numRuns: 400 },
    );
  });

  test("a lone surrogate is not encoded, wherever it stands", () => {
    const unit = fc.constantFrom("a", "\ud800", "\udbff", "\udc00", "\udfff");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 6 }), fc.constantFrom("", "x".repeat(40)), (beginning, rest) => {
        const text = beginning + rest;
        fc.pre(!text.isWellFormed());
        expect(() => encode(text)).toThrow(TypeError);
      }),
      { numRuns: 400 },
    );
  });

  test("any bytes are decoded or refused exactly as a fatal platform decoder does", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.array(fc.constantFrom(...edgeBytes), { maxLength: 8 }).map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(bytes, fc.constantFrom(0, 40), (few, letters) => {
        const hostile = Uint8Array.from([...few, ...new Uint8Array(letters).fill(0x78)]);
        expect(decode(hostile)).toBe(decodeByPlatform(hostile));
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    ["an overlong slash", [0xc0, 0xaf]],
    ["an overlong NUL in three bytes", [0xe0, 0x80, 0x80]],
    ["an overlong form in four bytes", [0xf0, 0x8f, 0xbf, 0xbf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["a code point above U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["a sequence cut short", [0xe2, 0x82]],
    ["a stray tail byte", [0x80]],
    ["a lead without its tail", [0xc3, 0x28]],
  ])("UTF-8 with %s is refused", (_, bytes) => {
    expect(decode(Uint8Array.from(bytes))).toBeUndefined();
    expect(decode(Uint8Array.from([...new Uint8Array(40).fill(0x78), ...bytes]))).toBeUndefined();
  });

  test("a byte order mark is text, not decoration", () => {
    expect(decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
  });

  test.each([
    ["a letter above ASCII behind the first seam", `${"x".repeat(4095)}😀${"é".repeat(5000)}`],
    ["ASCII alone, up to a seam", "x".repeat(8192)],
    ["ASCII alone, beyond a seam", "x".repeat(8193)],
    ["a letter above ASCII at the very end", `${"x".repeat(9000)}é`],
    ["nothing", ""],
  ])("long text survives the seams between chunks: %s", (_, text) => {
    expect(encode(text)).toEqual(platformEncoder.encode(text));
    expect(decode(encode(text))).toBe(text);
  });
});
