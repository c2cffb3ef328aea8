import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bytes, concatBytes, encodeHex, isSameBytes } from "../base/bytes.ts";
import { cheapJumpMax, clockSkewMsMax, rolloverAfterMessages, rolloverAfterMs, sessionMessagesMax, sessionMsMax } from "../base/limits.ts";
import type { Moment } from "../base/moment.ts";
import { decodeUtf8, encodeUtf8 } from "../base/utf8.ts";
import type { Crypto, Sealing } from "../crypto/port.ts";
import { pureCrypto } from "../crypto/pure.ts";
import type { Agreement } from "../handshake/agreement.ts";
import { createIdentity, type Identity } from "../identity/identity.ts";
import { freshNonces } from "../sealing/message-key.ts";
import { signEnvelope } from "../sealing/signature.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../wire/envelope.ts";
import type { ProtocolVersion } from "../wire/versions.ts";
import { SendingChain } from "./ratchet.ts";
import { eraseSession, establishSession, isDueForRollover, isWornOut, open, type Session, seal } from "./session.ts";

const now = Date.parse("2026-02-01T00:00:00.000Z");
/** As long after the sessions began by the monotonic clock as by the wall clock. */
const momentAt = (at: number): Moment => ({ now: at, elapsed: at - now });
const filled = (byte: number, length = 32): Bytes => new Uint8Array(length).fill(byte);
const sessionId = "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f";

/**
 * Real but for the signatures, which here are hashes that name the signer: sealing thousands of messages would cost a minute of curve
 * arithmetic, and what a session does with a verdict does not depend on how it was reached. The suite of the crypto port holds the real ones.
 */
const swift: Crypto = {
  ...pureCrypto,
  signingKey: (seed) => {
    const publicKey = pureCrypto.sha256(seed);
    return { publicKey, sign: (message) => pureCrypto.sha512(concatBytes(publicKey, message)) };
  },
  verifyingKey: (publicKey) => ({
    publicKey,
    verify: (message, signature) => isSameBytes(signature, pureCrypto.sha512(concatBytes(publicKey, message))),
  }),
};

interface Side {
  readonly identity: Identity;
  readonly session: Session;
}

interface Pair {
  readonly crypto: Crypto;
  readonly alice: Side;
  readonly bob: Side;
}

interface PairSettings {
  readonly crypto?: Crypto;
  readonly version?: ProtocolVersion;
  /** Bob's clock minus Alice's. */
  readonly bobAheadMs?: number;
}

/** Two sides right after their handshake. */
function pairOf({ crypto = swift, version = "1.2", bobAheadMs = 0 }: PairSettings = {}): Pair {
  const [alice, bob] = [createIdentity(crypto, filled(1)), createIdentity(crypto, filled(2))];
  const shared = { sessionId, version, suite: "X25519_AES256GCM_SHA256", features: [], th3: filled(5) } as const;
  const agreement = (
    role: Agreement["role"],
    self: Identity,
    peer: Identity,
    chains: readonly [number, number],
    offset: number,
  ): Agreement => ({
    ...shared,
    role,
    selfId: self.did,
    peerId: peer.did,
    sendingChain: filled(chains[0]),
    receivingChain: filled(chains[1]),
    exporter: filled(6),
    clockOffsetMs: offset,
  });
  return {
    crypto,
    alice: { identity: alice, session: establishSession(agreement("initiator", alice, bob, [3, 4], bobAheadMs), 0) },
    bob: { identity: bob, session: establishSession(agreement("responder", bob, alice, [4, 3], -bobAheadMs), 0) },
  };
}

let dice = 0;
/** Nonces that differ from call to call; their quality has a test of its own. */
const nonces = (): Bytes => pureCrypto.sha256(encodeUtf8(String((dice += 1))));

const sealFrom = (crypto: Crypto, { identity, session }: Side, text: string, at = now) =>
  seal(crypto, identity, session, { msgType: "message", plaintext: encodeUtf8(text) }, { nonces, ...momentAt(at) });

