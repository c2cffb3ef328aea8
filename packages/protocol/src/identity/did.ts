/**
 * did:key identifiers (spec §1): the name *is* the key, so that nobody has to look it up and nobody can overwrite it. Whether the key behind a name
 * is a good one is judged where it is imported, not here.
 */
import { base58 } from "@scure/base";
import { type Bytes, concatBytes } from "../base/bytes.ts";

const prefix = "did:key:z";
/** Multicodec ed25519-pub, as a varint. */
const multicodec: Bytes = Uint8Array.of(0xed, 0x01);
const keyBytes = 32;
/** 34 bytes that begin with 0xed 0x01 always take 47 letters; the bound keeps quadratic base58 off long input. */
const didLength = prefix.length + 47;

export const encodeDid = (publicKey: Bytes): string => prefix + base58.encode(concatBytes(multicodec, publicKey));

/** The 32 bytes of an Ed25519 did:key, or undefined where the text is anything else or another spelling. */
export function decodeDid(did: string): Bytes | undefined {
  if (did.length !== didLength || !did.startsWith(prefix)) return undefined;
  let decoded: Uint8Array;
  try {
    decoded = base58.decode(did.slice(prefix.length));
  } catch {
    return undefined;
  }
  if (decoded.length !== multicodec.length + keyBytes) return undefined;
  if (decoded[0] !== multicodec[0] || decoded[1] !== multicodec[1]) return undefined;
  return new Uint8Array(decoded.subarray(multicodec.length));
}
