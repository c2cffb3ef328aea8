import { createIdentity, limits, pureCrypto } from "@hikyaku/protocol";
import { settle } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { MemoryTrustStore } from "../adapters/memory-trust-store.ts";
import type { KnownPeer, TrustStore } from "../ports/trust-store.ts";
import { KnownPeers, mergeAddresses } from "./known-peers.ts";
import { stranger } from "./policy.ts";

const { did: deskDid, publicKey: deskKey } = createIdentity(pureCrypto, new Uint8Array(32).fill(1));
const { did: lapDid, publicKey: lapKey } = createIdentity(pureCrypto, new Uint8Array(32).fill(2));
const peer = (did: string, name: string, publicKey = deskKey): KnownPeer => {
  return { did, publicKey, name, level: "trusted", scopes: ["message"], addresses: [], minVersion: "1.0", pinnedAt: 0 };
};

test("a peer is found by its name and by its did, and listed by name", async () => {
  const known = await KnownPeers.load(new MemoryTrustStore());
  await known.put(peer(lapDid, "lap", lapKey));
  await known.put(peer(deskDid, "desk"));
  expect(known.list().map(({ name }) => name)).toEqual(["desk", "lap"]);
  expect([known.resolve("desk").did, known.resolve(deskDid).name]).toEqual([deskDid, "desk"]);
  expect(known.find("tab")).toBeUndefined();
  expect(() => known.resolve("tab")).toThrow(expect.objectContaining({ code: "UNKNOWN_PEER", message: expect.stringContaining('"tab"') }));
});

test("whoever is not in the store is a stranger, and its key is the one in its did", async () => {
  const known = await KnownPeers.load(new MemoryTrustStore());
  expect(known.standingOf(deskDid)).toEqual(stranger);
  expect(known.publicKeyOf(deskDid)).toEqual(deskKey);
  expect(known.publicKeyOf("desk@home")).toBeUndefined();
});

test("the store is read at the start, and a pinned key counts before the name's own [SIG-4]", async () => {
  const store = new MemoryTrustStore();
  await store.put(peer("desk@home", "desk", lapKey));
  await store.put(peer(deskDid, "moved", lapKey));
  const known = await KnownPeers.load(store);
  expect([known.publicKeyOf("desk@home"), known.publicKeyOf(deskDid)]).toEqual([lapKey, lapKey]);
});

test("a name belongs to one peer", async () => {
  const store = new MemoryTrustStore();
  const known = await KnownPeers.load(store);
  await known.put(peer(deskDid, "desk"));
  await expect(known.put(peer(lapDid, "desk", lapKey))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(() => known.requireFreeName("desk", lapDid)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  known.requireFreeName("desk", deskDid);
  expect((await store.load()).map(({ did }) => did)).toEqual([deskDid]);
});

test("another key under a pinned id is KEY_CHANGED and changes nothing", async () => {
  const known = await KnownPeers.load(new MemoryTrustStore());
  await known.put(peer("desk@home", "desk"));
  await expect(known.put(peer("desk@home", "desk", lapKey))).rejects.toMatchObject({ code: "KEY_CHANGED" });
  expect(known.publicKeyOf("desk@home")).toEqual(deskKey);
});

test("the number of known peers is bounded; known ones may still change", async () => {
  const store = new MemoryTrustStore();
  const all = Array.from({ length: limits.knownPeersMax }, (_, index) => peer(`peer-${index}`, `${index}`));
  store.load = async () => all;
  store.put = async () => undefined;
  const known = await KnownPeers.load(store);
  await expect(known.put(peer(deskDid, "desk"))).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
  await known.put({ ...peer("peer-7", "seven") });
  await known.remove("peer-8");
  await known.put(peer(deskDid, "desk"));
  expect(known.list()).toHaveLength(limits.knownPeersMax);
});

test("a change counts only once it is durable, and one that could not be stored does not count", async () => {
  const store = new MemoryTrustStore();
  const disk = Promise.withResolvers<void>();
  const slow: TrustStore = { load: async () => [], remove: async (did) => await store.remove(did), put: () => disk.promise };
  const known = await KnownPeers.load(slow);
  const writing = known.put(peer(deskDid, "desk"));
  await settle();
  expect(known.get(deskDid)).toBeUndefined();
  disk.reject(new Error("full"));
  await expect(writing).rejects.toThrow("full");
  expect(known.get(deskDid)).toBeUndefined();
});

test("a change that comes while a person's decision is being written does not undo it [TRUST-4]", async () => {
  const store = new MemoryTrustStore();
  await store.put(peer(deskDid, "desk"));
  const disk = Promise.withResolvers<void>();
  const slow: TrustStore = {
    load: async () => await store.load(),
    remove: async (did) => await store.remove(did),
    put: async (changed) => {
      await disk.promise;
      await store.put(changed);
    },
  };
  const known = await KnownPeers.load(slow);
  const blocking = known.put({ ...peer(deskDid, "desk"), level: "blocked" });
  const announcing = known.amend(deskDid, (current) => ({ ...current, addresses: [{ address: "http://desk:1", source: "peer" }] }));
  disk.resolve();
  await Promise.all([blocking, announcing]);
  expect(known.get(deskDid)).toMatchObject({ level: "blocked", addresses: [{ address: "http://desk:1" }] });
  expect(await store.load()).toMatchObject([{ level: "blocked" }]);
});

test("whoever is not known, or not any more, is not changed", async () => {
  const known = await KnownPeers.load(new MemoryTrustStore());
  await known.amend(deskDid, () => peer(deskDid, "desk"));
  expect(known.list()).toEqual([]);
});

test("announced addresses come behind a person's, replace what was announced before, and are at most eight [TRUST-6]", () => {
  const held = [
    { address: "http://a:1", source: "person" },
    { address: "http://b:1", source: "peer" },
  ] as const;
  expect(mergeAddresses(held, ["http://c:1", "http://a:1"])).toEqual([
    { address: "http://a:1", source: "person" },
    { address: "http://c:1", source: "peer" },
  ]);
  const linked = { address: "http://a:1", source: "link" } as const;
  expect(mergeAddresses([linked, ...held], ["http://a:1"])).toEqual([held[0]]);
  const many = Array.from({ length: 20 }, (_, index) => `http://d:${index + 1}`);
  const merged = mergeAddresses(held, many);
  expect(merged).toHaveLength(limits.addressesPerPeerMax);
  expect(merged[0]).toEqual(held[0]);
});
