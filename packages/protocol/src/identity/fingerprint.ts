/** What people compare: a fingerprint of one key, and a safety number of a pair (spec §1). */
import { base32nopad } from "@scure/base";
import { type Bytes, concatBytes } from "../base/bytes.ts";
import { encodeUtf8 } from "../base/utf8.ts";
import type { Crypto } from "../crypto/port.ts";

const fingerprintBytes = 20;
const groupLetters = 4;

/** 160 bits of SHA-256 as eight groups of four base32 letters: `K7QM 2ZPA …`. */
export function fingerprintOf(crypto: Crypto, publicKey: Bytes): string {
  const digest = crypto.sha256(concatBytes(encodeUtf8("pcp/1 fingerprint\0"), publicKey));
  const letters = base32nopad.encode(digest.subarray(0, fingerprintBytes));
  return (letters.match(new RegExp(`.{${groupLetters}}`, "g")) ?? []).join(" ");
}

/** Costs a guesser 5 200 hashes for each try at a pair whose number looks alike. */
const rounds = 5200;
const groups = 12;

/** Sixty digits in twelve groups, the same on both sides whoever computes them. */
export function safetyNumberOf(crypto: Crypto, left: Bytes, right: Bytes): string {
  const keys = isBelow(left, right) ? concatBytes(left, right) : concatBytes(right, left);
  let digest = crypto.sha256(concatBytes(encodeUtf8("pcp/1 safety\0"), keys));
  for (let round = 1; round < rounds; round += 1) digest = crypto.sha256(concatBytes(digest, keys));
  const long = crypto.sha512(digest);
  return Array.from({ length: groups }, (_, index) => digits(long, index * 2)).join(" ");
}

function isBelow(left: Bytes, right: Bytes): boolean {
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at >= 0 && (left[at] ?? 0) < (right[at] ?? 0);
}

function digits(bytes: Bytes, offset: number): string {
  const value = new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset);
  return String(value % 100_000).padStart(5, "0");
}
