import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Bytes, concatBytes, encodeHex } from "../base/bytes.ts";
import { clockSkewMsMax } from "../base/limits.ts";
import { encodeUtf8 } from "../base/utf8.ts";
import type { VerifyingKey } from "../crypto/port.ts";
import { pureCrypto } from "../crypto/pure.ts";
import { createIdentity, type Identity } from "../identity/identity.ts";
import { sealPayload } from "../sealing/message-key.ts";
import { signEnvelope } from "../sealing/signature.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../wire/envelope.ts";
import {
  type AnswerPayload,
  decodeAnswerPayload,
  decodeOfferPayload,
  encodeAnswerPayload,
  encodeConfirmPayload,
  encodeOfferPayload,
  type OfferPayload,
} from "../wire/handshake-payloads.ts";
import type { ProtocolVersion } from "../wire/versions.ts";
import type { HandshakeRefusal } from "./agreement.ts";
import { type Confirmed, confirmAnswer, makeOffer, type OfferSettings, type PendingOffer } from "./initiator.ts";
import { deriveHandshakeKeys } from "./key-schedule.ts";
import type { Abilities } from "./negotiation.ts";
import { pairingKeyOf } from "./pairing-secret.ts";
import { acceptConfirm, answerOffer, eraseHalfOpen, type HalfOpen, readOffer } from "./responder.ts";
import { hashAnswerToConfirm, hashOffer } from "./transcript.ts";

const crypto = pureCrypto;
const now = Date.parse("2026-02-01T00:00:00.000Z");
const filled = (byte: number, length = 32): Bytes => new Uint8Array(length).fill(byte);
const alice = createIdentity(crypto, filled(1));
const bob = createIdentity(crypto, filled(2));
const carol = createIdentity(crypto, filled(3));
const sessionId = "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f";
const otherSessionId = "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e50";
const all: Abilities = { versions: ["1.2", "1.1", "1.0"], suites: ["X25519_AES256GCM_SHA256"], features: ["bundle", "chunk"] };
const nothing = filled(0);

function keyOf(identity: Identity): VerifyingKey {
  const key = crypto.verifyingKey(identity.publicKey);
  if (key === undefined) throw new TypeError("a key of ours is refused");
  return key;
}
const [aliceKey, bobKey] = [keyOf(alice), keyOf(bob)];

function offerOf(settings: Partial<OfferSettings> = {}): PendingOffer {
  const dice = { sessionId, challenge: filled(0xa1), ephemeral: filled(0xa2), nonce: filled(0xa3) };
  return makeOffer(crypto, alice, { recipientId: bob.did, abilities: all, ...settings }, dice, now);
}

function answerTo({ m1 }: PendingOffer, { abilities = all, psk }: { abilities?: Abilities; psk?: Bytes } = {}): HalfOpen {
  const read = readOffer(crypto, m1, aliceKey, now);
  if (read.kind === "refused") throw new Error(read.check);
  const dice = { challenge: filled(0xb1), ephemeral: filled(0xb2), nonce: filled(0xb3) };
  const half = answerOffer(crypto, bob, read, { abilities, minVersion: "1.0", ...(psk === undefined ? {} : { psk }) }, dice, now + 1000);
  if (half.kind === "refused") throw new Error(half.check);
  return half;
}

const confirm = (pending: PendingOffer, m2: Envelope, minVersion: ProtocolVersion = "1.0") =>
  confirmAnswer(crypto, alice, pending, m2, { peerKey: bobKey, minVersion, nonces: () => filled(0xa4), now: now + 3000 });

function confirmed(pending: PendingOffer, m2: Envelope): Confirmed {
  const outcome = confirm(pending, m2);
  if (outcome.kind === "refused") throw new Error(outcome.check);
  return outcome;
}

const refusal = (code: HandshakeRefusal["code"], check: string): HandshakeRefusal => ({ kind: "refused", code, check });

/** The envelope with some fields changed, soundly signed: only what was changed is wrong. */
const changed = (envelope: Envelope, changes: Partial<Envelope>, by: Identity): Envelope => {
  const { signature: _, ...unsigned } = { ...envelope, ...changes };
  return signEnvelope(crypto, by.key, unsigned);
};

