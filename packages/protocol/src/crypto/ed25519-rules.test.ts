import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { expect, test } from "vitest";
import { type Bytes, concatBytes } from "../base/bytes.ts";
import { isStrictPoint, splitSignature } from "./ed25519-rules.ts";

const { Fp, Fn } = ed25519.Point;
const littleEndian = (value: bigint): Bytes => Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
const withSign = (encoded: Bytes): Bytes => encoded.with(31, (encoded[31] ?? 0) | 0x80);

const orderOfField = Fp.ORDER;
const honest = ed25519.getPublicKey(new Uint8Array(32));

test("no point of small order is strict, with either sign [ID-2]", () => {
  const smallOrder = ED25519_TORSION_SUBGROUP.map((hex) => Uint8Array.from(Buffer.from(hex, "hex")));
  expect(smallOrder.length).toBe(8);
  expect([...smallOrder, ...smallOrder.map(withSign)].filter(isStrictPoint)).toEqual([]);
});

test("y is below p: the nineteen second spellings are refused, p − 2 is not [ID-2]", () => {
  const spellings = Array.from({ length: 19 }, (_, index) => littleEndian(orderOfField + BigInt(index)));
  expect([...spellings, ...spellings.map(withSign)].filter(isStrictPoint)).toEqual([]);
  expect(isStrictPoint(littleEndian(orderOfField - 2n))).toBe(true);
  expect(isStrictPoint(withSign(littleEndian(orderOfField - 2n)))).toBe(true);
});

test.each([0, 31, 33, 64])("%i bytes are no point [ID-2]", (length) => {
  expect(isStrictPoint(new Uint8Array(length).fill(3))).toBe(false);
});

test("S is below L, to the last unit [ID-4]", () => {
  const isTaken = (s: bigint) => splitSignature(concatBytes(honest, littleEndian(s))) !== undefined;
  expect([0n, 1n, Fn.ORDER - 1n].map(isTaken)).toEqual([true, true, true]);
  expect([Fn.ORDER, Fn.ORDER + 1n, 2n ** 253n, 2n ** 256n - 1n].map(isTaken)).toEqual([false, false, false, false]);
});

test("R follows the rule for points, and the length is 64 [ID-4]", () => {
  const s = littleEndian(1n);
  expect(splitSignature(concatBytes(honest, s))).toEqual({ r: honest, s });
  expect(splitSignature(concatBytes(littleEndian(1n), s))).toBeUndefined();
  expect(splitSignature(concatBytes(littleEndian(orderOfField + 3n), s))).toBeUndefined();
  expect(splitSignature(concatBytes(honest, s.slice(0, 31)))).toBeUndefined();
  expect(splitSignature(concatBytes(honest, s, new Uint8Array(1)))).toBeUndefined();
});
