/** From the seed of an identity to its did (RFC 8032, RFC 8410, spec §1). */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { type Bytes, concatBytes, decodeHex, encodeDid, eraseBytes } from "@hikyaku/protocol";

/** What PKCS #8 writes before the 32 bytes of an Ed25519 seed (RFC 8410 §7). */
const pkcs8Prefix = decodeHex("302e020100300506032b657004220420", 16) as Bytes;
const publicKeyBytes = 32;

export function didOfSeed(seed: Bytes): string {
  const der = concatBytes(pkcs8Prefix, seed);
  const privateKey = createPrivateKey({ key: Buffer.from(der.buffer), format: "der", type: "pkcs8" });
  eraseBytes(der);
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return encodeDid(new Uint8Array(spki.subarray(-publicKeyBytes)));
}
