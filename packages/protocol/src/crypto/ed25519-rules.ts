/**
 * What an encoded Ed25519 key or signature must look like before any curve arithmetic (spec §1, ID-2 and ID-4). Libraries differ in what they let
 * pass here, and a signature that one peer accepts and another refuses splits them, so every implementation asks these functions first. Keys
 * and signatures are public: nothing here needs constant time.
 */
import { type Bytes, encodeHex } from "../base/bytes.ts";

const publicKeyBytes = 32;
const signatureBytes = 64;

const littleEndian = (value: bigint): Bytes => Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));

/** p of RFC 8032 §5.1. */
const fieldPrime = littleEndian(2n ** 255n - 19n);

/** L of RFC 8032 §5.1, the order of the base point. */
const groupOrder = littleEndian(2n ** 252n + 27742317777372353535851937790883648493n);

/**
 * The y coordinates of the eight points of small order: five, since all but the identity and the point of order two come in pairs ±x. Looking
 * at y alone also catches the encodings of those two that carry a sign bit for x = 0, which RFC 8032 §5.1.3 does not allow either.
 */
const smallOrderYs: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

/** Whether 32 bytes are a canonical encoding (y < p) of something that is not of small order. Says nothing about lying on the curve. */
export function isStrictPoint(encoded: Bytes): boolean {
  if (encoded.length !== publicKeyBytes) return false;
  const y = encoded.slice();
  y[31] = (y[31] ?? 0) & 0x7f;
  return isBelow(y, fieldPrime) && !smallOrderYs.has(encodeHex(y));
}

/** The two halves of a signature, as RFC 8032 §5.1.6 calls them. */
export interface SplitSignature {
  readonly r: Bytes;
  readonly s: Bytes;
}

/** ID-4: the halves of a signature of 64 bytes with a strict R and S < L; undefined for any other. */
export function splitSignature(signature: Bytes): SplitSignature | undefined {
  if (signature.length !== signatureBytes) return undefined;
  const r = signature.slice(0, 32);
  const s = signature.slice(32);
  return isStrictPoint(r) && isBelow(s, groupOrder) ? { r, s } : undefined;
}

/** Compares two little-endian numbers of equal length. */
function isBelow(value: Bytes, bound: Bytes): boolean {
  for (let index = bound.length - 1; index >= 0; index -= 1) {
    const difference = (value[index] ?? 0) - (bound[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