const flipped = (bytes: Bytes, at: number): Bytes => bytes.with(at, (bytes[at] ?? 0) ^ (1 << (at % 7)));

/** What is left of a message after one bit of each of its bytes was turned, as far as it can be decoded at all. */
const flips = (envelope: Envelope): readonly Envelope[] => {
  const bytes = encodeEnvelope(envelope);
  return Array.from(bytes.keys(), (at) => decodeEnvelope(flipped(bytes, at))).filter((decoded) => decoded !== undefined);
};

describe("a handshake that nobody disturbs", () => {
  test("ends with both sides agreeing on everything [HS-7]", () => {
    const pending = offerOf();
    const half = answerTo(pending, { abilities: { ...all, versions: ["1.1", "1.0"], features: ["chunk", "relay"] } });
    const { m3, agreement: ours } = confirmed(pending, half.m2);
    const accepted = acceptConfirm(crypto, half, m3, aliceKey);
    const { agreement: theirs } = accepted as Extract<typeof accepted, { kind: "accepted" }>;
    const shared = {
      sessionId,
      version: "1.1",
      suite: "X25519_AES256GCM_SHA256",
      features: ["chunk"],
      th3: ours.th3,
      exporter: ours.exporter,
    };
    expect(ours).toMatchObject({ ...shared, role: "initiator", selfId: alice.did, peerId: bob.did });
    expect(theirs).toMatchObject({ ...shared, role: "responder", selfId: bob.did, peerId: alice.did });
    expect(theirs.sendingChain).toEqual(ours.receivingChain);
    expect(theirs.receivingChain).toEqual(ours.sendingChain);
    expect(ours.sendingChain).not.toEqual(ours.receivingChain);
    for (const secret of [ours.exporter, ours.sendingChain, ours.receivingChain]) expect(secret).not.toEqual(nothing);
  });

  test("measures how far the other clock seems to be ahead, on both sides [MSG-9]", () => {
    const pending = offerOf();
    const half = answerTo(pending);
    expect(half.agreed.clockOffsetMs).toBe(pending.m1.timestamp - (now + 1000));
    expect(confirmed(pending, half.m2).agreement.clockOffsetMs).toBe(half.m2.timestamp - (now + 3000));
  });

  test("forgets its ephemeral and handshake secrets on both sides", () => {
    const pending = offerOf();
    const half = answerTo(pending);
    const { m3 } = confirmed(pending, half.m2);
    expect(() => pending.agreementKey.agree(filled(9))).toThrow("erased");
    expect(acceptConfirm(crypto, half, m3, aliceKey).kind).toBe("accepted");
    expect([half.initiatorMacKey, half.confirmSecret, half.master.masterSecret]).toEqual([nothing, nothing, nothing]);
  });

  test("forgets an answer that was never confirmed", () => {
    const half = answerTo(offerOf());
    eraseHalfOpen(half);
    const { masterSecret, initiatorChain, responderChain } = half.master;
    const secrets = [half.initiatorMacKey, half.confirmSecret, masterSecret, initiatorChain, responderChain];
    expect(secrets).toEqual(secrets.map(() => nothing));
  });

  test("follows on an older session when the offer says so", () => {
    const { m1 } = offerOf({ rolloverOf: otherSessionId });
    expect(decodeOfferPayload(m1.payload.data)?.rolloverOf).toBe(otherSessionId);
  });

  test.each<[readonly ProtocolVersion[], readonly ProtocolVersion[], ProtocolVersion]>([
    [["1.2", "1.1", "1.0"], ["1.2", "1.1", "1.0"], "1.2"],
    [["1.2", "1.1", "1.0"], ["1.1", "1.0"], "1.1"],
    [["1.2", "1.0"], ["1.1", "1.0"], "1.0"],
    [["1.0"], ["1.2", "1.1", "1.0"], "1.0"],
  ])("between %j and %j it settles on %s [HS-5]", (offered, supported, version) => {
    const pending = offerOf({ abilities: { ...all, versions: offered } });
    const half = answerTo(pending, { abilities: { ...all, versions: supported } });
    expect(half.agreed.version).toBe(version);
    expect(confirmed(pending, half.m2).agreement.version).toBe(version);
  });
});

