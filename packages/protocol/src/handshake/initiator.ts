/** The side that begins: makes the offer (M1), judges the answer (M2) and confirms it (M3). Spec §4, "A". */
import { type Bytes, eraseBytes, isSameBytes } from "../base/bytes.ts";
import type { AgreementKey, Crypto, VerifyingKey } from "../crypto/port.ts";
import type { Identity } from "../identity/identity.ts";
import { type NonceSource, sealPayload } from "../sealing/message-key.ts";
import { isSignedBy, signEnvelope } from "../sealing/signature.ts";
import type { Envelope, EnvelopeHeader } from "../wire/envelope.ts";
import {
  type DecodedAnswer,
  decodeAnswerPayload,
  encodeAnswerPayload,
  encodeConfirmPayload,
  encodeOfferPayload,
  type OfferPayload,
} from "../wire/handshake-payloads.ts";
import { compareVersions, handshakeVersion, isProtocolVersion, isSuite, type ProtocolVersion } from "../wire/versions.ts";
import { type Agreement, type HandshakeRefusal, refuse } from "./agreement.ts";
import { deriveExporter, deriveHandshakeKeys, deriveMasterKeys, type HandshakeKeys } from "./key-schedule.ts";
import { type Abilities, chooseSuite, chooseVersion, commonFeatures } from "./negotiation.ts";
import { pairingIdOf, pairingKeyOf } from "./pairing-secret.ts";
import { hashAnswer, hashAnswerToConfirm, hashConfirm, hashOffer } from "./transcript.ts";

export interface OfferSettings {
  readonly recipientId: string;
  readonly abilities: Abilities;
  /** From a pairing link. */
  readonly pairingToken?: Bytes;
  readonly rolloverOf?: string;
}

/** Randomness of one attempt; none of it is used twice. */
export interface OfferDice {
  /** A UUIDv4. */
  readonly sessionId: string;
  /** 32 bytes each. */
  readonly challenge: Bytes;
  readonly ephemeral: Bytes;
  readonly nonce: Bytes;
}

/** An offer that waits for its answer. */
export interface PendingOffer {
  readonly m1: Envelope;
  readonly settings: OfferSettings;
  readonly th1: Bytes;
  readonly agreementKey: AgreementKey;
}

export function makeOffer(crypto: Crypto, identity: Identity, settings: OfferSettings, dice: OfferDice, now: number): PendingOffer {
  const agreementKey = crypto.agreementKey(dice.ephemeral);
  const { abilities, pairingToken, rolloverOf } = settings;
  const offer: OfferPayload = {
    pubkey: identity.publicKey,
    challenge: dice.challenge,
    versions: abilities.versions,
    suites: abilities.suites,
    x25519: agreementKey.publicKey,
    ...(abilities.features.length === 0 ? {} : { features: abilities.features }),
    ...(rolloverOf === undefined ? {} : { rolloverOf }),
    ...(pairingToken === undefined ? {} : { pairing: pairingIdOf(crypto, pairingToken) }),
  };
  const m1 = signEnvelope(crypto, identity.key, {
    version: handshakeVersion,
    msgType: "handshake",
    senderId: identity.did,
    recipientId: settings.recipientId,
    sessionId: dice.sessionId,
    sequenceNum: 0,
    timestamp: now,
    nonce: dice.nonce,
    payload: { encrypted: false, data: encodeOfferPayload(offer) },
  });
  return { m1, settings, th1: hashOffer(crypto, m1), agreementKey };
}

export interface Confirmed {
  readonly kind: "confirmed";
  readonly m3: Envelope;
  readonly agreement: Agreement;
}

export interface ConfirmSettings {
  /** The key of the peer that was asked for: from its id or the trust store. */
  readonly peerKey: VerifyingKey;
  /** The lowest version this peer may still speak. */
  readonly minVersion: ProtocolVersion;
  readonly nonces: NonceSource;
  readonly now: number;
}

/** Judges M2 and, if it is sound, answers with M3; then the initiator is established. A refusal leaves the pending offer usable: the genuine answer may still come. */
export function confirmAnswer(
  crypto: Crypto,
  identity: Identity,
  pending: PendingOffer,
  m2: Envelope,
  settings: ConfirmSettings,
): Confirmed | HandshakeRefusal {
  const judged = judgeAnswer(crypto, pending, m2, settings);
  if (judged.kind === "refused") return judged;
  const proven = proveResponder(crypto, pending, m2, judged);
  if (proven.kind === "refused") return proven;

  const { keys, thc } = proven;
  const th2 = hashAnswer(crypto, pending.th1, m2);
  const m3 = makeConfirm(crypto, identity, m2, { th2, macKey: keys.initiatorMacKey, confirmSecret: keys.confirmSecret }, settings);
  const master = deriveMasterKeys(crypto, { handshakeSecret: keys.handshakeSecret, thc, th2 });
  const th3 = hashConfirm(crypto, th2, m3);
  pending.agreementKey.erase();
  eraseBytes(keys.responderMacKey, keys.initiatorMacKey, keys.confirmSecret);
  const agreement: Agreement = {
    sessionId: m2.sessionId,
    role: "initiator",
    selfId: identity.did,
    peerId: m2.senderId,
    ...judged.chosen,
    features: commonFeatures(pending.settings.abilities.features, judged.answer.features),
    sendingChain: master.initiatorChain,
    receivingChain: master.responderChain,
    th3,
    exporter: deriveExporter(crypto, master.masterSecret, th3),
    clockOffsetMs: m2.timestamp - settings.now,
  };
  return { kind: "confirmed", m3, agreement };
}

