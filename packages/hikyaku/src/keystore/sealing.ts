/** Sealing the secrets of a key file under a passphrase (spec §13): scrypt makes the key, AES-256-GCM encrypts both secrets and covers the header. */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { type Bytes, concatBytes, eraseBytes } from "@hikyaku/protocol";
import {
  encodeSealHeader,
  ivBytes,
  type KeySecrets,
  type SealedKeyFile,
  type SealHeader,
  saltBytes,
  scryptCost,
  secretBytes,
  tagBytes,
} from "./key-file.ts";

const cipherName = "aes-256-gcm";
const { n: N, r, p } = scryptCost;
/** scrypt needs 128·N·r bytes and a little more; Node's own bound is lower. */
const maxmem = 128 * N * r + 1024 * 1024;
const scryptAsync: (passphrase: string, salt: Bytes, length: number, options: object) => Promise<Buffer<ArrayBuffer>> = promisify(scrypt);

export async function sealSecrets({ seed, storageKey }: KeySecrets, did: string, passphrase: string): Promise<SealedKeyFile> {
  const header: SealHeader = { did, salt: new Uint8Array(randomBytes(saltBytes)), iv: new Uint8Array(randomBytes(ivBytes)) };
  const key = await stretch(passphrase, header.salt);
  const secrets = concatBytes(seed, storageKey);
  const cipher = createCipheriv(cipherName, key, header.iv, { authTagLength: tagBytes });
  cipher.setAAD(encodeSealHeader(header));
  const sealed = concatBytes(cipher.update(secrets), cipher.final(), cipher.getAuthTag());
  eraseBytes(key, secrets);
  return { ...header, protection: "scrypt", sealed };
}

/** The secrets, or undefined where the passphrase is another one or the file was altered: these two cannot be told apart. */
export async function openSecrets(file: SealedKeyFile, passphrase: string): Promise<KeySecrets | undefined> {
  const key = await stretch(passphrase, file.salt);
  const decipher = createDecipheriv(cipherName, key, file.iv, { authTagLength: tagBytes });
  decipher.setAAD(encodeSealHeader(file));
  decipher.setAuthTag(file.sealed.subarray(2 * secretBytes));
  const secrets = decipher.update(file.sealed.subarray(0, 2 * secretBytes));
  try {
    decipher.final();
    return { seed: new Uint8Array(secrets.subarray(0, secretBytes)), storageKey: new Uint8Array(secrets.subarray(secretBytes)) };
  } catch {
    return undefined;
  } finally {
    eraseBytes(key, secrets);
  }
}

/** One key for one passphrase, however a keyboard composes its accents. */
const stretch = (passphrase: string, salt: Bytes): Promise<Buffer<ArrayBuffer>> =>
  scryptAsync(passphrase.normalize("NFC"), salt, secretBytes, { N, r, p, maxmem });
