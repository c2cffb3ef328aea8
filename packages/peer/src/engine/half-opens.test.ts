import {
  answerOffer,
  type Bytes,
  type Crypto,
  createIdentity,
  encodeEnvelope,
  freshNonces,
  limits,
  pureCrypto,
  type ReadOffer,
  readOffer,
} from "@hikyaku/protocol";
import { everyAbility, ManualClock, Puppet } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { MemoryTrustStore } from "../adapters/memory-trust-store.ts";
import { silentLog } from "../adapters/silent-log.ts";
import { webRandom } from "../adapters/web-random.ts";
import { Admission } from "./admission.ts";
import { Alarms } from "./alarms.ts";
import { Changes } from "./changes.ts";
import { Counters } from "./counters.ts";
import { HalfOpens, OfferNonces, type OpenHandshake } from "./half-opens.ts";
import { HandshakesIn } from "./handshakes-in.ts";
import { KeyRing } from "./key-ring.ts";
import { KnownPeers } from "./known-peers.ts";
import type { Ground } from "./needs.ts";
import { Pairings } from "./pairings.ts";
import { SessionTable } from "./session-table.ts";

/** Says yes to everything at no cost: only counts matter here. */
const careless: Crypto = {
  ...pureCrypto,
  signingKey: (publicKey) => ({ publicKey, sign: () => new Uint8Array(64) }),
  verifyingKey: (publicKey) => ({ publicKey, verify: () => true }),
  isTorsionFree: () => true,
  agreementKey: (key) => ({ publicKey: key, agree: () => key.slice(), erase: () => undefined }),
};

const stranger = (n: number): string => `http://stranger-${n}`;

/** A responder that only handshakes; `pinned` seeds are trusted, all others are strangers that it would see. */
async function responder(pinned: readonly number[]) {
  const clock = new ManualClock();
  const puppets = new Map<number, Puppet>();
  const puppet = (seed: number): Puppet => {
    const held = puppets.get(seed) ?? new Puppet(seed, { crypto: careless, now: () => clock.now() });
    puppets.set(seed, held);
    return held;
  };
  const store = new MemoryTrustStore();
  for (const seed of pinned) {
    const { did, publicKey } = puppet(seed).identity;
    const name = `puppet-${seed}`;
    await store.put({ did, publicKey, name, level: "trusted", scopes: [], addresses: [], minVersion: "1.0", pinnedAt: 0 });
  }
  const known = await KnownPeers.load(store);
  const identity = createIdentity(careless, new Uint8Array(32).fill(255));
  const nonces = freshNonces(careless, (length) => webRandom.bytes(length));
  const ground: Ground = {
    crypto: careless,
    identity,
    clock,
    random: webRandom,
    log: silentLog,
    counters: new Counters(),
    changes: new Changes(0),
    nonces,
  };
  const handshakes = new HandshakesIn({
    ground,
    settings: { firstContact: "see", keepLinks: false, abilities: everyAbility },
    known,
    keys: new KeyRing(careless, known),
    sessions: new SessionTable(),
    pairings: new Pairings(ground, known, { paired: () => undefined, declined: () => undefined }),
    admission: new Admission(clock),
    alarms: new Alarms(ground, known),
    addresses: () => [],
    cross: () => undefined,
    established: () => undefined,
  });
  const offer = (seed: number, prefix: string): string => {
    const { m1 } = puppet(seed).offer(identity.did);
    const answer = handshakes.receiveOffer(m1, encodeEnvelope(m1), { host: prefix, prefix });
    return answer.kind === "refused" ? answer.code : answer.kind;
  };
  return { clock, ground, offer };
}

const range = (from: number, count: number): readonly number[] => Array.from({ length: count }, (_, index) => from + index);

test("an identity has at most 4 handshakes half open, and room again when they have gone [HS-10]", async () => {
  const { clock, ground, offer } = await responder([1]);
  expect(range(0, 5).map(() => offer(1, stranger(0)))).toEqual(["taken", "taken", "taken", "taken", "OVERLOADED"]);
  expect(ground.counters.snapshot()).toEqual({ "refused.OVERLOADED": 1 });
  await clock.pass(limits.halfOpenMsMax);
  expect(offer(1, stranger(0))).toBe("taken");
});