describe("the first message", () => {
  const { m1 } = offerOf();
  const read = (message: Envelope, at = now) => readOffer(crypto, message, aliceKey, at);
  const offerWith = (changes: Partial<OfferPayload>): Envelope => {
    const offer = decodeOfferPayload(m1.payload.data);
    if (offer === undefined) throw new TypeError("our own offer is malformed");
    return changed(m1, { payload: { encrypted: false, data: encodeOfferPayload({ ...offer, ...changes }) } }, alice);
  };

  test.each<[string, Partial<Envelope>]>([
    ["of another type", { msgType: "handshake_ack" }],
    ["with another number", { sequenceNum: 1 }],
    ["that says it is encrypted", { payload: { ...m1.payload, encrypted: true } }],
  ])("%s is malformed [HS-3]", (_, changes) => {
    expect(read(changed(m1, changes, alice))).toEqual(refusal("MALFORMED_MESSAGE", "header"));
  });

  test("with a payload that is no offer is malformed [HS-3]", () => {
    expect(read(changed(m1, { payload: { encrypted: false, data: encodeUtf8("{}") } }, alice))).toEqual(
      refusal("MALFORMED_MESSAGE", "payload"),
    );
  });

  test("in another version than 1.0 is refused, since any 1.x peer must be able to read it [HS-3]", () => {
    expect(read(changed(m1, { version: "1.2" }, alice))).toEqual(refusal("INVALID_VERSION", "version"));
  });

  test("whose key is not the sender's is refused, though it signs for itself [SIG-4]", () => {
    expect(read(changed(offerWith({ pubkey: carol.publicKey }), {}, carol))).toEqual(refusal("HANDSHAKE_FAILED", "pubkey"));
  });

  test("signed by anybody else is refused [SIG-4]", () => {
    expect(read(changed(m1, {}, carol))).toEqual(refusal("INVALID_SIGNATURE", "signature"));
  });

  test("from a wrong clock is told so only when its signature is good [ERR-3]", () => {
    const skewed = now + clockSkewMsMax + 1;
    expect(read(m1, skewed)).toEqual(refusal("CLOCK_SKEW", "timestamp"));
    expect(read(m1, now - clockSkewMsMax - 1)).toEqual(refusal("CLOCK_SKEW", "timestamp"));
    expect(read(changed(m1, {}, carol), skewed)).toEqual(refusal("INVALID_SIGNATURE", "signature"));
    expect(read(m1, now + clockSkewMsMax).kind).toBe("offered");
    expect(read(m1, now - clockSkewMsMax).kind).toBe("offered");
  });

  const answer = (message: Envelope) => {
    const offered = read(message);
    if (offered.kind === "refused") return offered;
    return answerOffer(
      crypto,
      bob,
      offered,
      { abilities: all, minVersion: "1.0" },
      { challenge: filled(1), ephemeral: filled(2), nonce: filled(3) },
      now,
    );
  };

  test("without a version that we speak is refused as such [HS-5]", () => {
    expect(answer(offerWith({ versions: ["2.0", "1.9"] }))).toEqual(refusal("INVALID_VERSION", "no common version"));
    expect(answer(offerWith({ versions: ["0.3"] }))).toEqual(refusal("INVALID_VERSION", "no common version"));
  });

  test("without a suite that we know is refused [HS-5]", () => {
    expect(answer(offerWith({ suites: ["PLAIN_ED25519"] }))).toEqual(refusal("HANDSHAKE_FAILED", "no common suite"));
  });

  test.each([
    ["zero", filled(0)],
    ["one", filled(0).with(0, 1)],
    ["p minus one", Uint8Array.of(0xec, ...filled(0xff, 30), 0x7f)],
    ["p, which is zero", Uint8Array.of(0xed, ...filled(0xff, 30), 0x7f)],
  ])("with the share %s, whose secret anybody knows, is refused [CRY-3]", (_, x25519) => {
    expect(answer(offerWith({ x25519 }))).toEqual(refusal("HANDSHAKE_FAILED", "x25519"));
  });

  test("with any byte changed is no offer of this sender [SIG-1]", () => {
    const outcomes = flips(m1).map((message) => read(message).kind);
    expect(outcomes.length).toBeGreaterThan(300);
    expect(new Set(outcomes)).toEqual(new Set(["refused"]));
  });
});

