/**
 * Ed25519 on noble's curve arithmetic (spec §1). noble's own `verify` checks the cofactored equation, OpenSSL's the cofactorless one; a crafted
 * signature tells them apart. Ours is the cofactorless one everywhere (ID-5), so that check is computed here on noble's points.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { type Bytes, concatBytes, isSameBytes } from "../base/bytes.ts";
import { isStrictPoint, splitSignature } from "./ed25519-rules.ts";
import type { SigningKey, VerifyingKey } from "./port.ts";

const { Point } = ed25519;
type CurvePoint = typeof Point.BASE;

export function pureSigningKey(seed: Bytes): SigningKey {
  const ownSeed = seed.slice();
  return { publicKey: ed25519.getPublicKey(ownSeed), sign: (message) => ed25519.sign(message, ownSeed) };
}

export function pureVerifyingKey(publicKey: Bytes): VerifyingKey | undefined {
  const point = decodeKey(publicKey);
  if (point === undefined) return undefined;
  const encoded = publicKey.slice();
  return { publicKey: encoded, verify: (message, signature) => verify({ point, encoded }, message, signature) };
}

/** ID-3: whether L·A is the identity. */
export function isPureTorsionFree(publicKey: Bytes): boolean {
  return decodeKey(publicKey)?.isTorsionFree() ?? false;
}

/** ID-2: a strict encoding of a point of the curve. */
function decodeKey(publicKey: Bytes): CurvePoint | undefined {
  if (!isStrictPoint(publicKey)) return undefined;
  try {
    return Point.fromBytes(publicKey);
  } catch {
    // Length and range have been checked, so the one refusal left is a y that no point of the curve has.
    return undefined;
  }
}

interface DecodedKey {
  readonly point: CurvePoint;
  readonly encoded: Bytes;
}

/** ID-5: R = S·B − h·A, compared as bytes, so that neither a cofactor nor a second encoding of R gets in between. */
function verify(key: DecodedKey, message: Bytes, signature: Bytes): boolean {
  const halves = splitSignature(signature);
  if (halves === undefined) return false;
  const { r, s } = halves;
  const h = Point.Fn.create(bytesToNumberLE(sha512(concatBytes(r, key.encoded, message))));
  const expected = Point.BASE.multiplyUnsafe(bytesToNumberLE(s)).subtract(key.point.multiplyUnsafe(h));
  return isSameBytes(Uint8Array.from(expected.toBytes()), r);
}
