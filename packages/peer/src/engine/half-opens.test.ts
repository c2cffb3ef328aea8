import { type Crypto, createIdentity, encodeEnvelope, freshNonces, limits, pureCrypto } from "@hikyaku/protocol";
import { everyAbility, ManualClock, Puppet } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { MemoryTrustStore } from "../adapters/memory-trust-store.ts";
import { silentLog } from "../adapters/silent-log.ts";
import { webRandom } from "../adapters/web-random.ts";
import { Counters } from "./counters.ts";
import { OfferNonces } from "./half-opens.ts";
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

test("at most 256 handshakes are half open, and there is room again when they have gone [HS-10]", async () => {
  const clock = new ManualClock();
  const puppet = new Puppet(99, { crypto: careless, now: () => clock.now() });
  const { did, publicKey } = puppet.identity;
  const store = new MemoryTrustStore();
  await store.put({ did, publicKey, name: "puppet", level: "trusted", scopes: [], addresses: [], minVersion: "1.0", pinnedAt: 0 });
  const known = await KnownPeers.load(store);
  const identity = createIdentity(careless, new Uint8Array(32).fill(1));
  const nonces = freshNonces(careless, (length) => webRandom.bytes(length));
  const ground: Ground = { crypto: careless, identity, clock, random: webRandom, log: silentLog, counters: new Counters(), nonces };
  const handshakes = new HandshakesIn({
    ground,
    settings: { firstContact: "refuse", abilities: everyAbility },
    known,
    keys: new KeyRing(careless, known),
    sessions: new SessionTable(),
    pairings: new Pairings(ground, known),
    addresses: () => [],
    cross: () => undefined,
    established: () => undefined,
  });
  const offer = () => {
    const { m1 } = puppet.offer(identity.did);
    return handshakes.receiveOffer(m1, encodeEnvelope(m1));
  };
  for (let count = 0; count < limits.halfOpenCountMax; count += 1) expect(offer().kind).toBe("taken");
  expect(offer()).toEqual({ kind: "refused", code: "OVERLOADED", retryAfterS: 30 });
  expect(ground.counters.snapshot()).toEqual({ "refused.OVERLOADED": 1 });
  await clock.pass(limits.halfOpenMsMax);
  expect(offer().kind).toBe("taken");
});

test("offer nonces are remembered in a bounded number, and the oldest goes first [HS-11]", () => {
  const nonces = new OfferNonces();
  for (let count = 0; count < limits.handshakeNoncesMax; count += 1) nonces.add("did:desk", `${count}`);
  expect([nonces.has("did:desk", "0"), nonces.has("did:lap", "0")]).toEqual([true, false]);
  nonces.add("did:desk", "one more");
  expect([nonces.has("did:desk", "0"), nonces.has("did:desk", "1"), nonces.has("did:desk", "one more")]).toEqual([false, true, true]);
});
