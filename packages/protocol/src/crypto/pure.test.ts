import { cryptoContract, readCraftedSignatures } from "@hikyaku/testkit";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { expect, test } from "vitest";
import { type Bytes, concatBytes } from "../base/bytes.ts";
import { craftedSignatures } from "./known-answers.ts";
import { pureCrypto } from "./pure.ts";

cryptoContract("the pure implementation", pureCrypto);

const { Point } = ed25519;
const scalarOf = (bytes: Uint8Array): bigint => Point.Fn.create(bytesToNumberLE(bytes));

/** Signs as RFC 8032 §5.1.6 does, but with a nonce of our choosing and a point added to R before it is hashed. */
function craft(seed: Bytes, message: Bytes, nonce: bigint, addedPoint: typeof Point.BASE): Bytes {
  const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(seed);
  const r = Uint8Array.from(Point.BASE.multiplyUnsafe(nonce).add(addedPoint).toBytes());
  const h = scalarOf(sha512(concatBytes(r, pointBytes, message)));
  return concatBytes(r, Uint8Array.from(Point.Fn.toBytes(Point.Fn.create(nonce + h * scalar))));
}

test("the crafted signatures are what their description says, and noble's own verification accepts the cofactored-only one [ID-5]", () => {
  const { seed, torsionPoint, publicKey, message, cofactoredOnly, identityR } = readCraftedSignatures();
  expect(craft(seed, message, scalarOf(sha512(message)), Point.fromBytes(torsionPoint))).toEqual(cofactoredOnly);
  expect(craft(seed, message, 0n, Point.ZERO)).toEqual(identityR);
  expect(ed25519.verify(cofactoredOnly, message, publicKey, { zip215: false })).toBe(true);
});

test("the self-test holds the same crafted signatures as the published vectors [CRY-1] [ID-4] [ID-5]", () => {
  const { publicKey, message, cofactoredOnly, identityR } = readCraftedSignatures();
  expect(craftedSignatures.slice(0, 2)).toMatchObject([
    { publicKey, message, signature: cofactoredOnly },
    { publicKey, message, signature: identityR },
  ]);
});