/** The answer of a responder that follows every rule but the changed ones: its hashes, its MAC and its signature all fit what it says. */
function forgeAnswer(pending: PendingOffer, changes: Partial<AnswerPayload>, sharedSecret?: Bytes): Envelope {
  const half = answerTo(pending);
  const decoded = decodeAnswerPayload(half.m2.payload.data);
  const share = crypto.agreementKey(filled(0xb2)).agree(pending.agreementKey.publicKey);
  if (decoded === undefined || share === undefined) throw new TypeError("our own answer is malformed");
  const answer = { ...decoded.answer, ...changes };
  const th1 = hashOffer(crypto, pending.m1);
  const thc = hashAnswerToConfirm(crypto, th1, { header: half.m2, unconfirmedPayload: encodeAnswerPayload(answer) });
  const keys = deriveHandshakeKeys(crypto, { sharedSecret: sharedSecret ?? share, psk: undefined, thc });
  const data = encodeAnswerPayload(answer, crypto.hmacSha256(keys.responderMacKey, thc));
  return changed(half.m2, { payload: { encrypted: false, data } }, bob);
}

describe("the second message", () => {
  const pending = offerOf();
  const { m2 } = answerTo(pending);

  test("forged without a change is the genuine one, so each refusal below has one reason only", () => {
    expect(forgeAnswer(pending, {})).toEqual(m2);
  });

  test.each<[string, Partial<Envelope>]>([
    ["of another session", { sessionId: otherSessionId }],
    ["from another sender", { senderId: carol.did }],
    ["to another recipient", { recipientId: carol.did }],
    ["of another type", { msgType: "handshake" }],
    ["in another version than 1.0", { version: "1.1" }],
    ["with another number", { sequenceNum: 1 }],
    ["that says it is encrypted", { payload: { ...m2.payload, encrypted: true } }],
    ["with a payload that is no answer", { payload: { encrypted: false, data: encodeUtf8("{}") } }],
  ])("%s is refused [HS-3]", (_, changes) => {
    expect(confirm(pending, changed(m2, changes, bob))).toEqual(refusal("HANDSHAKE_FAILED", "form"));
  });

  test("with a key that is not the asked peer's is refused [SIG-4]", () => {
    expect(confirm(pending, forgeAnswer(pending, { pubkey: carol.publicKey }))).toEqual(refusal("HANDSHAKE_FAILED", "pubkey"));
  });

  test("to another first message than ours is refused [HS-1]", () => {
    expect(confirm(pending, forgeAnswer(pending, { th1: flipped(pending.th1, 31) }))).toEqual(refusal("HANDSHAKE_FAILED", "th1"));
  });

  test("signed by anybody else is refused [SIG-4]", () => {
    expect(confirm(pending, changed(m2, {}, carol))).toEqual(refusal("HANDSHAKE_FAILED", "signature"));
  });

  test.each<[string, Partial<AnswerPayload>]>([
    ["a version that was not offered", { version: "1.3", versions: ["1.3", "1.2"] }],
    ["version 0.3", { version: "0.3", versions: ["0.3"] }],
    ["a lower version than both could speak", { version: "1.0" }],
    ["a version outside the responder's own list", { versions: ["1.1", "1.0"] }],
    ["a suite that was not offered", { suite: "PLAIN_ED25519", suites: ["PLAIN_ED25519"] }],
    ["a suite outside the responder's own list", { suites: ["PLAIN_ED25519"] }],
  ])("that chooses %s is a downgrade [HS-5]", (_, changes) => {
    expect(confirm(pending, forgeAnswer(pending, changes))).toEqual(refusal("DOWNGRADE_REFUSED", "version or suite"));
  });

  test("below the version that is pinned for this peer is a downgrade [HS-6]", () => {
    const older = offerOf();
    const half = answerTo(older, { abilities: { ...all, versions: ["1.1", "1.0"] } });
    expect(confirm(older, half.m2, "1.2")).toEqual(refusal("DOWNGRADE_REFUSED", "version or suite"));
    expect(confirm(older, half.m2, "1.1").kind).toBe("confirmed");
  });

  test("without a good signature never cries downgrade [HS-5]", () => {
    const forged = changed(forgeAnswer(pending, { version: "1.0" }), {}, carol);
    expect(confirm(pending, forged)).toEqual(refusal("HANDSHAKE_FAILED", "signature"));
  });

  test("with a share of zero is refused, though its MAC fits the secret that anybody knows [CRY-3]", () => {
    expect(confirm(pending, forgeAnswer(pending, { x25519: filled(0) }, filled(0)))).toEqual(refusal("HANDSHAKE_FAILED", "x25519"));
  });

  test("with a MAC over another secret is refused [HS-7]", () => {
    expect(confirm(pending, forgeAnswer(pending, {}, filled(9)))).toEqual(refusal("HANDSHAKE_FAILED", "responder MAC"));
  });

  test("with its MAC changed is refused [HS-7]", () => {
    const decoded = decodeAnswerPayload(m2.payload.data);
    const data = encodeAnswerPayload(decoded?.answer as AnswerPayload, flipped(decoded?.challengeResponse ?? nothing, 0));
    expect(confirm(pending, changed(m2, { payload: { encrypted: false, data } }, bob))).toEqual(
      refusal("HANDSHAKE_FAILED", "responder MAC"),
    );
  });

  test("to a first message that somebody changed on its way is refused [HS-1]", () => {
    const stripped = { ...pending, m1: changed(pending.m1, { nonce: filled(0xff) }, alice) };
    expect(confirm(pending, answerTo(stripped).m2)).toEqual(refusal("HANDSHAKE_FAILED", "th1"));
  });

  test("with any byte changed is refused, and the genuine one still completes [SIG-1] [HS-8]", () => {
    const attempt = offerOf();
    const half = answerTo(attempt);
    const outcomes = flips(half.m2).map((message) => confirm(attempt, message));
    expect(outcomes.length).toBeGreaterThan(300);
    expect(new Set(outcomes.map((outcome) => (outcome.kind === "refused" ? outcome.code : outcome.kind)))).toEqual(
      new Set(["HANDSHAKE_FAILED"]),
    );
    expect(confirm(attempt, half.m2).kind).toBe("confirmed");
  });
});