/** `count` messages of one side, in the order they were sealed. */
function sealMany(crypto: Crypto, side: Side, count: number, at = now): readonly Envelope[] {
  const envelopes: Envelope[] = [];
  let { session } = side;
  for (let index = 0; index < count; index += 1) {
    const sealed = sealFrom(crypto, { ...side, session }, `message ${index}`, at);
    envelopes.push(sealed.envelope);
    session = sealed.session;
  }
  return envelopes;
}

function openBy(crypto: Crypto, session: Session, from: Side, envelope: Envelope | undefined, at: number | Moment = now) {
  const peerKey = crypto.verifyingKey(from.identity.publicKey);
  if (peerKey === undefined || envelope === undefined) throw new TypeError("no key or no message");
  return open(crypto, session, peerKey, envelope, typeof at === "number" ? momentAt(at) : at);
}

function opened(
  crypto: Crypto,
  session: Session,
  from: Side,
  envelope: Envelope | undefined,
  at = now,
): { text: string | undefined; session: Session } {
  const opening = openBy(crypto, session, from, envelope, at);
  if (opening.kind === "refused") throw new Error(opening.code);
  return { text: decodeUtf8(opening.plaintext), session: opening.session };
}

const refused = (code: string) => ({ kind: "refused", code });
const changed = (envelope: Envelope, changes: Partial<Envelope>, by: Identity, crypto = swift): Envelope => {
  const { signature: _, ...unsigned } = { ...envelope, ...changes };
  return signEnvelope(crypto, by.key, unsigned);
};
const flipped = (bytes: Bytes, at: number, bit = at % 7): Bytes => bytes.with(at, (bytes[at] ?? 0) ^ (1 << bit));

/** All that a session holds, secrets included, as a value to compare. */
const imageOf = ({ facts, receiving, window, sending }: Session) =>
  structuredClone({ facts, receiving, window, next: sending.sequenceNum });

describe("two honest sides", () => {
  test.each<ProtocolVersion>(["1.0", "1.1", "1.2"])(
    "of version %s understand each other in both directions [SIG-1] [SIG-2] [MSG-1]",
    (version) => {
      const { crypto, alice, bob } = pairOf({ crypto: pureCrypto, version });
      const letter = sealFrom(crypto, alice, "hello, Bob");
      expect(letter.envelope).toMatchObject({
        version,
        sequenceNum: 2,
        senderId: alice.identity.did,
        recipientId: bob.identity.did,
        sessionId,
      });
      const read = opened(crypto, bob.session, alice, letter.envelope);
      expect(read.text).toBe("hello, Bob");
      const reply = sealFrom(crypto, { ...bob, session: read.session }, "hello, Alice");
      expect(reply.envelope.sequenceNum).toBe(1);
      expect(opened(crypto, letter.session, bob, reply.envelope).text).toBe("hello, Alice");
    },
  );

  test("never show the plaintext on the wire, nor its length in clear multiples", () => {
    const { crypto, alice } = pairOf();
    const { envelope } = sealFrom(crypto, alice, "the password is swordfish");
    expect(decodeUtf8(encodeEnvelope(envelope))).not.toContain("swordfish");
    expect(envelope.payload).toMatchObject({ encrypted: true });
    expect(envelope.payload.data).toHaveLength("the password is swordfish".length + 16);
  });

  test("can lose, delay and shuffle messages [MSG-8]", () => {
    const { crypto, alice, bob } = pairOf();
    const sent = sealMany(crypto, alice, 6);
    let { session } = bob;
    for (const index of [3, 0, 5, 1]) {
      const read = opened(crypto, session, alice, sent[index]);
      expect(read.text).toBe(`message ${index}`);
      session = read.session;
    }
  });

  test("never seal twice from one state [MSG-1]", () => {
    const { crypto, alice } = pairOf();
    sealFrom(crypto, alice, "once");
    expect(() => sealFrom(crypto, alice, "twice")).toThrow("already used");
  });
});

