/** X25519 on node:crypto (spec §4, RFC 7748). */
import { diffieHellman, type KeyObject } from "node:crypto";
import type { AgreementKey, Bytes } from "@hikyaku/protocol";
import { importPrivateKey, importPublicKey, publicKeyOf } from "./node-keys.ts";
import { plainBytes } from "./plain-bytes.ts";

/** How OpenSSL says that the result is all zero; with both keys imported, it has no other reason to say it. */
const zeroResult = "ERR_OSSL_FAILED_DURING_DERIVATION";

export function agreementKey(secret: Bytes): AgreementKey {
  let privateKey: KeyObject | undefined = importPrivateKey("X25519", secret);
  return {
    publicKey: publicKeyOf(privateKey),
    agree(otherPublicKey) {
      if (privateKey === undefined) throw new Error("an erased agreement key was used");
      return otherPublicKey.length === 32 ? sharedSecret(privateKey, importPublicKey("X25519", otherPublicKey)) : undefined;
    },
    erase() {
      privateKey = undefined;
    },
  };
}

function sharedSecret(privateKey: KeyObject, publicKey: KeyObject): Bytes | undefined {
  try {
    return plainBytes(diffieHellman({ privateKey, publicKey }));
  } catch (error) {
    // CRY-3: an all-zero result is an answer; whatever else OpenSSL objects to is not hidden.
    if (error instanceof Error && "code" in error && error.code === zeroResult) return undefined;
    throw error;
  }
}
