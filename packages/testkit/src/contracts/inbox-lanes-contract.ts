/** What every inbox promises of lanes: each sender's messages of one lane by rising order, gaps and floors heeded (packages/peer/src/ports/inbox.ts). */
import type { Arrival, Inbox, InboxMessage, LaneKey } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import type { ArrangeInbox } from "./inbox-contract.ts";

const [lap, desk] = ["did:key:lap", "did:key:desk"] as const;
const [normal, high] = ["00000000000000aa/normal", "00000000000000aa/high"] as const;
const noon = 1_800_000_000_000;
const lane: LaneKey = { from: lap, lane: normal };

/** The message with this order in lap's lane; its id is its order, unless told otherwise. */
const numbered = (order: number, floor = 1, changes: Partial<InboxMessage> = {}): InboxMessage => ({
  id: `${order}`,
  from: lap,
  type: "message",
  body: "{}",
  sentAt: noon,
  exp: noon + 60_000,
  receivedAt: noon,
  place: { lane: normal, order, floor },
  ...changes,
});

/** Others waited for it. */
const releasing = { kind: "stored", releases: true } as const;
const [stored, outdated, ahead] = [{ kind: "stored" }, { kind: "outdated" }, { kind: "ahead" }] as const;

export function inboxLanesContract(adapter: string, arrange: ArrangeInbox): void {
  const dueIn = async (inbox: Inbox, key: LaneKey = lane): Promise<readonly string[]> =>
    (await inbox.due(key, "message", 1000)).map(({ id }) => id);
  const unreadIn = async (inbox: Inbox): Promise<readonly string[]> =>
    (await inbox.list({ type: "message", unread: true, limit: 1000 })).map(({ id }) => id);
  const arrive = async (inbox: Inbox, message: InboxMessage): Promise<Arrival | undefined> => (await inbox.append([message]))[0];

  describe(`lanes of an inbox: ${adapter}`, () => {
    test("what comes in order is due at once, in order", async () => {
      await using bench = await arrange();
      expect(await bench.store.append([numbered(1), numbered(2), numbered(3)])).toEqual([stored, stored, stored]);
      expect(await bench.store.lanesDue("message", 10)).toEqual([lane]);
      expect(await dueIn(bench.store)).toEqual(["1", "2", "3"]);
      expect((await bench.store.due(lane, "message", 2)).map(({ id }) => id)).toEqual(["1", "2"]);
    });

    test("what comes early is stored and waits, also across a restart, until the missing one comes", async () => {
      await using bench = await arrange();
      expect(await bench.store.append([numbered(3), numbered(2)])).toEqual([stored, stored]);
      expect(await bench.store.lanesDue("message", 10)).toEqual([]);
      expect(await dueIn(bench.store)).toEqual([]);
      expect(await unreadIn(bench.store)).toEqual([]);
      expect((await bench.store.list({ type: "message", limit: 10 })).map(({ id }) => id)).toEqual(["3", "2"]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([numbered(5), numbered(1)])).toEqual([stored, releasing]);
      expect(await dueIn(inbox)).toEqual(["1", "2", "3"]);
      expect(await unreadIn(inbox)).toEqual(["1", "2", "3"]);
      expect(await arrive(inbox, numbered(4))).toEqual(releasing);
      expect(await dueIn(inbox)).toEqual(["1", "2", "3", "4", "5"]);
    });

    test("a reader's cursor never passes by what waited", async () => {
      await using bench = await arrange();
      await bench.store.append([numbered(2), numbered(1, 1, { id: "other", from: desk })]);
      const [read] = await bench.store.list({ type: "message", unread: true, limit: 1 });
      await bench.store.append([numbered(1)]);
      const page = await bench.store.list({ type: "message", unread: true, after: read?.position ?? 0, limit: 10 });
      expect(page.map(({ id }) => id)).toEqual(["1", "2"]);
    });

    test("lanes and senders do not hold each other up", async () => {
      await using bench = await arrange();
      const elsewhere = numbered(1, 1, { id: "h1", place: { lane: high, order: 1, floor: 1 } });
      expect(await bench.store.append([numbered(2), elsewhere, numbered(1, 1, { from: desk })])).toEqual([stored, stored, stored]);
      expect(await bench.store.lanesDue("message", 10)).toEqual([
        { from: lap, lane: high },
        { from: desk, lane: normal },
      ]);
      expect(await bench.store.lanesDue("message", 1)).toHaveLength(1);
    });

    test("a raised floor skips what is missing below it, tells how much, and lets go what waited", async () => {
      await using bench = await arrange();
      expect(await bench.store.append([numbered(1), numbered(3), numbered(6)])).toEqual([stored, stored, stored]);
      expect(await arrive(bench.store, numbered(9, 6))).toEqual({ kind: "stored", skipped: 3 });
      expect(await dueIn(bench.store)).toEqual(["1", "3", "6"]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([numbered(2), numbered(4), numbered(5)])).toEqual([outdated, outdated, outdated]);
      expect(await inbox.append([numbered(8, 2), numbered(7, 7)])).toEqual([stored, releasing]);
      expect(await dueIn(inbox)).toEqual(["1", "3", "6", "7", "8", "9"]);
    });

    test("a lower floor changes nothing", async () => {
      await using bench = await arrange();
      await bench.store.append([numbered(5, 5), numbered(6, 1)]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([numbered(4, 1), numbered(8, 2)])).toEqual([outdated, stored]);
      expect(await dueIn(inbox)).toEqual(["5", "6"]);
    });

    test("the floor of a copy and of what is not stored counts as well", async () => {
      await using bench = await arrange({ ...limits, reorderCountMax: 1 });
      await bench.store.append([numbered(1), numbered(3)]);
      expect(await arrive(bench.store, numbered(3, 3))).toEqual({ kind: "duplicate", stage: "stored", skipped: 1 });
      expect(await dueIn(bench.store)).toEqual(["1", "3"]);
      await bench.store.append([numbered(6)]);
      expect(await arrive(bench.store, numbered(9, 5))).toEqual({ kind: "ahead", skipped: 1 });
      expect(await arrive(bench.store, numbered(5, 5))).toEqual(releasing);
      expect(await dueIn(bench.store)).toEqual(["1", "3", "5", "6"]);
    });

    test("an order that another id has taken is outdated, waiting or not [BOX-2]", async () => {
      await using bench = await arrange();
      await bench.store.append([numbered(1), numbered(3)]);
      expect(await bench.store.append([numbered(1, 1, { id: "x" }), numbered(3, 1, { id: "y" })])).toEqual([outdated, outdated]);
      expect((await bench.store.list({ type: "message", limit: 10 })).map(({ id }) => id)).toEqual(["1", "3"]);
    });

    test("a copy is a duplicate, whatever lane and order it names, and opens no lane [BOX-2]", async () => {
      await using bench = await arrange();
      await bench.store.append([numbered(1)]);
      const duplicate = { kind: "duplicate", stage: "stored" };
      const places = [
        { lane: normal, order: 2, floor: 1 },
        { lane: normal, order: 9, floor: 1 },
        { lane: high, order: 1, floor: 1 },
        undefined,
      ];
      for (const place of places) {
        const { place: _, ...bare } = numbered(1);
        expect(await arrive(bench.store, place === undefined ? bare : { ...bare, place })).toEqual(duplicate);
      }
      expect(await arrive(bench.store, numbered(2))).toEqual(stored);
      expect(await dueIn(bench.store)).toEqual(["1", "2"]);
    });

    test("no more messages than may wait behind a gap; what fills it is always taken", async () => {
      await using bench = await arrange({ ...limits, reorderCountMax: 2 });
      expect(await bench.store.append([2, 4, 5].map((order) => numbered(order)))).toEqual([stored, stored, ahead]);
      expect(await bench.store.stagesOf(lap, ["5"])).toEqual([]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([5, 4, 1, 5, 6].map((order) => numbered(order)))).toEqual([
        ahead,
        { kind: "duplicate", stage: "stored" },
        releasing,
        stored,
        ahead,
      ]);
      expect(await inbox.append([3, 6].map((order) => numbered(order)))).toEqual([releasing, stored]);
      expect(await dueIn(inbox)).toEqual(["1", "2", "3", "4", "5", "6"]);
    });

    test("no more bytes than may wait behind a gap", async () => {
      await using bench = await arrange({ ...limits, reorderBytesMax: 10 });
      const sized = (order: number, body: string): InboxMessage => numbered(order, 1, { body });
      expect(await bench.store.append([sized(2, "123456"), sized(3, "12345"), sized(4, "1234")])).toEqual([stored, ahead, stored]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([sized(5, "1"), sized(1, "x".repeat(100)), sized(6, "123456"), sized(7, "1")])).toEqual([
        ahead,
        releasing,
        stored,
        ahead,
      ]);
    });

    test("orders and floors that jump to the end cost nothing", async () => {
      await using bench = await arrange();
      const last = Number.MAX_SAFE_INTEGER;
      await bench.store.append([numbered(1), numbered(3)]);
      expect(await bench.store.append([numbered(last - 1), numbered(last)])).toEqual([stored, stored]);
      const began = performance.now();
      expect(await arrive(bench.store, numbered(last - 2, last - 2))).toEqual({ ...releasing, skipped: last - 5 });
      expect(await dueIn(bench.store)).toEqual(["1", "3", `${last - 2}`, `${last - 1}`, `${last}`]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([numbered(last, last), numbered(last, last, { id: "x" })])).toEqual([
        { kind: "duplicate", stage: "stored" },
        outdated,
      ]);
      expect(performance.now() - began).toBeLessThan(1000);
    });

    test("a sender has so many lanes and no more; others and messages without a place are not concerned", async () => {
      await using bench = await arrange({ ...limits, lanesPerSenderMax: 2 });
      const inLane = (name: string, changes: Partial<InboxMessage> = {}): InboxMessage =>
        numbered(1, 1, { id: name, place: { lane: name, order: 1, floor: 1 }, ...changes });
      const { place: _, ...bare } = numbered(7);
      const full = { kind: "full", bound: "lanes" };
      expect(await bench.store.append([bare, inLane("a"), inLane("b"), inLane("c")])).toEqual([stored, stored, stored, full]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([inLane("c"), inLane("a"), { ...bare, id: "8" }])).toEqual([
        full,
        { kind: "duplicate", stage: "stored" },
        stored,
      ]);
      expect(await inbox.append([inLane("c", { from: desk })])).toEqual([stored]);
    });

    test("the lane that has been idle for longest makes room; what it held stays, and is due", async () => {
      await using bench = await arrange({ ...limits, lanesPerSenderMax: 2 });
      const inLane = (name: string, order: number, receivedAt: number): InboxMessage =>
        numbered(order, 1, { id: `${name}${order}`, receivedAt, place: { lane: name, order, floor: 1 } });
      await bench.store.append([inLane("b", 1, noon + 1), inLane("a", 1, noon), inLane("a", 3, noon)]);
      const idle = noon + limits.laneIdleMsMax;
      expect(await arrive(bench.store, inLane("c", 1, idle - 1))).toEqual({ kind: "full", bound: "lanes" });
      expect(await arrive(bench.store, inLane("c", 1, idle))).toEqual(stored);
      expect(await dueIn(bench.store, { from: lap, lane: "a" })).toEqual(["a1", "a3"]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await arrive(inbox, inLane("a", 3, idle))).toEqual({ kind: "duplicate", stage: "stored" });
      expect(await arrive(inbox, inLane("a", 4, idle))).toEqual({ kind: "full", bound: "lanes" });
      expect(await arrive(inbox, inLane("a", 4, idle + 1))).toEqual(stored);
      expect(await arrive(inbox, inLane("a", 2, idle + 1))).toEqual(outdated);
      expect(await arrive(inbox, inLane("b", 2, idle + 1))).toEqual({ kind: "full", bound: "lanes" });
    });

    test("a sweep lets go what waits in a lane that has been idle for long", async () => {
      await using bench = await arrange();
      await bench.store.append([numbered(2), numbered(5)]);
      const bounds = { readBefore: 0, graceMs: 0, limit: 10 };
      await bench.store.sweep(noon + limits.laneIdleMsMax - 1, bounds);
      expect(await dueIn(bench.store)).toEqual([]);
      await bench.store.sweep(noon + limits.laneIdleMsMax, bounds);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await dueIn(inbox)).toEqual(["2", "5"]);
      expect(await inbox.append([numbered(4), numbered(6)])).toEqual([outdated, stored]);
    });

    test("a sweep forgets behind the floor, and a repetition is still no news [BOX-2]", async () => {
      await using bench = await arrange();
      await bench.store.append([numbered(1), numbered(2), numbered(3, 3), numbered(9, 3)]);
      await bench.store.advance(lap, ["1", "2", "3", "9"], "handled");
      const bounds = { readBefore: noon + 1, graceMs: 0, limit: 10 };
      expect(await bench.store.sweep(noon, bounds)).toBe(2);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect((await inbox.list({ type: "message", limit: 10 })).map(({ id }) => id)).toEqual(["3", "9"]);
      expect(await inbox.append([numbered(1), numbered(2), numbered(3)])).toEqual([
        outdated,
        outdated,
        { kind: "duplicate", stage: "handled" },
      ]);
      // What is past its exp goes as well, except where the lane has yet to pass it.
      expect(await inbox.sweep(noon + 60_001, bounds)).toBe(1);
      expect(await inbox.append([numbered(3), numbered(9)])).toEqual([outdated, { kind: "duplicate", stage: "handled" }]);
      await inbox.append([4, 5, 6, 7, 8, 10].map((order) => numbered(order, 3)));
      expect(await dueIn(inbox)).toEqual(["4", "5", "6", "7", "8", "10"]);
    });

    test("a full inbox stores nothing and leaves the lane where it was", async () => {
      await using bench = await arrange({ ...limits, inboxUnreadPerSenderMax: 1 });
      const full = { kind: "full", bound: "sender" };
      expect(await bench.store.append([numbered(1), numbered(2), numbered(3)])).toEqual([stored, full, full]);
      await bench.store.advance(lap, ["1"], "handled");
      expect(await bench.store.append([numbered(2), numbered(3)])).toEqual([stored, full]);
      expect(await dueIn(bench.store)).toEqual(["2"]);
    });
  });
}
