/** The side that is asked: reads the offer (M1), answers it (M2) and accepts its confirmation (M3). Spec §4, "B". */
import { type Bytes, eraseBytes, isSameBytes } from "../base/bytes.ts";
import { clockSkewMsMax } from "../base/limits.ts";
import type { Crypto, VerifyingKey } from "../crypto/port.ts";
import type { Identity } from "../identity/identity.ts";
import { openPayload } from "../sealing/message-key.ts";
import { isSignedBy, signEnvelope } from "../sealing/signature.ts";
import type { Envelope, EnvelopeHeader } from "../wire/envelope.ts";
import {
  type AnswerPayload,
  decodeConfirmPayload,
  decodeOfferPayload,
  encodeAnswerPayload,
  type OfferPayload,
} from "../wire/handshake-payloads.ts";
import { compareVersions, handshakeVersion, type ProtocolVersion } from "../wire/versions.ts";
import { type Agreement, type HandshakeRefusal, refuse } from "./agreement.ts";
import { deriveExporter, deriveHandshakeKeys, deriveMasterKeys, type HandshakeKeys, type MasterKeys } from "./key-schedule.ts";
import { type Abilities, chooseSuite, chooseVersion, commonFeatures } from "./negotiation.ts";
import { hashAnswer, hashAnswerToConfirm, hashConfirm, hashOffer } from "./transcript.ts";

export interface ReadOffer {
  readonly kind: "offered";
  readonly m1: Envelope;
  readonly offer: OfferPayload;
}

/**
 * Judges M1 as far as its signature proves it; whether this sender is welcome is the caller's question. The clock is judged last, because
 * only a sender whose signature verified is told that its clock is wrong (spec ERR-3).
 */
export function readOffer(crypto: Crypto, m1: Envelope, peerKey: VerifyingKey, now: number): ReadOffer | HandshakeRefusal {
  if (m1.msgType !== "handshake" || m1.sequenceNum !== 0 || m1.payload.encrypted) return refuse("MALFORMED_MESSAGE", "header");
  if (m1.version !== handshakeVersion) return refuse("INVALID_VERSION", "version");
  const offer = decodeOfferPayload(m1.payload.data);
  if (offer === undefined) return refuse("MALFORMED_MESSAGE", "payload");
  if (!isSameBytes(offer.pubkey, peerKey.publicKey)) return refuse("HANDSHAKE_FAILED", "pubkey");
  if (!isSignedBy(crypto, peerKey, m1)) return refuse("INVALID_SIGNATURE", "signature");
  if (Math.abs(m1.timestamp - now) > clockSkewMsMax) return refuse("CLOCK_SKEW", "timestamp");
  return { kind: "offered", m1, offer };
}

export interface AnswerSettings {
  readonly abilities: Abilities;
  /** The key of the pairing token that the offer named. */
  readonly psk?: Bytes;
  /** The lowest version this peer may still speak. */
  readonly minVersion: ProtocolVersion;
}

/** Randomness of one answer, 32 bytes each. */
export interface AnswerDice {
  readonly challenge: Bytes;
  readonly ephemeral: Bytes;
  readonly nonce: Bytes;
}

/** A handshake that was answered and waits for its confirmation. */
export interface HalfOpen {
  readonly kind: "answered";
  readonly m1: Envelope;
  /** Sent again, byte for byte, when the same M1 comes again. */
  readonly m2: Envelope;
  readonly agreed: Pick<Agreement, "version" | "suite" | "features" | "clockOffsetMs">;
  readonly th2: Bytes;
  readonly initiatorMacKey: Bytes;
  readonly confirmSecret: Bytes;
  readonly master: MasterKeys;
}

