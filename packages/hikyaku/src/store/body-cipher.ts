/**
 * Encrypts message bodies at rest (spec §13): AES-256-GCM under the keystore's storage key. The tag covers whose message it is, so that rows of the
 * database cannot be exchanged. IVs are random: one key is good for 2^32 bodies.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { type Bytes, concatBytes, encodeUtf8 } from "@hikyaku/protocol";

/** What a body belongs to. */
export interface BodyOwner {
  readonly from: string;
  readonly id: string;
  readonly type: string;
}

const cipherName = "aes-256-gcm";
const ivBytes = 12;
const tagBytes = 16;

export class BodyCipher {
  readonly #key: KeyObject;

  constructor(storageKey: Bytes) {
    this.#key = createSecretKey(storageKey);
  }

  /** IV, ciphertext and tag. */
  seal(owner: BodyOwner, body: string): Bytes {
    const iv = new Uint8Array(randomBytes(ivBytes));
    const cipher = createCipheriv(cipherName, this.#key, iv, { authTagLength: tagBytes });
    cipher.setAAD(encodeOwner(owner));
    return concatBytes(iv, cipher.update(body, "utf8"), cipher.final(), cipher.getAuthTag());
  }

  /** The body, or undefined where it was altered, belongs to another message or was sealed under another key. */
  open(owner: BodyOwner, sealed: Bytes): string | undefined {
    if (sealed.length < ivBytes + tagBytes) return undefined;
    const decipher = createDecipheriv(cipherName, this.#key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
    decipher.setAAD(encodeOwner(owner));
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    const body = decipher.update(sealed.subarray(ivBytes, -tagBytes));
    try {
      decipher.final();
      return body.toString("utf8");
    } catch {
      return undefined;
    }
  }
}

/** A JSON list, so that no two owners have the same text. */
const encodeOwner = ({ from, id, type }: BodyOwner): Bytes => encodeUtf8(JSON.stringify(["hikyaku stored body/1", from, id, type]));