describe("the third message", () => {
  const pending = offerOf();
  const half = answerTo(pending);
  const { m3 } = confirmed(pending, half.m2);
  const mac = crypto.hmacSha256(half.initiatorMacKey, half.th2);
  const accept = (message: Envelope, state = half) => acceptConfirm(crypto, state, message, aliceKey);

  /** Sealed and signed as the genuine one, with other words inside or another header. */
  function forgeConfirm(plaintext: Bytes, changes: Partial<Envelope> = {}): Envelope {
    const header = { ...m3, ...changes };
    return changed(header, { payload: { encrypted: true, data: sealPayload(crypto, half.confirmSecret, header, plaintext) } }, alice);
  }
  const genuine = encodeConfirmPayload({ th2: half.th2, challengeResponse: mac });

  test("forged without a change is the genuine one, so each refusal below has one reason only", () => {
    expect(forgeConfirm(genuine)).toEqual(m3);
  });

  const hostile: readonly (readonly [string, string, () => Envelope])[] = [
    ["of another session", "header", () => forgeConfirm(genuine, { sessionId: otherSessionId })],
    ["from another sender", "header", () => forgeConfirm(genuine, { senderId: carol.did })],
    ["to another recipient", "header", () => forgeConfirm(genuine, { recipientId: carol.did })],
    ["of another type", "header", () => forgeConfirm(genuine, { msgType: "message" })],
    ["in another version than 1.0", "header", () => forgeConfirm(genuine, { version: "1.2" })],
    ["with another number", "header", () => forgeConfirm(genuine, { sequenceNum: 2 })],
    ["in the clear", "header", () => changed(m3, { payload: { encrypted: false, data: genuine } }, alice)],
    ["with a header that its seal does not fit", "seal", () => changed(m3, { timestamp: now + 9 }, alice)],
    ["with another nonce", "seal", () => changed(m3, { nonce: filled(0xff) }, alice)],
    ["with its ciphertext changed", "seal", () => changed(m3, { payload: { encrypted: true, data: flipped(m3.payload.data, 0) } }, alice)],
    ["with its tag cut short", "seal", () => changed(m3, { payload: { encrypted: true, data: m3.payload.data.slice(0, -1) } }, alice)],
    ["with an empty payload", "seal", () => changed(m3, { payload: { encrypted: true, data: new Uint8Array(0) } }, alice)],
    ["sealed around something else", "seal", () => forgeConfirm(encodeUtf8("{}"))],
    [
      "about another second message",
      "th2",
      () => forgeConfirm(encodeConfirmPayload({ th2: flipped(half.th2, 5), challengeResponse: mac })),
    ],
    ["with a wrong MAC", "initiator MAC", () => forgeConfirm(encodeConfirmPayload({ th2: half.th2, challengeResponse: flipped(mac, 0) }))],
    ["signed by anybody else", "signature", () => changed(m3, {}, carol)],
  ];

  test.each(hostile)("%s is refused, and the half-open state stays as it was [HS-8]", (_, check, forge) => {
    const before = structuredClone(half);
    expect(accept(forge())).toEqual(refusal("HANDSHAKE_FAILED", check));
    expect(half).toEqual(before);
  });

  test("looks the same from outside however it fails, and the genuine one works after all of them [HS-8]", () => {
    const attempt = structuredClone(half);
    const codes = hostile.map(([, , forge]) => accept(forge(), attempt)).map((outcome) => outcome.kind === "refused" && outcome.code);
    expect(new Set(codes)).toEqual(new Set(["HANDSHAKE_FAILED"]));
    expect(accept(m3, attempt).kind).toBe("accepted");
  });

  test("with any byte changed is refused, and the genuine one still completes [HS-8]", () => {
    const attempt = structuredClone(half);
    const outcomes = flips(m3).map((message) => accept(message, attempt));
    expect(outcomes.length).toBeGreaterThan(300);
    expect(new Set(outcomes.map((outcome) => (outcome.kind === "refused" ? outcome.code : outcome.kind)))).toEqual(
      new Set(["HANDSHAKE_FAILED"]),
    );
    expect(attempt).toEqual(half);
    expect(accept(m3, attempt).kind).toBe("accepted");
  });

  test("of one attempt does not confirm another [HS-8]", () => {
    const other = answerTo(offerOf({ abilities: { ...all, features: [] } }));
    expect(accept(m3, other)).toEqual(refusal("HANDSHAKE_FAILED", "seal"));
  });
});