describe("clones of one snapshot", () => {
  /** What went into AES-GCM for one message of a fresh pair, whose every random byte is the same. */
  function sealingOf(text: string): Sealing {
    const used: Sealing[] = [];
    const watching: Crypto = {
      ...swift,
      seal: (sealing, plaintext) => {
        used.push(structuredClone(sealing));
        return swift.seal(sealing, plaintext);
      },
    };
    const { alice } = pairOf({ crypto: watching });
    const message = { msgType: "message", plaintext: encodeUtf8(text) } as const;
    seal(watching, alice.identity, alice.session, message, {
      nonces: freshNonces(watching, (length) => filled(9, length)),
      now,
      elapsed: 0,
    });
    return used[0] ?? { key: filled(0), iv: filled(0), aad: filled(0) };
  }

  test("seal different plaintexts under one counter with different keys, though their dice fall alike [MSG-2]", () => {
    const [one, two] = [sealingOf("yes"), sealingOf("no")];
    expect(one.key).not.toEqual(two.key);
    expect(one.iv).not.toEqual(two.iv);
    expect(one.key).toHaveLength(32);
    expect(one.iv).toHaveLength(12);
    expect(one.aad).not.toEqual(two.aad);
    expect(sealingOf("yes")).toEqual(one);
  });

  test("take a nonce from the dice as well as from the plaintext [MSG-2]", () => {
    const nonceOf = (die: number, text: string) => encodeHex(freshNonces(swift, (length) => filled(die, length))(encodeUtf8(text)));
    expect(new Set([nonceOf(1, "a"), nonceOf(2, "a"), nonceOf(1, "b"), nonceOf(1, "a")]).size).toBe(3);
    expect(nonceOf(1, "a")).toHaveLength(64);
  });
});

/** A pair whose Bob has something to lose: message 3 was skipped, message 4 opened; 5 is on its way. */
function midway(crypto = swift) {
  const pair = pairOf({ crypto });
  const [first, skipped, third, next] = sealMany(crypto, pair.alice, 4);
  const afterFirst = opened(crypto, pair.bob.session, pair.alice, first);
  const { session } = opened(crypto, afterFirst.session, pair.alice, third);
  return { ...pair, session, seen: third as Envelope, skipped: skipped as Envelope, next: next as Envelope };
}

