/**
 * The crypto port in pure JavaScript, on the @noble libraries: slower than a platform's own, but it runs in any engine. The second implementation
 * to hold the first to account (see the contract suite), and the only one where there is no platform.
 */
import { gcm } from "@noble/ciphers/aes.js";
import { expand } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import type { Bytes } from "../base/bytes.ts";
import type { Crypto, Sealing } from "./port.ts";
import { isPureTorsionFree, pureSigningKey, pureVerifyingKey } from "./pure-ed25519.ts";
import { pureAgreementKey } from "./pure-x25519.ts";

export const pureCrypto: Crypto = {
  name: "noble",
  sha256: (data) => sha256(data),
  sha512: (data) => sha512(data),
  hmacSha256: (key, data) => hmac(sha256, key, data),
  expand: (secret, info, length) => expand(sha256, secret, info, length),
  seal: ({ key, iv, aad }, plaintext) => gcm(key, iv, aad).encrypt(plaintext),
  open,
  signingKey: pureSigningKey,
  verifyingKey: pureVerifyingKey,
  isTorsionFree: isPureTorsionFree,
  agreementKey: pureAgreementKey,
};

function open({ key, iv, aad }: Sealing, sealed: Bytes): Bytes | undefined {
  const cipher = gcm(key, iv, aad);
  try {
    return cipher.decrypt(sealed);
  } catch {
    // CRY-2: key and IV have been judged by `gcm` above; `decrypt` refuses what is shorter than a whole tag, and then a tag that does not fit.
    return undefined;
  }
}
