/** What every inbox promises (packages/peer/src/ports/inbox.ts). */
import type { Inbox, InboxBounds, InboxMessage, InboxStage } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import { inboxLanesContract } from "./inbox-lanes-contract.ts";
import type { StoreBench } from "./store-bench.ts";

export type ArrangeInbox = (bounds?: InboxBounds) => Promise<StoreBench<Inbox>>;

const [lap, desk] = ["did:key:lap", "did:key:desk"] as const;
const day = 24 * 3_600_000;
const noon = 1_800_000_000_000;

const makeMessage = (id: string, changes: Partial<InboxMessage> = {}): InboxMessage => ({
  id,
  from: lap,
  type: "message",
  body: JSON.stringify({ text: `“${id}” 飛脚` }),
  sentAt: noon,
  exp: noon + day,
  receivedAt: noon + 21,
  ...changes,
});

const stored = { kind: "stored" };

export function inboxContract(adapter: string, arrange: ArrangeInbox): void {
  const idsOf = async (inbox: Inbox, query: Partial<Parameters<Inbox["list"]>[0]> = {}): Promise<readonly string[]> =>
    (await inbox.list({ type: "message", limit: 100, ...query })).map(({ id }) => id);
  const fill = (inbox: Inbox, ...ids: readonly string[]): Promise<unknown> => inbox.append(ids.map((id) => makeMessage(id)));
  const stagesIn = async (inbox: Inbox): Promise<readonly InboxStage[]> =>
    (await inbox.list({ type: "message", limit: 100 })).map(({ stage }) => stage);

  describe(`inbox: ${adapter}`, () => {
    test("a new inbox is empty", async () => {
      await using bench = await arrange();
      expect(await idsOf(bench.store)).toEqual([]);
      expect(await bench.store.append([])).toEqual([]);
      expect(await bench.store.lanesDue("message", 10)).toEqual([]);
      expect(await bench.store.due({ from: lap, lane: "" }, "message", 10)).toEqual([]);
      expect(await bench.store.interrupted("message", 10)).toEqual([]);
      expect(await bench.store.stagesOf(lap, ["1"])).toEqual([]);
      expect(await bench.store.advance(lap, ["1"], "handled")).toEqual([]);
      expect(await bench.store.sweep(noon, { readBefore: noon, graceMs: 0, limit: 10 })).toBe(0);
    });

    test("a message whose append resolved is there after a restart, as it came [BOX-1]", async () => {
      await using bench = await arrange();
      const place = { lane: "00000000000000aa/normal", order: 1, floor: 1 };
      const [plain, rich] = [makeMessage("1"), makeMessage("2", { replyTo: "1", thread: "0", place })];
      expect(await bench.store.append([plain, rich])).toEqual([stored, stored]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      const [first, second] = await inbox.list({ type: "message", limit: 10 });
      expect(first).toStrictEqual({ ...plain, stage: "stored", position: expect.any(Number) });
      expect(second).toStrictEqual({ ...rich, stage: "stored", position: expect.any(Number) });
    });

    test("a sender's second message with one id is a duplicate, told with the first one's stage, and changes nothing [BOX-2]", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      await bench.store.advance(lap, ["1"], "delivered");
      await bench.store.advance(lap, ["2"], "refused", "INVALID_PAYLOAD");
      const before = await bench.store.list({ type: "message", limit: 10 });
      const other = makeMessage("1", { body: '{"text":"other"}', thread: "9" });
      expect(await bench.store.append([other])).toEqual([{ kind: "duplicate", stage: "delivered" }]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([makeMessage("2")])).toEqual([{ kind: "duplicate", stage: "refused", reason: "INVALID_PAYLOAD" }]);
      expect(await inbox.list({ type: "message", limit: 10 })).toEqual(before);
    });

    test("of one message that arrives twice at once, one is stored [BOX-2]", async () => {
      await using bench = await arrange();
      const duplicate = { kind: "duplicate", stage: "stored" };
      expect(await bench.store.append([makeMessage("1"), makeMessage("1")])).toEqual([stored, duplicate]);
      const outcomes = await Promise.all([bench.store.append([makeMessage("2")]), bench.store.append([makeMessage("2")])]);
      expect(outcomes).toEqual([[stored], [duplicate]]);
    });

    test("two senders may use one id", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1");
      expect(await bench.store.append([makeMessage("1", { from: desk })])).toEqual([stored]);
      expect((await bench.store.list({ type: "message", limit: 10 })).map(({ from }) => from)).toEqual([lap, desk]);
      expect(await bench.store.advance(desk, ["1"], "handled")).toEqual(["1"]);
      expect(await stagesIn(bench.store)).toEqual(["stored", "handled"]);
    });

    test("messages come in the order of arrival, a page at a time, with none twice and none missed", async () => {
      await using bench = await arrange();
      await fill(bench.store, "5", "3", "4", "1", "2");
      const pages: string[][] = [];
      for (
        let after = 0, page = await bench.store.list({ type: "message", limit: 2 });
        page.length > 0;
        page = await bench.store.list({ type: "message", after, limit: 2 })
      ) {
        pages.push(page.map(({ id }) => id));
        after = page.at(-1)?.position ?? after;
      }
      expect(pages).toEqual([["5", "3"], ["4", "1"], ["2"]]);
    });

    test("positions rise across a restart, also when the newest message was forgotten", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      const [, second] = await bench.store.list({ type: "message", limit: 10 });
      await bench.store.advance(lap, ["2"], "handled");
      expect(await bench.store.sweep(noon + 9 * day, { readBefore: noon + day, graceMs: 0, limit: 10 })).toBe(1);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      await fill(inbox, "3");
      const [, third] = await inbox.list({ type: "message", limit: 10 });
      expect(third?.position).toBeGreaterThan(second?.position ?? Number.POSITIVE_INFINITY);
    });

    test("a list may be narrowed to a sender and to what nobody has read", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      await bench.store.append([makeMessage("3", { from: desk })]);
      await bench.store.advance(lap, ["1"], "delivered");
      const [first] = await bench.store.list({ type: "message", limit: 1 });
      expect(await idsOf(bench.store, { from: lap })).toEqual(["1", "2"]);
      expect(await idsOf(bench.store, { from: lap, after: first?.position ?? 0 })).toEqual(["2"]);
      expect(await idsOf(bench.store, { unread: true })).toEqual(["2", "3"]);
      expect(await idsOf(bench.store, { from: lap, unread: true })).toEqual(["2"]);
      expect(await idsOf(bench.store, { from: "did:key:nobody" })).toEqual([]);
      expect(await idsOf(bench.store, { from: "did:key:nobody", unread: true })).toEqual([]);
    });

    test("a list never holds more than a page, whatever limit was asked for", async () => {
      await using bench = await arrange();
      const ids = Array.from({ length: limits.inboxPageMax + 1 }, (_, index) => `${index}`);
      await fill(bench.store, ...ids);
      expect(await idsOf(bench.store, { limit: Number.MAX_SAFE_INTEGER })).toEqual(ids.slice(0, -1));
      expect(await idsOf(bench.store, { unread: true, limit: ids.length })).toHaveLength(limits.inboxPageMax);
      expect(await bench.store.due({ from: lap, lane: "" }, "message", ids.length)).toHaveLength(limits.inboxPageMax);
      for (const limit of [0, -1]) {
        expect(await idsOf(bench.store, { limit })).toEqual([]);
        expect(await bench.store.due({ from: lap, lane: "" }, "message", limit)).toEqual([]);
        expect(await bench.store.lanesDue("message", limit)).toEqual([]);
      }
    });

    test("a stage rises durably, tells which messages rose, and never falls", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2", "3");
      expect(await bench.store.advance(lap, ["2", "1"], "delivered")).toEqual(["2", "1"]);
      expect(await bench.store.advance(lap, ["3", "1", "2"], "handled")).toEqual(["3", "1", "2"]);
      expect(await bench.store.advance(lap, ["1", "2"], "delivered")).toEqual([]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await stagesIn(inbox)).toEqual(["handled", "handled", "handled"]);
      expect(await idsOf(inbox, { unread: true })).toEqual([]);
    });

    test("only the sender's own messages advance, each once, and unknown ids are passed over", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1");
      expect(await bench.store.advance(desk, ["1"], "handled")).toEqual([]);
      expect(await bench.store.advance(lap, ["0", "1", "1"], "delivered")).toEqual(["1"]);
      expect(await idsOf(bench.store, { unread: true })).toEqual([]);
    });

    test("of two that want to start one message, one may, and nobody starts what was read [BOX-2]", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      const outcomes = await Promise.all([bench.store.advance(lap, ["1"], "started"), bench.store.advance(lap, ["1"], "started")]);
      expect(outcomes).toEqual([["1"], []]);
      await bench.store.advance(lap, ["2"], "delivered");
      expect(await bench.store.advance(lap, ["1", "2"], "started")).toEqual([]);
      expect(await bench.store.advance(lap, ["1"], "delivered")).toEqual([]);
      expect(await stagesIn(bench.store)).toEqual(["started", "delivered"]);
    });

    test("handled and refused are final, and a refusal keeps its first reason", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      await bench.store.advance(lap, ["1"], "handled");
      await bench.store.advance(lap, ["2"], "refused", "UNAUTHORIZED");
      for (const stage of ["delivered", "started", "handled", "refused"] as const) {
        expect(await bench.store.advance(lap, ["1", "2"], stage, "INTERNAL_ERROR")).toEqual([]);
      }
      const word = [
        { id: "2", stage: "refused", reason: "UNAUTHORIZED" },
        { id: "1", stage: "handled" },
      ];
      expect(await bench.store.stagesOf(lap, ["2", "0", "1"])).toEqual(word);
      expect(await bench.store.stagesOf(desk, ["1", "2"])).toEqual([]);
      const [, second] = await bench.store.list({ type: "message", limit: 10 });
      expect(second?.reason).toBe("UNAUTHORIZED");
    });

    test("messages whose handler had started are told after a restart, oldest first, until they end", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2", "3", "4");
      await bench.store.advance(lap, ["3", "1", "2"], "started");
      await bench.store.advance(lap, ["2"], "handled");
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect((await inbox.interrupted("message", 10)).map(({ id, stage }) => [id, stage])).toEqual([
        ["1", "started"],
        ["3", "started"],
      ]);
      expect(await inbox.interrupted("message", 1)).toHaveLength(1);
      expect(await inbox.advance(lap, ["1", "3"], "refused", "INTERNAL_ERROR")).toEqual(["1", "3"]);
      expect(await inbox.interrupted("message", 10)).toEqual([]);
    });

    test("starts of one handler are counted durably, as long as it has not ended [BOX-5]", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      await bench.store.advance(lap, ["1"], "started");
      expect(await bench.store.startAgain(lap, "1")).toBe(2);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect([await inbox.startAgain(lap, "1"), await inbox.startAgain(lap, "2"), await inbox.startAgain(desk, "1")]).toEqual([3, 0, 0]);
      expect(await inbox.interrupted("message", 10)).toMatchObject([{ id: "1", stage: "started" }]);
      await inbox.advance(lap, ["1"], "handled");
      expect(await inbox.startAgain(lap, "1")).toBe(0);
    });

    test("messages without a place are one lane per sender, in the order of their arrival", async () => {
      await using bench = await arrange();
      await fill(bench.store, "2", "1");
      await bench.store.append([makeMessage("3", { from: desk })]);
      expect(await bench.store.lanesDue("message", 10)).toEqual([
        { from: lap, lane: "" },
        { from: desk, lane: "" },
      ]);
      expect((await bench.store.due({ from: lap, lane: "" }, "message", 10)).map(({ id }) => id)).toEqual(["2", "1"]);
      await bench.store.advance(lap, ["2"], "started");
      expect((await bench.store.due({ from: lap, lane: "" }, "message", 10)).map(({ id }) => id)).toEqual(["1"]);
      await bench.store.advance(lap, ["1"], "delivered");
      expect(await bench.store.lanesDue("message", 10)).toEqual([{ from: desk, lane: "" }]);
    });

    test("a sender's unread messages are bounded in number, and reading makes room [LIM-7]", async () => {
      await using bench = await arrange({ ...limits, inboxUnreadPerSenderMax: 2 });
      const full = { kind: "full", bound: "sender" };
      const arrivals = await bench.store.append(["1", "2", "3", "1"].map((id) => makeMessage(id)));
      expect(arrivals).toEqual([stored, stored, full, { kind: "duplicate", stage: "stored" }]);
      expect(await bench.store.append([makeMessage("1", { from: desk })])).toEqual([stored]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([makeMessage("3")])).toEqual([full]);
      await inbox.advance(lap, ["1"], "started");
      expect(await inbox.append([makeMessage("3"), makeMessage("4")])).toEqual([stored, full]);
    });

    test("a sender's unread messages are bounded in bytes, and reading makes room [LIM-7]", async () => {
      await using bench = await arrange({ ...limits, inboxUnreadBytesPerSenderMax: 10 });
      const sized = (id: string, body: string): InboxMessage => makeMessage(id, { body });
      const full = { kind: "full", bound: "sender" };
      // Bytes, not characters: 飛脚 has six.
      expect(await bench.store.append([sized("1", "飛脚"), sized("2", "12345"), sized("3", "1234")])).toEqual([stored, full, stored]);
      await bench.store.advance(lap, ["1"], "refused");
      expect(await bench.store.append([sized("4", "1234567"), sized("5", "123456")])).toEqual([full, stored]);
    });

    test("the inbox is bounded in bytes of all, read or not, and forgetting makes room [LIM-7]", async () => {
      await using bench = await arrange({ ...limits, inboxBytesMax: 10 });
      const sized = (id: string, from: string): InboxMessage => makeMessage(id, { body: "12345", from });
      expect(await bench.store.append([sized("1", lap)])).toEqual([stored]);
      expect(await bench.store.append([sized("1", desk)])).toEqual([stored]);
      await bench.store.advance(lap, ["1"], "handled");
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([sized("2", lap)])).toEqual([{ kind: "full", bound: "inbox" }]);
      expect(await inbox.sweep(noon + 2 * day, { readBefore: noon + day, graceMs: 0, limit: 10 })).toBe(1);
      expect(await inbox.append([sized("2", lap)])).toEqual([stored]);
    });

    test("one sender's bodies, read or not, leave room for the others', and forgetting makes room [LIM-7]", async () => {
      await using bench = await arrange({ ...limits, inboxBytesPerSenderMax: 10, inboxBytesMax: 20 });
      const sized = (id: string, from: string): InboxMessage => makeMessage(id, { body: "12345", from });
      const full = { kind: "full", bound: "sender" };
      expect(await bench.store.append([sized("1", lap), sized("2", lap)])).toEqual([stored, stored]);
      await bench.store.advance(lap, ["1", "2"], "handled");
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append([sized("3", lap)])).toEqual([full]);
      expect(await inbox.append([sized("1", desk)])).toEqual([stored]);
      expect(await inbox.sweep(noon + 2 * day, { readBefore: noon + day, graceMs: 0, limit: 1 })).toBe(1);
      expect(await inbox.append([sized("3", lap), sized("4", lap)])).toEqual([stored, full]);
    });

    test("a sweep forgets what was read, is old and past its exp, and nothing else", async () => {
      await using bench = await arrange();
      await bench.store.append([
        ...["read", "handled", "refused", "unread", "started"].map((id) => makeMessage(id)),
        makeMessage("new", { receivedAt: noon + 2 * day }),
        makeMessage("lasting", { exp: noon + 3 * day }),
      ]);
      await bench.store.advance(lap, ["read"], "delivered");
      await bench.store.advance(lap, ["started"], "started");
      await bench.store.advance(lap, ["handled", "new", "lasting"], "handled");
      await bench.store.advance(lap, ["refused"], "refused", "UNAUTHORIZED");
      const bounds = { readBefore: noon + day, graceMs: day, limit: 10 };
      expect(await bench.store.sweep(noon + 2 * day, bounds)).toBe(0);
      expect(await bench.store.sweep(noon + 2 * day + 1, bounds)).toBe(3);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await idsOf(inbox)).toEqual(["unread", "started", "new", "lasting"]);
      expect(await inbox.stagesOf(lap, ["handled"])).toEqual([]);
    });

    test("a sweep forgets no more than it may, and the next ones go on", async () => {
      await using bench = await arrange();
      const ids = Array.from({ length: 25 }, (_, index) => `${index}`);
      await bench.store.append(ids.map((id) => makeMessage(id, { exp: noon + (Number(id) % 2) * 9 * day })));
      await bench.store.advance(lap, ids, "handled");
      const sweep = (limit: number): Promise<number> => bench.store.sweep(noon + 2 * day, { readBefore: noon + day, graceMs: 0, limit });
      for (const limit of [0, -1]) expect(await sweep(limit)).toBe(0);
      const gone: number[] = [];
      for (let call = 0; call < 10; call += 1) gone.push(await sweep(10));
      expect(Math.max(...gone)).toBeLessThanOrEqual(10);
      expect(gone.reduce((sum, count) => sum + count)).toBe(13);
      expect(await idsOf(bench.store)).toEqual(ids.filter((id) => Number(id) % 2 === 1));
    });
  });

  inboxLanesContract(adapter, arrange);
}
