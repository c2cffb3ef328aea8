/** What every trust store promises (packages/peer/src/ports/trust-store.ts). */
import type { KnownPeer, TrustStore } from "@hikyaku/peer";
import { encodeDid } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import type { StoreBench } from "./store-bench.ts";

function makePeer(name: string, changes: Partial<KnownPeer> = {}): KnownPeer {
  const publicKey = new Uint8Array(32).fill(name.charCodeAt(0));
  const [level, minVersion, pinnedAt] = ["trusted", "1.0", 1_800_000_000_000] as const;
  return { did: encodeDid(publicKey), publicKey, name, level, scopes: [], addresses: [], minVersion, pinnedAt, ...changes };
}

const rich: KnownPeer = makePeer("lap", {
  level: "admin",
  scopes: ["message", "task_delegate"],
  addresses: [
    { address: "http://192.168.1.20:7340", source: "person" },
    { address: "http://desk.example:7340", source: "link" },
    { address: "http://[2001:db8::1]:7340", source: "peer" },
  ],
  minVersion: "1.2",
});

export function trustStoreContract(adapter: string, arrange: () => Promise<StoreBench<TrustStore>>): void {
  describe(`trust store: ${adapter}`, () => {
    test("a new store knows nobody", async () => {
      await using bench = await arrange();
      expect(await bench.store.load()).toEqual([]);
    });

    test("a peer is pinned durably, with its key and all that was said of it [TRUST-1]", async () => {
      await using bench = await arrange();
      await bench.store.put(rich);
      const store = (await bench.reopen?.()) ?? bench.store;
      expect(await store.load()).toEqual([rich]);
    });

    test("peers are given by name, whatever the order of their coming", async () => {
      await using bench = await arrange();
      for (const name of ["desk", "Car", "lap", "bike"]) await bench.store.put(makePeer(name));
      expect((await bench.store.load()).map(({ name }) => name)).toEqual(["Car", "bike", "desk", "lap"]);
    });

    test("a second entry for one did replaces the first whole, name included", async () => {
      await using bench = await arrange();
      await bench.store.put(rich);
      const changed: KnownPeer = { ...makePeer("lap"), name: "laptop", level: "blocked", minVersion: "1.1", pinnedAt: 7 };
      await bench.store.put(changed);
      expect(await bench.store.load()).toEqual([changed]);
      await bench.store.put(makePeer("x", { name: "lap" }));
      expect((await bench.store.load()).map(({ name }) => name)).toEqual(["lap", "laptop"]);
    });

    test("a name that another did holds is refused, and nothing changes", async () => {
      await using bench = await arrange();
      await bench.store.put(rich);
      await bench.store.put(makePeer("desk"));
      const before = await bench.store.load();
      const refused = {
        code: "INVALID_ARGUMENT",
        message: `"lap" is already the name of ${rich.did}: choose another name, or remove that peer first.`,
      };
      await expect(bench.store.put(makePeer("x", { name: "lap" }))).rejects.toMatchObject(refused);
      await expect(bench.store.put(makePeer("desk", { name: "lap", level: "admin" }))).rejects.toMatchObject(refused);
      expect(await bench.store.load()).toEqual(before);
    });

    test("of two peers that ask for one name at once, one gets it", async () => {
      await using bench = await arrange();
      const outcomes = await Promise.allSettled(["x", "y"].map((key) => bench.store.put(makePeer(key, { name: "desk" }))));
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
      expect(await bench.store.load()).toEqual([makePeer("x", { name: "desk" })]);
    });

    test("a peer is removed durably, and its name is free again", async () => {
      await using bench = await arrange();
      await bench.store.put(rich);
      await bench.store.put(makePeer("desk"));
      expect(await bench.store.remove(rich.did)).toBe(true);
      expect(await bench.store.remove(rich.did)).toBe(false);
      const store = (await bench.reopen?.()) ?? bench.store;
      expect(await store.load()).toEqual([makePeer("desk")]);
      await expect(store.put(makePeer("x", { name: "lap" }))).resolves.toBeUndefined();
    });
  });
}
