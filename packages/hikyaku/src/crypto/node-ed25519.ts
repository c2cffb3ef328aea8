/**
 * Ed25519 on node:crypto (spec §1). OpenSSL verifies cofactorless, as ID-5 asks. Whether it takes keys and R of small order depends on its version (3.0.19
 * does, 3.5.8 does not), and it imports keys that are not even on the curve: the rules of the core come first, whatever Node was built with.
 */
import { sign, verify } from "node:crypto";
import { type Bytes, pureCrypto, type SigningKey, splitSignature, type VerifyingKey } from "@hikyaku/protocol";
import { importPrivateKey, importPublicKey, publicKeyOf } from "./node-keys.ts";
import { plainBytes } from "./plain-bytes.ts";

export function signingKey(seed: Bytes): SigningKey {
  const key = importPrivateKey("Ed25519", seed);
  return { publicKey: publicKeyOf(key), sign: (message) => plainBytes(sign(null, message, key)) };
}

export function verifyingKey(publicKey: Bytes): VerifyingKey | undefined {
  // ID-2: OpenSSL has no question for "on the curve" alone; noble's answer costs about as much as one verification, once per key.
  if (pureCrypto.verifyingKey(publicKey) === undefined) return undefined;
  const key = importPublicKey("Ed25519", publicKey);
  return {
    publicKey: publicKey.slice(),
    verify: (message, signature) => splitSignature(signature) !== undefined && verify(null, message, key, signature),
  };
}
