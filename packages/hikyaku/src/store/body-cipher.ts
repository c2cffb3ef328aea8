/**
 * Encrypts message bodies at rest (spec §13): AES-256-GCM under the keystore's storage key. The tag covers whose message it is, so that rows of the
 * database cannot be exchanged. IVs are random: one key is good for 2^32 bodies.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import type { TaskKey } from "@hikyaku/peer";
import { type Bytes, concatBytes } from "@hikyaku/protocol";

/** What a body belongs to: a message that came from somebody, one on its way to somebody, a task, or a status report. */
export type BodyOwner = IncomingBody | OutgoingBody | TaskBody | StatusWords;

interface IncomingBody {
  readonly from: string;
  readonly id: string;
  readonly type: string;
}

interface OutgoingBody {
  readonly to: string;
  readonly id: string;
  readonly type: string;
}

interface TaskBody extends TaskKey {
  /** Of the event whose words they are; 0 for the task's input. */
  readonly cursor: number;
}

interface StatusWords {
  readonly reporter: string;
  readonly id: string;
}

const cipherName = "aes-256-gcm";
const ivBytes = 12;
const tagBytes = 16;
/** Asking the system for random bytes costs as much as half a body's encryption. */
const ivsAtOnce = 256;

export class BodyCipher {
  readonly #key: KeyObject;
  #dice = new Uint8Array(0);

  constructor(storageKey: Bytes) {
    this.#key = createSecretKey(storageKey);
  }

  /** IV, ciphertext and tag. */
  seal(owner: BodyOwner, body: string): Bytes {
    const iv = this.#nextIv();
    const cipher = createCipheriv(cipherName, this.#key, iv, { authTagLength: tagBytes });
    cipher.setAAD(encodeOwner(owner));
    return concatBytes(iv, cipher.update(body, "utf8"), cipher.final(), cipher.getAuthTag());
  }

  /** Each random byte is used once. */
  #nextIv(): Bytes {
    if (this.#dice.length === 0) this.#dice = new Uint8Array(randomBytes(ivsAtOnce * ivBytes));
    const iv = this.#dice.subarray(0, ivBytes);
    this.#dice = this.#dice.subarray(ivBytes);
    return iv;
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
const encodeOwner = (owner: BodyOwner): Bytes => Buffer.from(JSON.stringify(listOf(owner)));

function listOf(owner: BodyOwner): readonly (string | number)[] {
  if ("from" in owner) return ["hikyaku stored body/1", owner.from, owner.id, owner.type];
  if ("to" in owner) return ["hikyaku outgoing body/1", owner.to, owner.id, owner.type];
  if ("reporter" in owner) return ["hikyaku status report/1", owner.reporter, owner.id];
  return ["hikyaku task body/1", owner.role, owner.peer, owner.id, owner.cursor];
}
