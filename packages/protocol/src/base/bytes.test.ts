import fc from "fast-check";
import { expect, test } from "vitest";
import { concatBytes, decodeHex, encodeHex, eraseBytes, isSameBytes, u16be, u32be } from "./bytes.ts";

test("any bytes become lowercase hex and come back the same", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(encodeHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
      expect(decodeHex(encodeHex(bytes), bytes.length)).toEqual(bytes);
    }),
  );
});

test.each([
  ["an uppercase digit", "0A", 1],
  ["too few digits", "00", 2],
  ["too many digits", "0000", 1],
  ["an odd number of digits", "000", 1],
  ["a letter that is no digit", "0g", 1],
  ["the sign before the digits", "/0", 1],
  ["the sign after the digits", ":0", 1],
  ["the sign before a", "`0", 1],
  ["a space", " 0", 1],
  ["a fullwidth digit", "\uff100", 1],
])("hex with %s is refused [ENV-4]", (_, text, length) => {
  expect(decodeHex(text, length)).toBeUndefined();
});

test("byte strings are the same when every byte is", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  expect(isSameBytes(bytes, Uint8Array.of(1, 2, 3))).toBe(true);
  expect(isSameBytes(bytes, Uint8Array.of(1, 2))).toBe(false);
  for (const index of bytes.keys()) expect(isSameBytes(bytes, bytes.with(index, 9))).toBe(false);
});

test("erased secrets hold zeros only", () => {
  const secrets = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  eraseBytes(...secrets);
  expect(secrets).toEqual([Uint8Array.of(0, 0), Uint8Array.of(0)]);
});

test("parts are joined in order into bytes of their own", () => {
  const part = Uint8Array.of(1, 2);
  const whole = concatBytes(part, new Uint8Array(0), Uint8Array.of(3));
  part.fill(9);
  expect(whole).toEqual(Uint8Array.of(1, 2, 3));
});

test("numbers are written big-endian to their last bit", () => {
  expect(u16be(0xfe01)).toEqual(Uint8Array.of(0xfe, 0x01));
  expect(u32be(0xfedcba98)).toEqual(Uint8Array.of(0xfe, 0xdc, 0xba, 0x98));
});