describe("a changed message", () => {
  const { alice, bob, session, next, skipped } = midway();

  test.each<[string, Partial<Envelope>]>([
    ["msg_type", { msgType: "ping" }],
    ["sender_id", { senderId: bob.identity.did }],
    ["recipient_id", { recipientId: alice.identity.did }],
    ["session_id", { sessionId: "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e50" }],
    ["sequence_num", { sequenceNum: next.sequenceNum + 1 }],
    ["sequence_num of a skipped message", { sequenceNum: skipped.sequenceNum }],
    ["timestamp", { timestamp: next.timestamp + 1 }],
    ["nonce", { nonce: flipped(next.nonce, 31) }],
    ["payload.data", { payload: { encrypted: true, data: flipped(next.payload.data, 0) } }],
    ["tag", { payload: { encrypted: true, data: next.payload.data.with(-1, (next.payload.data.at(-1) ?? 0) ^ 1) } }],
    ["tag, cut to 15 bytes", { payload: { encrypted: true, data: next.payload.data.slice(0, -1) } }],
    ["tag, nothing else left", { payload: { encrypted: true, data: next.payload.data.slice(-16) } }],
    ["payload, now empty", { payload: { encrypted: true, data: new Uint8Array(0) } }],
  ])("%s is refused even when its sender signs it anew [MSG-3] [CRY-2]", (_, changes) => {
    const before = imageOf(session);
    expect(openBy(swift, session, alice, changed(next, changes, alice.identity))).toEqual(refused("DECRYPTION_FAILED"));
    expect(imageOf(session)).toEqual(before);
  });

  test.each<[ProtocolVersion, ProtocolVersion]>([
    ["1.2", "1.0"],
    ["1.2", "1.1"],
    ["1.0", "1.2"],
  ])("in a session of version %s saying %s is refused as such [MSG-10]", (version, other) => {
    const pair = pairOf({ version });
    const { envelope } = sealFrom(swift, pair.alice, "hello");
    expect(openBy(swift, pair.bob.session, pair.alice, changed(envelope, { version: other }, pair.alice.identity))).toEqual(
      refused("INVALID_VERSION"),
    );
  });

  test("in the clear is refused, whoever signs it [MSG-3]", () => {
    const clear = changed(next, { payload: { encrypted: false, data: encodeUtf8("{}") } }, alice.identity);
    expect(openBy(swift, session, alice, clear)).toEqual(refused("ENCRYPTION_REQUIRED"));
  });

  test("signed by somebody else is refused [SIG-4]", () => {
    expect(openBy(swift, session, alice, changed(next, {}, bob.identity))).toEqual(refused("INVALID_SIGNATURE"));
  });

  test("changed in any byte is refused, and the genuine one still opens [MSG-6] [SIG-2]", () => {
    const real = midway(pureCrypto);
    const before = imageOf(real.session);
    const bytes = encodeEnvelope(real.next);
    const decodable = Array.from(bytes.keys(), (at) => decodeEnvelope(flipped(bytes, at))).filter((envelope) => envelope !== undefined);
    const outcomes = decodable.map((envelope) => openBy(pureCrypto, real.session, real.alice, envelope).kind);
    expect(outcomes.length).toBeGreaterThan(200);
    expect(new Set(outcomes)).toEqual(new Set(["refused"]));
    expect(imageOf(real.session)).toEqual(before);
    expect(opened(pureCrypto, real.session, real.alice, real.next).text).toBe("message 3");
  });
});

test("a message reflected to its sender is refused, even if that side took its own key for the peer's [MSG-4]", () => {
  const { crypto, alice, bob } = pairOf();
  for (const side of [alice, bob]) {
    for (const envelope of sealMany(crypto, side, 3).slice(1)) {
      expect(openBy(crypto, side.session, side, envelope)).toEqual(refused("DECRYPTION_FAILED"));
    }
  }
});