interface JudgedAnswer extends DecodedAnswer {
  readonly kind: "sound";
  readonly chosen: Pick<Agreement, "version" | "suite">;
}

/** Everything that needs no key of the session. The signature comes before the negotiation is judged: only the peer itself can make us cry "downgrade". */
function judgeAnswer(
  crypto: Crypto,
  pending: PendingOffer,
  m2: Envelope,
  { peerKey, minVersion }: ConfirmSettings,
): JudgedAnswer | HandshakeRefusal {
  const decoded = readAnswer(pending, m2);
  if (decoded === undefined) return refuse("HANDSHAKE_FAILED", "form");
  if (!isSameBytes(decoded.answer.pubkey, peerKey.publicKey)) return refuse("HANDSHAKE_FAILED", "pubkey");
  if (!isSameBytes(decoded.answer.th1, pending.th1)) return refuse("HANDSHAKE_FAILED", "th1");
  if (!isSignedBy(crypto, peerKey, m2)) return refuse("HANDSHAKE_FAILED", "signature");
  const chosen = judgeChoice(pending, decoded, minVersion);
  return chosen === undefined ? refuse("DOWNGRADE_REFUSED", "version or suite") : { kind: "sound", ...decoded, chosen };
}

interface ProvenResponder {
  readonly kind: "proven";
  readonly keys: HandshakeKeys;
  readonly thc: Bytes;
}

/** Derives the keys and sees that the responder has them too (spec HS-7). */
function proveResponder(
  crypto: Crypto,
  pending: PendingOffer,
  m2: Envelope,
  { answer, challengeResponse }: JudgedAnswer,
): ProvenResponder | HandshakeRefusal {
  const sharedSecret = pending.agreementKey.agree(answer.x25519);
  if (sharedSecret === undefined) return refuse("HANDSHAKE_FAILED", "x25519");
  const token = pending.settings.pairingToken;
  const psk = token === undefined ? undefined : pairingKeyOf(crypto, token);
  const thc = hashAnswerToConfirm(crypto, pending.th1, { header: m2, unconfirmedPayload: encodeAnswerPayload(answer) });
  const keys = deriveHandshakeKeys(crypto, { sharedSecret, psk, thc });
  if (isSameBytes(crypto.hmacSha256(keys.responderMacKey, thc), challengeResponse)) return { kind: "proven", keys, thc };
  eraseBytes(keys.handshakeSecret, keys.responderMacKey, keys.initiatorMacKey, keys.confirmSecret);
  return refuse("HANDSHAKE_FAILED", "responder MAC");
}

/** M2 as an answer to this offer, by the peer that was asked. */
function readAnswer({ m1 }: PendingOffer, m2: Envelope): DecodedAnswer | undefined {
  const isMine = m2.sessionId === m1.sessionId && m2.senderId === m1.recipientId && m2.recipientId === m1.senderId;
  const isAnswer = m2.msgType === "handshake_ack" && m2.version === handshakeVersion && m2.sequenceNum === 0 && !m2.payload.encrypted;
  return isMine && isAnswer ? decodeAnswerPayload(m2.payload.data) : undefined;
}

/** The choice must be in our offer *and* what the rule gives for both signed lists, and not below this peer's pinned minimum. */
function judgeChoice(
  { settings }: PendingOffer,
  { answer }: DecodedAnswer,
  minVersion: ProtocolVersion,
): Pick<Agreement, "version" | "suite"> | undefined {
  const { version, suite, versions, suites } = answer;
  if (!isProtocolVersion(version) || !isSuite(suite)) return undefined;
  const isRight =
    version === chooseVersion(settings.abilities.versions, versions) && suite === chooseSuite(settings.abilities.suites, suites);
  return isRight && compareVersions(version, minVersion) >= 0 ? { version, suite } : undefined;
}

function makeConfirm(
  crypto: Crypto,
  identity: Identity,
  m2: Envelope,
  keys: { readonly th2: Bytes; readonly macKey: Bytes; readonly confirmSecret: Bytes },
  { nonces, now }: ConfirmSettings,
): Envelope {
  const plaintext = encodeConfirmPayload({ th2: keys.th2, challengeResponse: crypto.hmacSha256(keys.macKey, keys.th2) });
  const header: EnvelopeHeader = {
    version: handshakeVersion,
    msgType: "handshake_confirm",
    senderId: identity.did,
    recipientId: m2.senderId,
    sessionId: m2.sessionId,
    sequenceNum: 1,
    timestamp: now,
    nonce: nonces(plaintext),
  };
  const data = sealPayload(crypto, keys.confirmSecret, header, plaintext);
  return signEnvelope(crypto, identity.key, { ...header, payload: { encrypted: true, data } });
}
