/** X25519 on noble's ladder (spec §4, RFC 7748). */
import { x25519 } from "@noble/curves/ed25519.js";
import { type Bytes, eraseBytes } from "../base/bytes.ts";
import type { AgreementKey } from "./port.ts";

export function pureAgreementKey(privateKey: Bytes): AgreementKey {
  const secret = privateKey.slice();
  let isErased = false;
  return {
    publicKey: x25519.getPublicKey(secret),
    agree(otherPublicKey) {
      if (isErased) throw new Error("an erased agreement key was used");
      return otherPublicKey.length === 32 ? sharedSecret(secret, otherPublicKey) : undefined;
    },
    erase() {
      eraseBytes(secret);
      isErased = true;
    },
  };
}

function sharedSecret(secret: Bytes, otherPublicKey: Bytes): Bytes | undefined {
  try {
    return x25519.getSharedSecret(secret, otherPublicKey);
  } catch {
    // CRY-3: both lengths have been checked, so the one refusal left is a small-order input, whose result is all zero.
    return undefined;
  }
}