describe("a pairing token", () => {
  const token = filled(0x77, 16);
  const psk = () => pairingKeyOf(crypto, token);

  test("known to both sides completes the handshake [PAIR-2]", () => {
    const pending = offerOf({ pairingToken: token });
    const half = answerTo(pending, { psk: psk() });
    expect(acceptConfirm(crypto, half, confirmed(pending, half.m2).m3, aliceKey).kind).toBe("accepted");
  });

  test("is named in the offer by the first 16 bytes of a labelled hash, and not given away [PAIR-2]", () => {
    const { m1 } = offerOf({ pairingToken: token });
    const expected = createHash("sha256").update("pcp/1 pair id\0").update(token).digest().subarray(0, 16);
    expect(encodeHex(decodeOfferPayload(m1.payload.data)?.pairing ?? nothing)).toBe(expected.toString("hex"));
    expect(Buffer.from(concatBytes(m1.payload.data)).toString()).not.toContain(encodeHex(token));
  });

  test.each<[string, Bytes | undefined, Bytes | undefined]>([
    ["the initiator", token, undefined],
    ["the responder", undefined, psk()],
    ["each side in another form", token, pairingKeyOf(crypto, filled(0x78, 16))],
  ])("known to %s alone completes nothing [PAIR-2]", (_, pairingToken, key) => {
    const pending = offerOf(pairingToken === undefined ? {} : { pairingToken });
    const half = answerTo(pending, key === undefined ? {} : { psk: key });
    expect(confirm(pending, half.m2)).toEqual(refusal("HANDSHAKE_FAILED", "responder MAC"));
  });
});