describe("a refused message", () => {
  test("of whatever kind leaves the session as it was, and the genuine ones open afterwards [MSG-6]", () => {
    const { alice, bob, session, seen, skipped, next } = midway();
    const before = imageOf(session);
    const far = sealMany(swift, pairOf().alice, 200).at(-1) as Envelope;
    const hostile: readonly (readonly [Envelope, string])[] = [
      [seen, "REPLAY_DETECTED"],
      [changed(next, { sequenceNum: 5000 }, alice.identity), "SEQUENCE_ERROR"],
      [changed(next, { sequenceNum: 2 ** 53 - 1 }, alice.identity), "SEQUENCE_ERROR"],
      [changed(next, { sequenceNum: 0 }, alice.identity), "REPLAY_DETECTED"],
      [changed(next, { version: "1.1" }, alice.identity), "INVALID_VERSION"],
      [changed(next, { timestamp: now - clockSkewMsMax - 1 }, alice.identity), "CLOCK_SKEW"],
      [changed(next, {}, bob.identity), "INVALID_SIGNATURE"],
      [changed(skipped, {}, bob.identity), "INVALID_SIGNATURE"],
      [changed(next, { nonce: filled(0) }, alice.identity), "DECRYPTION_FAILED"],
      [changed(skipped, { nonce: filled(0) }, alice.identity), "DECRYPTION_FAILED"],
      [changed(far, {}, bob.identity), "INVALID_SIGNATURE"],
      [changed(far, { nonce: filled(0) }, alice.identity), "DECRYPTION_FAILED"],
    ];
    for (const [envelope, code] of hostile) {
      expect(openBy(swift, session, alice, envelope)).toEqual(refused(code));
      expect(imageOf(session)).toEqual(before);
    }
    const afterNext = opened(swift, session, alice, next);
    expect(afterNext.text).toBe("message 3");
    expect(opened(swift, afterNext.session, alice, skipped).text).toBe("message 1");
  });

  test("may be a replay, a number far too old or one far ahead [MSG-5]", () => {
    const { crypto, alice, bob } = pairOf();
    const sent = sealMany(crypto, alice, 2100);
    const at = (index: number) => sent[index];
    expect(openBy(crypto, bob.session, alice, at(1024))).toEqual(refused("SEQUENCE_ERROR"));
    const near = opened(crypto, bob.session, alice, at(1023));
    expect(openBy(crypto, near.session, alice, at(1023))).toEqual(refused("REPLAY_DETECTED"));
    const far = opened(crypto, near.session, alice, at(1025));
    expect(openBy(crypto, far.session, alice, at(1))).toEqual(refused("SEQUENCE_ERROR"));
    const old = opened(crypto, far.session, alice, at(2));
    expect(openBy(crypto, old.session, alice, at(2))).toEqual(refused("REPLAY_DETECTED"));
  });

  test("beyond the last number of a session never opens [LIFE-1]", () => {
    const { crypto, alice, bob } = pairOf();
    const [envelope] = sealMany(crypto, alice, 1);
    const receiving = { ...bob.session.receiving, sequenceNum: sessionMessagesMax + 1 };
    const session: Session = { ...bob.session, receiving, window: { highest: sessionMessagesMax, seen: 1n } };
    const beyond = changed(envelope as Envelope, { sequenceNum: sessionMessagesMax + 1 }, alice.identity);
    expect(openBy(crypto, session, alice, beyond)).toEqual(refused("SEQUENCE_ERROR"));
  });
});

describe("a jump ahead", () => {
  /** Opens junk that claims to be `skipped` numbers ahead, and counts what that costs. */
  function costOfJunk(skipped: number) {
    let derivations = 0;
    let verifications = 0;
    const counting: Crypto = {
      ...swift,
      expand: (...args) => {
        derivations += 1;
        return swift.expand(...args);
      },
      verifyingKey: (publicKey) => ({
        publicKey,
        verify: () => {
          verifications += 1;
          return false;
        },
      }),
    };
    const { alice, bob } = pairOf();
    const [first] = sealMany(swift, alice, 1);
    const junk: Envelope = {
      ...(first as Envelope),
      sequenceNum: 2 + skipped,
      signature: filled(0, 64),
      payload: { encrypted: true, data: filled(0) },
    };
    const outcome = openBy(counting, bob.session, alice, junk);
    return { code: outcome.kind === "refused" ? outcome.code : outcome.kind, derivations, verifications };
  }

  test("above 32 checks the signature before it derives anything, so junk costs one verification [MSG-7]", () => {
    for (const skipped of [cheapJumpMax + 1, 500, 1022]) {
      expect(costOfJunk(skipped)).toEqual({ code: "INVALID_SIGNATURE", derivations: 0, verifications: 1 });
    }
  });

  test("up to 32 tries the seal first, so junk costs few derivations and no verification [MSG-7]", () => {
    for (const skipped of [0, 1, cheapJumpMax]) {
      const { code, derivations, verifications } = costOfJunk(skipped);
      expect([code, verifications]).toEqual(["DECRYPTION_FAILED", 0]);
      expect(derivations).toBeLessThanOrEqual(2 * skipped + 3);
    }
  });
});

