/** Seals and opens one payload under one message secret (spec §5). The third handshake message and every session message take this same path. */
import { type Bytes, concatBytes, eraseBytes } from "../base/bytes.ts";
import { expandLabel } from "../crypto/key-derivation.ts";
import type { Crypto, Sealing } from "../crypto/port.ts";
import type { Envelope, EnvelopeHeader } from "../wire/envelope.ts";
import { additionalData } from "../wire/signed-bytes.ts";

const keyBytes = 32;
const ivBytes = 12;

export function sealPayload(crypto: Crypto, messageSecret: Bytes, header: EnvelopeHeader, plaintext: Bytes): Bytes {
  const sealing = sealingFor(crypto, messageSecret, header);
  const sealed = crypto.seal(sealing, plaintext);
  eraseBytes(sealing.key, sealing.iv);
  return sealed;
}

/** The plaintext, or undefined where the tag does not fit: wrong secret, or a header or ciphertext that was changed. */
export function openPayload(crypto: Crypto, messageSecret: Bytes, envelope: Envelope): Bytes | undefined {
  const sealing = sealingFor(crypto, messageSecret, envelope);
  const plaintext = crypto.open(sealing, envelope.payload.data);
  eraseBytes(sealing.key, sealing.iv);
  return plaintext;
}

/** §5: the envelope's nonce enters the key, so two clones of one snapshot that seal under one counter still use different keys. */
function sealingFor(crypto: Crypto, messageSecret: Bytes, header: EnvelopeHeader): Sealing {
  const material = expandLabel(crypto, messageSecret, "key", header.nonce, keyBytes + ivBytes);
  return { key: material.slice(0, keyBytes), iv: material.slice(keyBytes), aad: additionalData(header) };
}

/** Gives the 32-byte nonce for one plaintext. */
export type NonceSource = (plaintext: Bytes) => Bytes;

const nonceLabel: Bytes = Uint8Array.from("pcp/1 nonce\0", (letter) => letter.charCodeAt(0));

/**
 * Nonces from 32 fresh random bytes *and* the plaintext: clones of a virtual machine copy the random generator too, and then only the plaintext
 * keeps their keys apart (spec MSG-2).
 */
export const freshNonces =
  (crypto: Crypto, randomBytes: (length: number) => Bytes): NonceSource =>
  (plaintext) =>
    crypto.sha256(concatBytes(nonceLabel, randomBytes(32), crypto.sha256(plaintext)));
