import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase64, encodeBase64 } from "./base64.ts";

const bytesOf = (...bytes: readonly number[]) => Uint8Array.from(bytes);

/** The examples of RFC 4648 §10. */
const published = [
  ["", ""],
  ["f", "Zg=="],
  ["fo", "Zm8="],
  ["foo", "Zm9v"],
  ["foob", "Zm9vYg=="],
  ["fooba", "Zm9vYmE="],
  ["foobar", "Zm9vYmFy"],
] as const;

test.each(published)("%j is written as %j and read back", (plain, text) => {
  const bytes = Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  expect(encodeBase64(bytes)).toBe(text);
  expect(decodeBase64(text)).toEqual(bytes);
});

test("any bytes are written as the platform writes them and come back the same", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = encodeBase64(bytes);
      expect(text).toBe(Buffer.from(bytes).toString("base64"));
      expect(decodeBase64(text)).toEqual(bytes);
    }),
  );
});

test.each([
  ["no padding", "Zg"],
  ["half the padding", "Zg="],
  ["too much padding", "Zm8=="],
  ["padding alone", "===="],
  ["padding in the middle", "Zg==Zg=="],
  ["stray bits after one byte", "Zh=="],
  ["stray bits after two bytes", "Zm9="],
  ["the alphabet of URLs", "-_-_"],
  ["a line break", "Zm9v\nZm9"],
  ["a space", "Zm9 "],
  ["a letter beyond ASCII", "Zm9é"],
  ["a letter whose low byte is in the alphabet", "Zm9\u0141"],
  ["a NUL", "Zm9\0"],
])("base64 with %s is refused [ENV-4]", (_, text) => {
  expect(decodeBase64(text)).toBeUndefined();
});

test("a text is accepted only if it is the one that its bytes are written as [ENV-4]", () => {
  const letter = fc.constantFrom(..."AQgwZm9+/=-_ é".split(""));
  fc.assert(
    fc.property(fc.string({ unit: letter, maxLength: 12 }), (text) => {
      const bytes = decodeBase64(text);
      expect(bytes === undefined || encodeBase64(bytes) === text).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("the largest payload of an envelope comes back the same", () => {
  const bytes = new Uint8Array(192 * 1024).fill(0xa5);
  expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
  expect(decodeBase64(encodeBase64(bytesOf(0, 255)))).toEqual(bytesOf(0, 255));
});
