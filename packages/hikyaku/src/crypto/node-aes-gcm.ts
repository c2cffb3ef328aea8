/** AES-256-GCM on node:crypto (spec §5). Every key seals one message; a key object per call is still twice as fast as handing over raw bytes. */
import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";
import { type Bytes, concatBytes, type Sealing } from "@hikyaku/protocol";
import { plainBytes } from "./plain-bytes.ts";

const algorithm = "aes-256-gcm";
const tagBytes = 16;

export function seal({ key, iv, aad }: Sealing, plaintext: Bytes): Bytes {
  const cipher = createCipheriv(algorithm, createSecretKey(key), iv, { authTagLength: tagBytes }).setAAD(aad);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return concatBytes(ciphertext, cipher.getAuthTag());
}

export function open({ key, iv, aad }: Sealing, sealed: Bytes): Bytes | undefined {
  const ciphertextBytes = sealed.length - tagBytes;
  // CRY-2: OpenSSL would be content with the first bytes of a tag, so the length comes first and `authTagLength` is always given.
  if (ciphertextBytes < 0) return undefined;
  const decipher = createDecipheriv(algorithm, createSecretKey(key), iv, { authTagLength: tagBytes })
    .setAAD(aad)
    .setAuthTag(sealed.subarray(ciphertextBytes));
  const plaintext = decipher.update(sealed.subarray(0, ciphertextBytes));
  try {
    decipher.final();
  } catch {
    // All arguments have been judged above, so the one refusal left is a tag that does not fit.
    return undefined;
  }
  return plainBytes(plaintext);
}