describe("the clocks of both sides", () => {
  test.each([0, 4_000_000, -4_000_000])("being %d ms apart, a message may be 300 s off that offset and no more [MSG-9]", (bobAheadMs) => {
    const { crypto, alice, bob } = pairOf({ bobAheadMs });
    const [envelope] = sealMany(crypto, alice, 1);
    const arriving = now + bobAheadMs;
    expect(openBy(crypto, bob.session, alice, envelope, arriving + clockSkewMsMax + 1)).toEqual(refused("CLOCK_SKEW"));
    expect(openBy(crypto, bob.session, alice, envelope, arriving - clockSkewMsMax - 1)).toEqual(refused("CLOCK_SKEW"));
    expect(openBy(crypto, pairOf({ bobAheadMs }).bob.session, alice, envelope, arriving + clockSkewMsMax).kind).toBe("opened");
    expect(openBy(crypto, pairOf({ bobAheadMs }).bob.session, alice, envelope, arriving - clockSkewMsMax).kind).toBe("opened");
  });

  test("expire what was skipped after 120 s, though the message itself is not late [MSG-8]", () => {
    const { session, alice, skipped } = midway();
    expect(openBy(swift, session, alice, skipped, now + 120_001)).toEqual(refused("DECRYPTION_FAILED"));
    expect(openBy(swift, session, alice, skipped, now + 120_000).kind).toBe("opened");
  });

  test("being set, forwards or back, neither spares nor ends what was skipped: that is measured [LIFE-6] [MSG-8]", () => {
    for (const setByMs of [-clockSkewMsMax, clockSkewMsMax]) {
      const { session, alice, skipped } = midway();
      const openAfter = (elapsed: number) => openBy(swift, session, alice, skipped, { now: now + setByMs, elapsed });
      expect(openAfter(120_001)).toEqual(refused("DECRYPTION_FAILED"));
      expect(openAfter(120_000).kind).toBe("opened");
    }
  });

  test("stamp and judge by what they show, however long the session has run [LIFE-6] [MSG-9]", () => {
    const { crypto, alice, bob } = pairOf();
    const elapsed = sessionMsMax - 1;
    const { envelope } = seal(
      crypto,
      alice.identity,
      alice.session,
      { msgType: "message", plaintext: encodeUtf8("now") },
      { nonces, now, elapsed },
    );
    expect(envelope.timestamp).toBe(now);
    expect(openBy(crypto, bob.session, alice, envelope, { now: now + clockSkewMsMax + 1, elapsed })).toEqual(refused("CLOCK_SKEW"));
    expect(openBy(crypto, bob.session, alice, envelope, { now, elapsed }).kind).toBe("opened");
  });
});

describe("the life of a session", () => {
  const { session } = pairOf().alice;
  const at = (sent: number, received: number): Session => ({
    ...session,
    sending: new SendingChain(filled(3), sent),
    window: { highest: received, seen: 1n },
  });

  test.each([
    ["young", at(2, 1), 0, false, false],
    ["just before an hour", at(2, 1), rolloverAfterMs - 1, false, false],
    ["an hour old", at(2, 1), rolloverAfterMs, true, false],
    ["one message before 2^16", at(rolloverAfterMessages - 1, 1), 0, false, false],
    ["2^16 messages sent", at(rolloverAfterMessages, 1), 0, true, false],
    ["2^16 messages received", at(2, rolloverAfterMessages), 0, true, false],
    ["just before a day", at(2, 1), sessionMsMax - 1, true, false],
    ["a day old", at(2, 1), sessionMsMax, true, true],
    ["2^20 messages sent", at(sessionMessagesMax, 1), 0, true, true],
    ["2^20 messages received", at(2, sessionMessagesMax), 0, true, true],
  ])("when it is %s is judged rightly [LIFE-1]", (_, state, ageMs, isDue, isOver) => {
    expect(isDueForRollover(state, ageMs)).toBe(isDue);
    expect(isWornOut(state, ageMs)).toBe(isOver);
  });

  test("seals nothing more once it is a day old, and is still whole [LIFE-1]", () => {
    const { crypto, alice } = pairOf();
    expect(() => sealFrom(crypto, alice, "too late", now + sessionMsMax)).toThrow("worn out");
    expect(sealFrom(crypto, alice, "in time", now + sessionMsMax - 1).envelope.sequenceNum).toBe(2);
  });

  test("has the bounds that the spec sets [LIFE-1]", () => {
    expect([rolloverAfterMs, rolloverAfterMessages, sessionMsMax, sessionMessagesMax]).toEqual([3_600_000, 65_536, 86_400_000, 1_048_576]);
  });

  test("ends with every secret erased [LIFE-1]", () => {
    const { session: ending } = midway();
    const secrets = [
      ending.receiving.chainKey,
      ...[...ending.receiving.skipped.values()].map((held) => held.messageSecret),
      ending.facts.exporter,
    ];
    expect(secrets).toHaveLength(3);
    eraseSession(ending);
    expect(secrets).toEqual(secrets.map(() => filled(0)));
    expect(() => ending.sending.step(swift)).toThrow("already used");
  });
});

