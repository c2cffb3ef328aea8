/** Points that have no business in a handshake, on both curves, with every spelling that a careless reader would take. Little-endian hex, RFC 7748 and RFC 8032. */
import { type Bytes, decodeHex } from "@hikyaku/protocol";

const bytes = (hex: string): Bytes => decodeHex(hex, 32) ?? new Uint8Array();

/** 2^255 - 19 + offset. */
const aroundPrime = (offset: number): string => `${(0xed + offset).toString(16)}${"ff".repeat(30)}7f`;

/** u coordinates whose X25519 result is zero whatever the scalar: 0, 1, both of order eight, p - 1, p and p + 1, and the same with the unused top bit set. */
export const zeroShares: readonly Bytes[] = [
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  aroundPrime(-1),
  aroundPrime(0),
  aroundPrime(1),
].flatMap((hex) => [bytes(hex), withTopBit(bytes(hex))]);

/** The eight Edwards points of small order by their five y, each with both signs, and the spellings of 0 and 1 that are not below p. */
export const smallOrderKeys: readonly Bytes[] = [
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  aroundPrime(-1),
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  aroundPrime(0),
  aroundPrime(1),
].flatMap((hex) => [bytes(hex), withTopBit(bytes(hex))]);

function withTopBit(point: Bytes): Bytes {
  const copy = point.slice();
  copy[31] = (copy[31] ?? 0) | 0x80;
  return copy;
}
