/**
 * Plays the handshake of spec/vectors/pcp from its inputs and tells what came out, so that it can be compared byte for byte. Needs nothing but the
 * core: the empty-world test runs this very file where there is no platform.
 */
import {
  acceptConfirm,
  answerOffer,
  type Bytes,
  type Crypto,
  confirmAnswer,
  createIdentity,
  decodeHex,
  decodeUtf8,
  type Envelope,
  encodeEnvelope,
  encodeHex,
  encodeUtf8,
  establishSession,
  type Identity,
  type Moment,
  makeOffer,
  open,
  type ProtocolVersion,
  readOffer,
  type Sealed,
  type Session,
  seal,
} from "@hikyaku/protocol";

export interface HandshakeInputs {
  readonly identity_seed_A: string;
  readonly identity_seed_B: string;
  readonly x25519_private_A: string;
  readonly x25519_private_B: string;
  readonly challenge_A: string;
  readonly challenge_B: string;
  readonly session_id: string;
}

export interface KnownAnswerCase {
  readonly negotiated_version: ProtocolVersion;
  readonly th3: string;
  readonly exporter: string;
  readonly messages: Readonly<Record<"handshake" | "handshake_ack" | "handshake_confirm" | "ready" | "heartbeat_seq3", string>>;
  readonly plaintexts: Readonly<Record<"ready" | "heartbeat_seq3", string>>;
}

export type HandshakeOutcome = Pick<KnownAnswerCase, "th3" | "exporter" | "messages" | "plaintexts">;

const begin = Date.parse("2026-02-01T00:00:00.000Z");
const suites = ["X25519_AES256GCM_SHA256"] as const;
const nonceOf = (byte: number): Bytes => new Uint8Array(32).fill(byte);
const bytesOf = (hex: string): Bytes => decodeHex(hex, hex.length / 2) ?? fail(`no hex: ${hex}`);
const momentAt = (afterMs: number): Moment => ({ now: begin + afterMs, elapsed: afterMs });
const textOf = (envelope: Envelope): string => decodeUtf8(encodeEnvelope(envelope)) ?? fail("no text");

function fail(why: string): never {
  throw new Error(why);
}

export function replayHandshake(crypto: Crypto, inputs: HandshakeInputs, version: ProtocolVersion): HandshakeOutcome {
  const alice = createIdentity(crypto, bytesOf(inputs.identity_seed_A));
  const bob = createIdentity(crypto, bytesOf(inputs.identity_seed_B));
  const aliceKey = crypto.verifyingKey(alice.publicKey) ?? fail("key of A");
  const bobKey = crypto.verifyingKey(bob.publicKey) ?? fail("key of B");
  const offered = { versions: ["1.2", "1.1", "1.0"], suites, features: [] } as const;
  const supported = { ...offered, versions: offered.versions.slice(version === "1.2" ? 0 : 1) };

  const pending = makeOffer(
    crypto,
    alice,
    { recipientId: bob.did, abilities: offered },
    {
      sessionId: inputs.session_id,
      challenge: bytesOf(inputs.challenge_A),
      ephemeral: bytesOf(inputs.x25519_private_A),
      nonce: nonceOf(0xb1),
    },
    begin,
  );
  const read = readOffer(crypto, pending.m1, aliceKey, begin);
  if (read.kind !== "offered") fail(read.check);
  const bobDice = { challenge: bytesOf(inputs.challenge_B), ephemeral: bytesOf(inputs.x25519_private_B), nonce: nonceOf(0xb2) };
  const half = answerOffer(crypto, bob, read, { abilities: supported, minVersion: "1.0" }, bobDice, begin + 100);
  if (half.kind !== "answered") fail(half.check);
  const settings = { peerKey: bobKey, minVersion: "1.0", nonces: () => nonceOf(0xb3), now: begin + 200 } as const;
  const confirmed = confirmAnswer(crypto, alice, pending, half.m2, settings);
  if (confirmed.kind !== "confirmed") fail(confirmed.check);
  const accepted = acceptConfirm(crypto, half, confirmed.m3, aliceKey);
  if (accepted.kind !== "accepted") fail(accepted.check);

  const ready = send(crypto, bob, establishSession(accepted.agreement, 300), "status_report", '{"ready":true}', 0xb5, 300);
  const second = send(crypto, alice, establishSession(confirmed.agreement, 200), "heartbeat", '{"ping":0}', 0xb6, 900);
  const third = send(crypto, alice, second.session, "heartbeat", '{"ping":1}', 0xb4, 1000);
  const readyOpened = open(crypto, second.session, bobKey, ready.envelope, momentAt(300));
  const thirdOpened = open(crypto, ready.session, aliceKey, third.envelope, momentAt(1000));
  if (readyOpened.kind !== "opened" || thirdOpened.kind !== "opened") fail("a message did not open");
  return {
    th3: encodeHex(accepted.agreement.th3),
    exporter: encodeHex(confirmed.agreement.exporter),
    messages: {
      handshake: textOf(pending.m1),
      handshake_ack: textOf(half.m2),
      handshake_confirm: textOf(confirmed.m3),
      ready: textOf(ready.envelope),
      heartbeat_seq3: textOf(third.envelope),
    },
    plaintexts: {
      ready: decodeUtf8(readyOpened.plaintext) ?? fail("no text"),
      heartbeat_seq3: decodeUtf8(thirdOpened.plaintext) ?? fail("no text"),
    },
  };
}

function send(
  crypto: Crypto,
  from: Identity,
  session: Session,
  msgType: "status_report" | "heartbeat",
  text: string,
  nonce: number,
  afterMs: number,
): Sealed {
  const message = { msgType, plaintext: encodeUtf8(text) };
  return seal(crypto, from, session, message, { nonces: () => nonceOf(nonce), ...momentAt(afterMs) });
}