/** One direction of a session as the spec tells it, without a key in sight. */
class ReferenceDirection {
  #highest: number;
  readonly #opened = new Set<number>();
  readonly #skippedAt = new Map<number, number>();
  readonly #first: number;

  constructor(first: number) {
    this.#first = first;
    this.#highest = first - 1;
  }

  /** Whether a message that arrives now must open; remembers it if so. */
  receive(message: { readonly sequenceNum: number; readonly sentAt: number; readonly isIntact: boolean }, at: number): boolean {
    const { sequenceNum, sentAt, isIntact } = message;
    const isInRange = sequenceNum > this.#highest - 1024 && sequenceNum <= this.#highest + 1024;
    if (!isIntact || Math.abs(sentAt - at) > 300_000 || !isInRange || sequenceNum < this.#first) return false;
    if (this.#opened.has(sequenceNum)) return false;
    const skippedAt = this.#skippedAt.get(sequenceNum);
    if (skippedAt !== undefined && at - skippedAt > 120_000) return false;
    for (let passed = this.#highest + 1; passed < sequenceNum; passed += 1) this.#skippedAt.set(passed, at);
    this.#opened.add(sequenceNum);
    this.#highest = Math.max(this.#highest, sequenceNum);
    return true;
  }
}

type Name = "alice" | "bob";
type Op =
  | { readonly kind: "send"; readonly from: Name }
  | { readonly kind: "lose"; readonly from: Name; readonly count: number }
  | { readonly kind: "receive" | "duplicate" | "drop"; readonly at: number }
  | { readonly kind: "swap"; readonly at: number; readonly with: number }
  | { readonly kind: "flip"; readonly at: number; readonly byte: number; readonly bit: number }
  | { readonly kind: "advance"; readonly ms: number };

interface InFlight {
  readonly from: Name;
  readonly text: string;
  readonly sequenceNum: number;
  readonly sentAt: number;
  readonly genuine: Bytes;
  readonly bytes: Bytes;
}

/** Two real sessions and their reference, driven side by side. */
class World {
  readonly tally: Record<string, number> = {};
  readonly disagreements: string[] = [];
  readonly #sides: Record<Name, Side>;
  readonly #references: Record<Name, ReferenceDirection> = { alice: new ReferenceDirection(2), bob: new ReferenceDirection(1) };
  readonly #flight: InFlight[] = [];
  #now = now;

  constructor() {
    const { alice, bob } = pairOf();
    this.#sides = { alice, bob };
  }

  apply(op: Op): void {
    const count = this.#flight.length;
    if (op.kind === "send") this.#flight.push(this.#send(op.from));
    else if (op.kind === "lose") for (let lost = 0; lost < op.count; lost += 1) this.#send(op.from);
    else if (op.kind === "advance") this.#now += op.ms;
    else if (count > 0) this.#disturb(op, op.at % count);
  }

  /** Delivers what is still under way, so that no run ends before its messages were judged. */
  drain(): void {
    while (this.#flight.length > 0) this.apply({ kind: "receive", at: 0 });
  }

  #disturb(op: Exclude<Op, { readonly kind: "send" | "lose" | "advance" }>, at: number): void {
    const message = this.#flight[at] as InFlight;
    if (op.kind === "duplicate") this.#flight.push(message);
    else if (op.kind === "drop") this.#flight.splice(at, 1);
    else if (op.kind === "receive") this.#receive(this.#flight.splice(at, 1)[0] as InFlight);
    else if (op.kind === "flip")
      this.#flight[at] = { ...message, bytes: flipped(message.bytes, (op.byte + message.bytes.length) % message.bytes.length, op.bit) };
    else if (op.kind === "swap") {
      const other = op.with % this.#flight.length;
      this.#flight[at] = this.#flight[other] as InFlight;
      this.#flight[other] = message;
    }
  }

  #send(from: Name): InFlight {
    const side = this.#sides[from];
    const text = `${from} ${side.session.sending.sequenceNum}`;
    const { envelope, session } = sealFrom(swift, side, text, this.#now);
    this.#sides[from] = { ...side, session };
    const bytes = encodeEnvelope(envelope);
    return { from, text, sequenceNum: envelope.sequenceNum, sentAt: this.#now, genuine: bytes, bytes };
  }

  #receive(message: InFlight): void {
    const to = message.from === "alice" ? "bob" : "alice";
    const isIntact = isSameBytes(message.bytes, message.genuine);
    const mustOpen = this.#references[message.from].receive({ ...message, isIntact }, this.#now);
    const envelope = decodeEnvelope(message.bytes);
    const side = this.#sides[to];
    const opening = envelope && openBy(swift, side.session, this.#sides[message.from], envelope, this.#now);
    const outcome = opening?.kind === "opened" ? "opened" : (opening?.code ?? "MALFORMED_MESSAGE");
    this.tally[outcome] = (this.tally[outcome] ?? 0) + 1;
    const text = opening?.kind === "opened" ? decodeUtf8(opening.plaintext) : undefined;
    if (text !== (mustOpen ? message.text : undefined)) this.disagreements.push(`${message.text}: ${outcome}`);
    if (opening?.kind !== "opened") return;
    this.#sides[to] = { ...side, session: opening.session };
  }
}

const from = fc.constantFrom<Name>("alice", "bob");
const at = fc.nat(50);
/** Counted from the end when negative: there stands the signature, which ought to be hit as often as all the rest. */
const anyByte = fc.oneof(fc.nat(2000), fc.integer({ min: -160, max: -60 }));
const anyOp: fc.Arbitrary<Op> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("send"), from }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom("receive", "receive", "duplicate", "drop"), at }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("swap"), at, with: at }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("flip"), at, byte: anyByte, bit: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("advance"), ms: fc.constantFrom(1, 1000, 60_000, 120_001, 200_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("lose"), from, count: fc.constantFrom(1, 20, 33, 40, 500, 1100) }) },
);

test("whatever a network does to them, two sessions open what a keyless reference says, and nothing else [MSG-5] [MSG-6] [MSG-8] [MSG-9]", {
  timeout: 30_000,
}, () => {
  const tally: Record<string, number> = {};
  fc.assert(
    fc.property(fc.array(anyOp, { minLength: 20, maxLength: 80, size: "max" }), (ops) => {
      const world = new World();
      for (const op of ops) world.apply(op);
      world.drain();
      expect(world.disagreements).toEqual([]);
      for (const [outcome, count] of Object.entries(world.tally)) tally[outcome] = (tally[outcome] ?? 0) + count;
    }),
    { numRuns: 60 },
  );
  const expected = [
    "CLOCK_SKEW",
    "DECRYPTION_FAILED",
    "INVALID_SIGNATURE",
    "MALFORMED_MESSAGE",
    "REPLAY_DETECTED",
    "SEQUENCE_ERROR",
    "opened",
  ];
  expect(Object.keys(tally)).toEqual(expect.arrayContaining(expected));
});