test("strangers of one network have at most 8 half open, and a pinned peer in their midst still gets in [HS-10]", async () => {
  const { offer } = await responder([1]);
  expect(range(2, 9).map((seed) => offer(seed, stranger(0)))).toEqual([...Array<string>(8).fill("taken"), "OVERLOADED"]);
  expect(offer(1, stranger(0))).toBe("taken");
  expect(offer(20, stranger(1))).toBe("taken");
});

test("strangers leave 64 of the 256 places to pinned peers, and nobody gets a 257th [HS-10]", async () => {
  const friends = range(200, 17);
  const { offer } = await responder(friends);
  expect(
    range(1, 193)
      .map((seed) => offer(seed, stranger(seed)))
      .filter((answer) => answer === "taken"),
  ).toHaveLength(192);
  const places = friends.flatMap((seed) => range(0, 4).map(() => offer(seed, "friends")));
  expect(places.filter((answer) => answer === "taken")).toHaveLength(64);
  expect(places.at(-1)).toBe("OVERLOADED");
});

test("an identity that is not trusted may begin 10 handshakes at once and then 5 a minute [LIM-3]", async () => {
  const { clock, ground, offer } = await responder([]);
  const answers: string[] = [];
  for (let round = 0; round < 10; round += 1) {
    answers.push(...range(0, 4).map(() => offer(1, stranger(0))));
    await clock.pass(limits.halfOpenMsMax);
  }
  const { burst, perMinute } = limits.strangerRates.handshake;
  const minutes = (10 * limits.halfOpenMsMax) / 60_000;
  expect(answers.slice(0, burst)).toEqual(Array<string>(burst).fill("taken"));
  expect(answers.filter((answer) => answer === "taken").length).toBeLessThanOrEqual(burst + perMinute * minutes);
  expect(ground.counters.snapshot()["refused.RATE_LIMITED"]).toBe(answers.filter((answer) => answer === "RATE_LIMITED").length);
  expect(answers).toContain("RATE_LIMITED");
});

test("offer nonces are remembered in a bounded number, and the oldest goes first [HS-11]", () => {
  const nonces = new OfferNonces();
  for (let count = 0; count < limits.handshakeNoncesMax; count += 1) nonces.add("did:desk", `${count}`);
  expect([nonces.has("did:desk", "0"), nonces.has("did:lap", "0")]).toEqual([true, false]);
  nonces.add("did:desk", "one more");
  expect([nonces.has("did:desk", "0"), nonces.has("did:desk", "1"), nonces.has("did:desk", "one more")]).toEqual([false, true, true]);
});

/** An answered handshake with real secrets. */
function answered(seed: number): OpenHandshake {
  const [puppet, identity, die] = [
    new Puppet(seed, { crypto: careless }),
    createIdentity(careless, new Uint8Array(32)),
    webRandom.bytes(32),
  ];
  const { m1 } = puppet.offer(identity.did);
  const read = readOffer(careless, m1, puppet.key(puppet.identity.publicKey), m1.timestamp) as ReadOffer;
  const half = answerOffer(
    careless,
    identity,
    read,
    { abilities: everyAbility, minVersion: "1.0" },
    { challenge: die, ephemeral: die, nonce: die },
    0,
  );
  if (half.kind !== "answered") throw new Error(`the offer was refused: ${half.check}`);
  return { half, prefix: stranger(seed), isFriend: false, m1: encodeEnvelope(m1), m2: encodeEnvelope(half.m2), begunAt: 0 };
}

test("what is forgotten without a confirmation leaves no secret behind, whyever it is forgotten [HS-10]", () => {
  const secretsOf = ({ half }: OpenHandshake): readonly Bytes[] => [
    half.initiatorMacKey,
    half.confirmSecret,
    ...Object.values(half.master),
  ];
  const ways: readonly ((halfOpens: HalfOpens, handshake: OpenHandshake) => void)[] = [
    (halfOpens) => halfOpens.sweep(limits.halfOpenMsMax),
    (halfOpens, { half }) => halfOpens.dropPeer(half.m1.senderId),
    (halfOpens) => halfOpens.clear(),
  ];
  for (const forget of ways) {
    const [halfOpens, handshake] = [new HalfOpens(), answered(7)];
    halfOpens.add(handshake);
    halfOpens.sweep(limits.halfOpenMsMax - 1);
    expect(secretsOf(handshake).some((secret) => secret.every((byte) => byte === 0))).toBe(false);
    forget(halfOpens, handshake);
    expect(secretsOf(handshake)).toEqual(secretsOf(handshake).map(() => new Uint8Array(32)));
    expect(halfOpens.size).toBe(0);
  }
});
