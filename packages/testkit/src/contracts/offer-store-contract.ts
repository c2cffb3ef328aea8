/** What every offer store promises (packages/peer/src/ports/offer-store.ts). */
import type { KeptOffer, OfferStore } from "@hikyaku/peer";
import { describe, expect, test } from "vitest";
import type { StoreBench } from "./store-bench.ts";

const plain = (name: string): KeptOffer => ({ name, version: "1", isIdempotent: false, concurrency: 1, offeredAt: 1_800_000_000_000 });

const rich: KeptOffer = {
  ...plain("translate"),
  version: "2.1.0-飛脚",
  description: "",
  inputSchema: '{"type":"object"}',
  outputSchema: "true",
  isIdempotent: true,
  concurrency: 1024,
  peers: ["did:key:lap", "did:key:desk"],
};

export function offerStoreContract(adapter: string, arrange: () => Promise<StoreBench<OfferStore>>): void {
  const restarted = async (bench: StoreBench<OfferStore>): Promise<OfferStore> => (await bench.reopen?.()) ?? bench.store;

  describe(`offer store: ${adapter}`, () => {
    test("a new store holds nothing, and removing what is not there is harmless", async () => {
      await using bench = await arrange();
      expect(await bench.store.load()).toEqual([]);
      expect(await bench.store.remove("translate")).toBeUndefined();
    });

    test("an offer is there after a restart, as it was made", async () => {
      await using bench = await arrange();
      await bench.store.put(rich);
      await bench.store.put(plain("sum"));
      expect(await (await restarted(bench)).load()).toStrictEqual([plain("sum"), rich]);
    });

    test("offers are given by name, whatever the order of their coming", async () => {
      await using bench = await arrange();
      for (const name of ["sum", "Sum", "translate", "draw"]) await bench.store.put(plain(name));
      expect((await bench.store.load()).map(({ name }) => name)).toEqual(["Sum", "draw", "sum", "translate"]);
    });

    test("a second offer of one name replaces the first whole", async () => {
      await using bench = await arrange();
      await bench.store.put(rich);
      const changed = { ...plain("translate"), peers: [], offeredAt: 7 };
      await bench.store.put(changed);
      expect(await (await restarted(bench)).load()).toStrictEqual([changed]);
    });

    test("an offer is removed durably, and the others stay", async () => {
      await using bench = await arrange();
      for (const offer of [rich, plain("sum")]) await bench.store.put(offer);
      await bench.store.remove("translate");
      expect(await (await restarted(bench)).load()).toStrictEqual([plain("sum")]);
    });
  });
}
