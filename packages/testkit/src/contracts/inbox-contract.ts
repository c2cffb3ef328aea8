/** What every inbox promises (packages/peer/src/ports/inbox.ts). */
import type { Inbox, InboxMessage, InboxStage } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import type { StoreBench } from "./store-bench.ts";

const [lap, desk] = ["did:key:lap", "did:key:desk"] as const;

const makeMessage = (id: string, changes: Partial<InboxMessage> = {}): InboxMessage => ({
  id,
  from: lap,
  type: "message",
  body: JSON.stringify({ text: `“${id}” 飛脚` }),
  sentAt: 1_800_000_000_000,
  receivedAt: 1_800_000_000_021,
  ...changes,
});

export function inboxContract(adapter: string, arrange: () => Promise<StoreBench<Inbox>>): void {
  const idsOf = async (inbox: Inbox, query: Partial<Parameters<Inbox["list"]>[0]> = {}): Promise<readonly string[]> =>
    (await inbox.list({ limit: 100, ...query })).map(({ id }) => id);
  const fill = async (inbox: Inbox, ...ids: readonly string[]): Promise<void> => {
    for (const id of ids) await inbox.append(makeMessage(id));
  };

  describe(`inbox: ${adapter}`, () => {
    test("a new inbox is empty", async () => {
      await using bench = await arrange();
      expect(await idsOf(bench.store)).toEqual([]);
    });

    test("a message whose append resolved is there after a restart, as it came [BOX-1]", async () => {
      await using bench = await arrange();
      const [plain, rich] = [makeMessage("1"), makeMessage("2", { replyTo: "1", thread: "0" })];
      expect(await bench.store.append(plain)).toBe("stored");
      expect(await bench.store.append(rich)).toBe("stored");
      const inbox = (await bench.reopen?.()) ?? bench.store;
      const [first, second] = await inbox.list({ limit: 10 });
      expect(first).toStrictEqual({ ...plain, stage: "stored", position: expect.any(Number) });
      expect(second).toStrictEqual({ ...rich, stage: "stored", position: expect.any(Number) });
    });

    test("a sender's second message with one id is a duplicate and changes nothing [BOX-2]", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1");
      await bench.store.advance(lap, ["1"], "delivered");
      const before = await bench.store.list({ limit: 10 });
      expect(await bench.store.append(makeMessage("1", { body: '{"text":"other"}', thread: "9" }))).toBe("duplicate");
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append(makeMessage("1"))).toBe("duplicate");
      expect(await inbox.list({ limit: 10 })).toEqual(before);
    });

    test("of one message that arrives twice at once, one is stored [BOX-2]", async () => {
      await using bench = await arrange();
      expect(await Promise.all([bench.store.append(makeMessage("1")), bench.store.append(makeMessage("1"))])).toEqual([
        "stored",
        "duplicate",
      ]);
    });

    test("two senders may use one id", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1");
      expect(await bench.store.append(makeMessage("1", { from: desk }))).toBe("stored");
      expect((await bench.store.list({ limit: 10 })).map(({ from }) => from)).toEqual([lap, desk]);
    });

    test("messages come in the order of arrival, a page at a time, with none twice and none missed", async () => {
      await using bench = await arrange();
      await fill(bench.store, "5", "3", "4", "1", "2");
      const pages: string[][] = [];
      for (
        let after = 0, page = await bench.store.list({ limit: 2 });
        page.length > 0;
        page = await bench.store.list({ after, limit: 2 })
      ) {
        pages.push(page.map(({ id }) => id));
        after = page.at(-1)?.position ?? after;
      }
      expect(pages).toEqual([["5", "3"], ["4", "1"], ["2"]]);
    });

    test("positions rise across a restart", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      const inbox = (await bench.reopen?.()) ?? bench.store;
      await fill(inbox, "3");
      const positions = (await inbox.list({ limit: 10 })).map(({ position }) => position);
      expect(positions).toEqual(positions.toSorted((left, right) => left - right));
      expect(new Set(positions).size).toBe(3);
    });

    test("a list may be narrowed to a sender and to what nobody has read", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      await bench.store.append(makeMessage("3", { from: desk }));
      await bench.store.advance(lap, ["1"], "delivered");
      expect(await idsOf(bench.store, { from: lap })).toEqual(["1", "2"]);
      expect(await idsOf(bench.store, { unread: true })).toEqual(["2", "3"]);
      expect(await idsOf(bench.store, { from: lap, unread: true })).toEqual(["2"]);
      expect(await idsOf(bench.store, { from: "did:key:nobody" })).toEqual([]);
    });

    test("a list never holds more than a page, whatever limit was asked for", async () => {
      await using bench = await arrange();
      const ids = Array.from({ length: limits.inboxPageMax + 1 }, (_, index) => `${index}`);
      await Promise.all(ids.map((id) => bench.store.append(makeMessage(id))));
      expect(await idsOf(bench.store, { limit: Number.MAX_SAFE_INTEGER })).toEqual(ids.slice(0, -1));
      expect(await idsOf(bench.store, { unread: true, limit: ids.length })).toHaveLength(limits.inboxPageMax);
      for (const limit of [0, -1]) expect(await idsOf(bench.store, { limit })).toEqual([]);
    });

    test("a stage rises durably, tells which messages rose, and never falls", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2", "3");
      expect(await bench.store.advance(lap, ["2", "1"], "delivered")).toEqual(["2", "1"]);
      expect(await bench.store.advance(lap, ["1", "2", "3"], "handled")).toEqual(["1", "2", "3"]);
      expect(await bench.store.advance(lap, ["1", "2"], "delivered")).toEqual([]);
      const inbox = (await bench.reopen?.()) ?? bench.store;
      const stages: readonly InboxStage[] = (await inbox.list({ limit: 10 })).map(({ stage }) => stage);
      expect(stages).toEqual(["handled", "handled", "handled"]);
    });

    test("only the sender's own messages advance, each once, and unknown ids are passed over", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1");
      expect(await bench.store.advance(desk, ["1"], "handled")).toEqual([]);
      expect(await bench.store.advance(lap, ["0", "1", "1"], "delivered")).toEqual(["1"]);
      expect(await idsOf(bench.store, { unread: true })).toEqual([]);
    });
  });
}
