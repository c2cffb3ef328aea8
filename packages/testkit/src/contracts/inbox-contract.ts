/** What every inbox promises (packages/peer/src/ports/inbox.ts). */
import type { Inbox, InboxBounds, InboxMessage, InboxStage } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import type { StoreBench } from "./store-bench.ts";

const [lap, desk] = ["did:key:lap", "did:key:desk"] as const;

/** Three of these are below 3300 bytes and four above, also where an adapter seals each with a few bytes of its own. */
const large: Pick<InboxMessage, "body"> = { body: "x".repeat(1000) };

const makeMessage = (id: string, changes: Partial<InboxMessage> = {}): InboxMessage => ({
  id,
  from: lap,
  type: "message",
  body: JSON.stringify({ text: `“${id}” 飛脚` }),
  sentAt: 1_800_000_000_000,
  receivedAt: 1_800_000_000_021,
  ...changes,
});

export function inboxContract(adapter: string, arrange: (bounds?: Partial<InboxBounds>) => Promise<StoreBench<Inbox>>): void {
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

    test("a sender with its fill of unread messages gets no more in, others do, and reading makes room [LIM-7]", async () => {
      await using bench = await arrange({ unreadPerSenderMax: 2 });
      await fill(bench.store, "1", "2");
      const before = await bench.store.list({ limit: 10 });
      expect(await bench.store.append(makeMessage("3"))).toBe("full");
      const inbox = (await bench.reopen?.()) ?? bench.store;
      expect(await inbox.append(makeMessage("3"))).toBe("full");
      expect(await inbox.list({ limit: 10 })).toEqual(before);
      expect(await inbox.append(makeMessage("3", { from: desk }))).toBe("stored");
      await inbox.advance(lap, ["1"], "delivered");
      // One that was read already makes no more room by being handled.
      await inbox.advance(lap, ["1"], "handled");
      expect([await inbox.append(makeMessage("3")), await inbox.append(makeMessage("4"))]).toEqual(["stored", "full"]);
      expect(await idsOf(inbox, { from: lap })).toEqual(["1", "2", "3"]);
    });

    test("a sender with its fill of unread bytes gets no more in, others do, and reading makes room [LIM-7]", async () => {
      await using bench = await arrange({ unreadBytesPerSenderMax: 3300 });
      for (const id of ["1", "2", "3"]) expect(await bench.store.append(makeMessage(id, large))).toBe("stored");
      expect(await bench.store.append(makeMessage("4", large))).toBe("full");
      expect(await bench.store.append(makeMessage("4", { from: desk, ...large }))).toBe("stored");
      const inbox = (await bench.reopen?.()) ?? bench.store;
      await inbox.advance(lap, ["2"], "handled");
      expect([await inbox.append(makeMessage("4", large)), await inbox.append(makeMessage("5", large))]).toEqual(["stored", "full"]);
    });

    test("all senders together have a bound as well, and what was read counts there too [LIM-7]", async () => {
      await using bench = await arrange({ bytesMax: 3300 });
      const senders = [lap, desk, "did:key:tab"];
      for (const from of senders) expect(await bench.store.append(makeMessage("1", { from, ...large }))).toBe("stored");
      for (const from of senders) await bench.store.advance(from, ["1"], "handled");
      const inbox = (await bench.reopen?.()) ?? bench.store;
      for (const from of senders) expect(await inbox.append(makeMessage("2", { from, ...large }))).toBe("full");
      expect(await idsOf(inbox)).toEqual(["1", "1", "1"]);
      expect(await inbox.append(makeMessage("2", { body: "{}" }))).toBe("stored");
    });

    test("a body counts by its bytes, not by its letters [LIM-7]", async () => {
      await using bench = await arrange({ unreadBytesPerSenderMax: 1000 });
      expect(await bench.store.append(makeMessage("1", { body: "é".repeat(600) }))).toBe("full");
      expect(await bench.store.append(makeMessage("1", { body: "e".repeat(600) }))).toBe("stored");
    });

    test("what is there already is a duplicate, also where there is no room for another [LIM-7] [BOX-2]", async () => {
      await using bench = await arrange({ unreadPerSenderMax: 1 });
      await fill(bench.store, "1");
      expect([await bench.store.append(makeMessage("1")), await bench.store.append(makeMessage("2"))]).toEqual(["duplicate", "full"]);
    });

    test("of two messages that arrive at once where there is room for one, one is stored [LIM-7]", async () => {
      await using bench = await arrange({ unreadPerSenderMax: 1 });
      const both = await Promise.all([bench.store.append(makeMessage("1")), bench.store.append(makeMessage("2"))]);
      expect(both).toEqual(["stored", "full"]);
      expect(await idsOf(bench.store)).toEqual(["1"]);
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
