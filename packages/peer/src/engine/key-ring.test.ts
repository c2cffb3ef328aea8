import { createIdentity, decodeDid, encodeDid, limits, pureCrypto } from "@hikyaku/protocol";
import { countingCrypto, rememberingCrypto } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { MemoryTrustStore } from "../adapters/memory-trust-store.ts";
import type { KnownPeer } from "../ports/trust-store.ts";
import { KeyRing } from "./key-ring.ts";
import { KnownPeers } from "./known-peers.ts";

const identityOf = (seed: number) => createIdentity(pureCrypto, new Uint8Array(32).fill(seed));
const pinned = (did: string, publicKey: KnownPeer["publicKey"]): KnownPeer => {
  return { did, publicKey, name: did.slice(-8), level: "trusted", scopes: [], addresses: [], minVersion: "1.0", pinnedAt: 0 };
};

async function arrange(...peers: readonly KnownPeer[]) {
  const { crypto, take } = countingCrypto(rememberingCrypto(pureCrypto));
  const store = new MemoryTrustStore();
  for (const peer of peers) await store.put(peer);
  const known = await KnownPeers.load(store);
  return { known, keys: new KeyRing(crypto, known), take };
}

test("the key of a did:key is the one in its name [TRUST-5]", async () => {
  const { keys } = await arrange();
  const { did, publicKey } = identityOf(1);
  expect(keys.keyOf(did)?.publicKey).toEqual(publicKey);
});

test("an id that is no did:key has a key only while it is pinned [TRUST-5]", async () => {
  const { publicKey } = identityOf(1);
  const { known, keys } = await arrange(pinned("desk@home", publicKey));
  expect(keys.keyOf("lap@home")).toBeUndefined();
  expect(keys.keyOf("desk@home")?.publicKey).toEqual(publicKey);
  await known.remove("desk@home");
  keys.forget("desk@home");
  expect(keys.keyOf("desk@home")).toBeUndefined();
  expect(keys.isTorsionFree("desk@home")).toBe(false);
});

test("a key is imported once for a pinned peer, and judged once [ID-3]", async () => {
  const { did, publicKey } = identityOf(1);
  const { keys, take } = await arrange(pinned(did, publicKey));
  keys.keyOf(did);
  expect([keys.isTorsionFree(did), keys.isTorsionFree(did), keys.keyOf(did)?.publicKey]).toEqual([true, true, publicKey]);
  expect(take()).toEqual({ verifyingKey: 1, isTorsionFree: 1 });
});

test("small-order keys and points off the curve have no verifying key", async () => {
  const { keys } = await arrange();
  for (const bytes of [
    new Uint8Array(32),
    new Uint8Array(32).fill(1, 0, 1),
    new Uint8Array(32).fill(2, 0, 1),
    new Uint8Array(32).fill(255),
  ]) {
    const did = encodeDid(bytes);
    expect(decodeDid(did)).toEqual(bytes);
    expect(keys.keyOf(did)).toBeUndefined();
    expect(keys.isTorsionFree(did)).toBe(false);
  }
});

test("names that anybody can make up push out no key, and the ring is bounded [ORD-2]", async () => {
  const { did, publicKey } = identityOf(1);
  const { publicKey: other } = identityOf(2);
  const many = Array.from({ length: limits.cachedKeysMax }, (_, index) => pinned(`peer-${String(index).padStart(5, "0")}`, other));
  const { keys, take } = await arrange(pinned(did, publicKey), ...many);
  keys.keyOf(did);
  for (const peer of many.slice(0, -1)) keys.keyOf(peer.did);
  for (let seed = 3; seed < 20; seed += 1) keys.keyOf(identityOf(seed).did);
  take();
  keys.keyOf(did);
  expect(take()).toEqual({});
  for (const peer of many) keys.keyOf(peer.did);
  take();
  keys.keyOf(did);
  expect(take()).toEqual({ verifyingKey: 1 });
});