export function answerOffer(
  crypto: Crypto,
  identity: Identity,
  { m1, offer }: ReadOffer,
  settings: AnswerSettings,
  dice: AnswerDice,
  now: number,
): HalfOpen | HandshakeRefusal {
  const { abilities } = settings;
  const version = chooseVersion(offer.versions, abilities.versions);
  if (version === undefined) return refuse("INVALID_VERSION", "no common version");
  if (compareVersions(version, settings.minVersion) < 0) return refuse("DOWNGRADE_REFUSED", "version");
  const suite = chooseSuite(offer.suites, abilities.suites);
  if (suite === undefined) return refuse("HANDSHAKE_FAILED", "no common suite");
  const agreementKey = crypto.agreementKey(dice.ephemeral);
  const sharedSecret = agreementKey.agree(offer.x25519);
  agreementKey.erase();
  if (sharedSecret === undefined) return refuse("HANDSHAKE_FAILED", "x25519");

  const th1 = hashOffer(crypto, m1);
  const answer: AnswerPayload = {
    pubkey: identity.publicKey,
    challenge: dice.challenge,
    th1,
    version,
    suite,
    versions: abilities.versions,
    suites: abilities.suites,
    x25519: agreementKey.publicKey,
    ...(abilities.features.length === 0 ? {} : { features: abilities.features }),
  };
  const header = answerHeader(identity, m1, dice, now);
  const thc = hashAnswerToConfirm(crypto, th1, { header, unconfirmedPayload: encodeAnswerPayload(answer) });
  const keys = deriveHandshakeKeys(crypto, { sharedSecret, psk: settings.psk, thc });
  const data = encodeAnswerPayload(answer, crypto.hmacSha256(keys.responderMacKey, thc));
  const m2 = signEnvelope(crypto, identity.key, { ...header, payload: { encrypted: false, data } });
  const agreed = { version, suite, features: commonFeatures(abilities.features, offer.features), clockOffsetMs: m1.timestamp - now };
  return halfOpen(crypto, { m1, m2, agreed, th1, thc, keys });
}

const answerHeader = (identity: Identity, m1: Envelope, { nonce }: AnswerDice, now: number): EnvelopeHeader => ({
  version: handshakeVersion,
  msgType: "handshake_ack",
  senderId: identity.did,
  recipientId: m1.senderId,
  sessionId: m1.sessionId,
  sequenceNum: 0,
  timestamp: now,
  nonce,
});

function halfOpen(
  crypto: Crypto,
  parts: Pick<HalfOpen, "m1" | "m2" | "agreed"> & { readonly th1: Bytes; readonly thc: Bytes; readonly keys: HandshakeKeys },
): HalfOpen {
  const { m1, m2, agreed, th1, thc, keys } = parts;
  const th2 = hashAnswer(crypto, th1, m2);
  eraseBytes(keys.responderMacKey);
  return {
    kind: "answered",
    m1,
    m2,
    agreed,
    th2,
    initiatorMacKey: keys.initiatorMacKey,
    confirmSecret: keys.confirmSecret,
    master: deriveMasterKeys(crypto, { handshakeSecret: keys.handshakeSecret, thc, th2 }),
  };
}

export interface Accepted {
  readonly kind: "accepted";
  readonly agreement: Agreement;
}

/**
 * Judges M3; if it is sound, the responder is established and the half-open state is spent. All failures look alike from outside (spec HS-8),
 * and leave the half-open state as it was.
 */
export function acceptConfirm(crypto: Crypto, half: HalfOpen, m3: Envelope, peerKey: VerifyingKey): Accepted | HandshakeRefusal {
  const isMine = m3.sessionId === half.m1.sessionId && m3.senderId === half.m1.senderId && m3.recipientId === half.m1.recipientId;
  const isConfirm = m3.msgType === "handshake_confirm" && m3.version === handshakeVersion && m3.sequenceNum === 1 && m3.payload.encrypted;
  if (!isMine || !isConfirm) return refuse("HANDSHAKE_FAILED", "header");
  const plaintext = openPayload(crypto, half.confirmSecret, m3);
  const confirm = plaintext === undefined ? undefined : decodeConfirmPayload(plaintext);
  if (confirm === undefined) return refuse("HANDSHAKE_FAILED", "seal");
  if (!isSameBytes(confirm.th2, half.th2)) return refuse("HANDSHAKE_FAILED", "th2");
  const mac = crypto.hmacSha256(half.initiatorMacKey, half.th2);
  if (!isSameBytes(mac, confirm.challengeResponse)) return refuse("HANDSHAKE_FAILED", "initiator MAC");
  if (!isSignedBy(crypto, peerKey, m3)) return refuse("HANDSHAKE_FAILED", "signature");

  const th3 = hashConfirm(crypto, half.th2, m3);
  eraseBytes(half.initiatorMacKey, half.confirmSecret);
  return {
    kind: "accepted",
    agreement: {
      sessionId: m3.sessionId,
      role: "responder",
      selfId: half.m2.senderId,
      peerId: m3.senderId,
      ...half.agreed,
      sendingChain: half.master.responderChain,
      receivingChain: half.master.initiatorChain,
      th3,
      exporter: deriveExporter(crypto, half.master.masterSecret, th3),
    },
  };
}

/** Forgets the secrets of a handshake that was never confirmed. */
export const eraseHalfOpen = (half: HalfOpen): void =>
  eraseBytes(half.initiatorMacKey, half.confirmSecret, half.master.masterSecret, half.master.initiatorChain, half.master.responderChain);
