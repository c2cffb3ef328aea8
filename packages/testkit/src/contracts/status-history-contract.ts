/** What every status history promises (packages/peer/src/ports/status-history.ts). */
import type { StatusHistory, StatusReport } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import type { StoreBench } from "./store-bench.ts";

const [lap, desk] = ["did:key:lap", "did:key:desk"] as const;
const report = (from: string, n: number): StatusReport => ({ from, id: `${from} ${n}`, state: `s${n}`, detail: "飛脚 …", receivedAt: n });

export function statusHistoryContract(adapter: string, arrange: () => Promise<StoreBench<StatusHistory>>): void {
  const statesOf = async (history: StatusHistory, from: string, query: { readonly after?: number; readonly limit?: number } = {}) =>
    (await history.list(from, { limit: 1000, ...query })).map(({ state }) => state);

  describe(`status history: ${adapter}`, () => {
    test("of a peer that said nothing there is nothing, and forgetting it is harmless", async () => {
      await using bench = await arrange();
      expect(await bench.store.list(lap, { limit: 9 })).toEqual([]);
      expect(await bench.store.forget(lap)).toBeUndefined();
    });

    test("reports are there after a restart as they were said, oldest first, each with a higher position [STATUS-1]", async () => {
      await using bench = await arrange();
      const bare: StatusReport = { from: lap, id: "a", receivedAt: 5 };
      for (const one of [report(lap, 1), report(desk, 1), bare]) await bench.store.add(one);
      const history = (await bench.reopen?.()) ?? bench.store;
      const [first, second, ...others] = await history.list(lap, { limit: 9 });
      expect([first, second]).toStrictEqual([
        { ...report(lap, 1), position: first?.position },
        { ...bare, position: second?.position },
      ]);
      expect(others).toEqual([]);
      expect(second?.position).toBeGreaterThan(first?.position ?? Number.NaN);
    });

    test("what is said twice is kept once", async () => {
      await using bench = await arrange();
      for (const one of [report(lap, 1), report(lap, 2), { ...report(lap, 1), state: "other" }]) await bench.store.add(one);
      expect(await statesOf(bench.store, lap)).toEqual(["s1", "s2"]);
    });

    test("the newest hundred of each peer are kept, whatever others say [STATUS-1]", async () => {
      await using bench = await arrange();
      await bench.store.add(report(desk, 0));
      for (let n = 1; n <= limits.statusReportsKept + 5; n += 1) await bench.store.add(report(lap, n));
      const kept = await statesOf(bench.store, lap);
      expect([kept.length, kept[0], kept.at(-1)]).toEqual([limits.statusReportsKept, "s6", "s105"]);
      expect(await statesOf(bench.store, desk)).toEqual(["s0"]);
    });

    test("the newest are given up to a limit, or those after a position", async () => {
      await using bench = await arrange();
      for (const n of [1, 2, 3, 4]) await bench.store.add(report(lap, n));
      const [, second] = await bench.store.list(lap, { limit: 9 });
      const after = second?.position ?? 0;
      expect(await statesOf(bench.store, lap, { limit: 2 })).toEqual(["s3", "s4"]);
      expect(await statesOf(bench.store, lap, { after })).toEqual(["s3", "s4"]);
      expect(await statesOf(bench.store, lap, { after, limit: 1 })).toEqual(["s4"]);
      expect(await statesOf(bench.store, lap, { limit: 0 })).toEqual([]);
    });

    test("what a forgotten peer said is gone durably, the others' words stay, and no position is given twice", async () => {
      await using bench = await arrange();
      await bench.store.add(report(desk, 1));
      await bench.store.add(report(lap, 1));
      const [last] = await bench.store.list(lap, { limit: 1 });
      await bench.store.forget(lap);
      const history = (await bench.reopen?.()) ?? bench.store;
      expect([await statesOf(history, lap), await statesOf(history, desk)]).toEqual([[], ["s1"]]);
      await history.add(report(lap, 2));
      expect((await history.list(lap, { limit: 1 }))[0]?.position).toBeGreaterThan(last?.position ?? Number.NaN);
    });
  });
}
