/** Running hashes over the exact bytes of a handshake (spec §4): whoever saw another message, or another version list, derives other keys. */
import { type Bytes, concatBytes } from "../base/bytes.ts";
import { label, lengthPrefixed } from "../crypto/key-derivation.ts";
import type { Crypto } from "../crypto/port.ts";
import { type Envelope, encodeEnvelope } from "../wire/envelope.ts";
import { headerBytes } from "../wire/signed-bytes.ts";

export const hashOffer = (crypto: Crypto, m1: Envelope): Bytes =>
  crypto.sha256(concatBytes(label("pcp/1 th1"), lengthPrefixed(encodeEnvelope(m1))));

/** Covers the second message up to the MAC that it will carry: `unconfirmedPayload` is HS2 without its `challenge_response`. */
export const hashAnswerToConfirm = (
  crypto: Crypto,
  th1: Bytes,
  m2: { readonly header: Parameters<typeof headerBytes>[0]; readonly unconfirmedPayload: Bytes },
): Bytes =>
  crypto.sha256(concatBytes(label("pcp/1 thc"), th1, lengthPrefixed(headerBytes(m2.header)), lengthPrefixed(m2.unconfirmedPayload)));

export const hashAnswer = (crypto: Crypto, th1: Bytes, m2: Envelope): Bytes =>
  crypto.sha256(concatBytes(label("pcp/1 th2"), th1, lengthPrefixed(encodeEnvelope(m2))));

export const hashConfirm = (crypto: Crypto, th2: Bytes, m3: Envelope): Bytes =>
  crypto.sha256(concatBytes(label("pcp/1 th3"), th2, lengthPrefixed(encodeEnvelope(m3))));
