/** What every outbox promises (packages/peer/src/ports/outbox.ts). */
import type { Draft, LaneOut, Outbox, OutboxBounds, OutboxEvent, Progress, QueuedMessage } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import type { StoreBench } from "./store-bench.ts";

export type ArrangeOutbox = (bounds?: OutboxBounds) => Promise<StoreBench<Outbox>>;

const [desk, lap] = ["did:key:desk", "did:key:lap"] as const;
const noon = 1_800_000_000_000;
const minute = 60_000;
const toDesk: LaneOut = { to: desk, priority: "normal" };
const generous = { count: 100, bytes: 1_000_000 };

const makeDraft = (id: string, changes: Partial<Draft> = {}): Draft => ({
  id,
  to: desk,
  type: "message",
  priority: "normal",
  body: JSON.stringify({ text: `“${id}” 飛脚` }),
  sentAt: noon,
  exp: noon + minute,
  ...changes,
});

const step = (id: string, stage: Progress["stage"], changes: Partial<Progress> = {}): Progress => ({
  id,
  to: desk,
  stage,
  at: noon + 1,
  ...changes,
});

export function outboxContract(adapter: string, arrange: ArrangeOutbox): void {
  const fill = async (outbox: Outbox, ...ids: readonly string[]): Promise<void> => {
    for (const id of ids) await outbox.add(makeDraft(id));
  };
  const queuedIn = async (outbox: Outbox, lane: LaneOut = toDesk): Promise<readonly string[]> =>
    (await outbox.next(lane, 0, generous)).map(({ id }) => id);
  const stageOf = async (outbox: Outbox, id: string): Promise<string | undefined> => (await outbox.find(id))?.stage;
  const deadIn = async (outbox: Outbox): Promise<readonly string[]> => (await outbox.dead(undefined, 100)).map(({ id }) => id);

  describe(`outbox: ${adapter}`, () => {
    test("a new outbox is empty and has an epoch of 16 hex digits, which stays", async () => {
      await using bench = await arrange();
      const epoch = await bench.store.epochOf(desk);
      expect(epoch).toMatch(/^[0-9a-f]{16}$/);
      expect(await bench.store.usage()).toEqual({ count: 0, bytes: 0 });
      expect(await bench.store.lanesQueued()).toEqual([]);
      expect(await queuedIn(bench.store)).toEqual([]);
      expect(await bench.store.floor(toDesk)).toBe(1);
      expect(await bench.store.unsettled(desk, undefined, 10)).toEqual([]);
      expect(await bench.store.expire(noon, 10)).toEqual([]);
      expect(await bench.store.find("1")).toBeUndefined();
      expect(await bench.store.dead(undefined, 10)).toEqual([]);
      expect(await bench.store.deadLetter("1")).toBeUndefined();
      expect(await bench.store.bury("1")).toBeUndefined();
      expect(await bench.store.sweep(noon, 10)).toBe(0);
      expect(await ((await bench.reopen?.()) ?? bench.store).epochOf(desk)).toBe(epoch);
    });

    test("lanes to one recipient get other names durably, the others keep theirs, and orders go on [LANE-7]", async () => {
      await using bench = await arrange();
      const before = await bench.store.epochOf("did:lap");
      await fill(bench.store, "1");
      await bench.store.renewEpoch(desk, "00000000000000ff");
      await fill(bench.store, "2");
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect([await outbox.epochOf(desk), await outbox.epochOf("did:lap")]).toEqual(["00000000000000ff", before]);
      expect((await outbox.next(toDesk, 0, generous)).map(({ order }) => order)).toEqual([1, 2]);
      await outbox.renewEpoch("did:nobody yet", "00000000000000fe");
      expect(await outbox.epochOf("did:nobody yet")).toBe("00000000000000fe");
    });

    test("a message whose add resolved is there after a restart, as it was given", async () => {
      await using bench = await arrange();
      const [plain, rich] = [makeDraft("1"), makeDraft("2", { replyTo: "1", thread: "0", priority: "high", type: "task_delegate" })];
      expect(await bench.store.add(plain)).toStrictEqual({ ...plain, order: 1 });
      expect(await bench.store.add(rich)).toStrictEqual({ ...rich, order: 1 });
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect(await outbox.next(toDesk, 0, generous)).toStrictEqual([{ ...plain, order: 1 }]);
      expect(await outbox.next({ to: desk, priority: "high" }, 0, generous)).toStrictEqual([{ ...rich, order: 1 }]);
      const { body: _, ...facts } = rich;
      expect(await outbox.find("2")).toStrictEqual({ ...facts, order: 1, stage: "queued", events: [{ at: noon, kind: "queued" }] });
      expect(await outbox.lanesQueued()).toHaveLength(2);
      expect(await outbox.lanesQueued()).toEqual(expect.arrayContaining([toDesk, { to: desk, priority: "high" }]));
    });

    test("orders rise by one in each lane, at once, across restarts, and whatever became of earlier ones", async () => {
      await using bench = await arrange();
      const together = await Promise.all(["1", "2", "3"].map((id) => bench.store.add(makeDraft(id))));
      expect(together.map(({ order }) => order)).toEqual([1, 2, 3]);
      expect((await bench.store.add(makeDraft("4", { to: lap }))).order).toBe(1);
      expect((await bench.store.add(makeDraft("5", { priority: "low" }))).order).toBe(1);
      await bench.store.advance(["1", "2", "3"].map((id) => step(id, "handled")));
      expect(await bench.store.sweep(noon + minute, 10)).toBe(3);
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect((await outbox.add(makeDraft("6"))).order).toBe(4);
    });

    test("an id that is in the outbox already is refused, and takes no order", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1");
      const refused = { code: "INVALID_ARGUMENT", message: expect.stringContaining("holds a message 1 already") };
      await expect(bench.store.add(makeDraft("1", { to: lap }))).rejects.toMatchObject(refused);
      await expect(bench.store.add(makeDraft("1"))).rejects.toMatchObject(refused);
      expect(await bench.store.add(makeDraft("2"))).toMatchObject({ order: 2 });
      expect(await queuedIn(bench.store)).toEqual(["1", "2"]);
    });

    test("the next messages come by order, so many and of so many bytes, the first whatever its size", async () => {
      await using bench = await arrange();
      for (const [id, size] of [
        ["1", 5],
        ["2", 5],
        ["3", 20],
        ["4", 1],
      ] as const)
        await bench.store.add(makeDraft(id, { body: "x".repeat(size) }));
      const next = async (after: number, count: number, bytes: number): Promise<readonly string[]> =>
        (await bench.store.next(toDesk, after, { count, bytes })).map(({ id }) => id);
      expect(await next(0, 100, 10)).toEqual(["1", "2"]);
      expect(await next(0, 100, 9)).toEqual(["1"]);
      expect(await next(0, 1, 100)).toEqual(["1"]);
      expect(await next(2, 100, 10)).toEqual(["3"]);
      expect(await next(2, 100, 21)).toEqual(["3", "4"]);
      expect(await next(4, 100, 100)).toEqual([]);
      expect(await next(0, 0, 100)).toEqual([]);
      await bench.store.advance([step("1", "stored"), step("3", "handled")]);
      expect(await next(0, 100, 100)).toEqual(["2", "4"]);
    });

    test("the floor is the first queued order, and the one after the last where none is queued", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2", "3");
      await bench.store.advance([step("2", "stored")]);
      expect(await bench.store.floor(toDesk)).toBe(1);
      await bench.store.advance([step("1", "stored")]);
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect(await outbox.floor(toDesk)).toBe(3);
      await outbox.expire(noon + 2 * minute, 10);
      expect(await outbox.floor(toDesk)).toBe(4);
      expect(await outbox.lanesQueued()).toEqual([]);
      expect(await outbox.floor({ to: desk, priority: "high" })).toBe(1);
    });

    test("a receipt raises a stage durably and never lowers it; what rose is told", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2", "3");
      const steps = [step("1", "stored"), step("2", "delivered"), step("3", "handled")];
      expect(await bench.store.advance(steps)).toEqual(steps);
      expect(await bench.store.advance(steps)).toEqual([]);
      expect(await bench.store.advance([step("2", "stored"), step("3", "refused"), step("3", "delivered"), step("3", "expired")])).toEqual(
        [],
      );
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect(await Promise.all(["1", "2", "3"].map((id) => stageOf(outbox, id)))).toEqual(["stored", "delivered", "handled"]);
      const further = [step("1", "delivered"), step("1", "delivered"), step("2", "handled")];
      expect(await outbox.advance(further)).toEqual([further[0], further[2]]);
    });

    test("a receipt from somebody else, or for what is not here, changes nothing", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1");
      await bench.store.add(makeDraft("2", { to: lap }));
      for (const stage of ["stored", "delivered", "handled", "refused", "expired"] as const) {
        expect(
          await bench.store.advance([step("1", stage, { to: lap }), step("1", stage, { to: "did:key:nobody" }), step("0", stage)]),
        ).toEqual([]);
      }
      expect(await stageOf(bench.store, "1")).toBe("queued");
      expect(await bench.store.usage()).toMatchObject({ count: 2 });
    });

    test("what is handled leaves usage and what is asked about, and its body", async () => {
      await using bench = await arrange();
      await bench.store.add(makeDraft("1", { body: "飛脚" }));
      await bench.store.add(makeDraft("2", { body: "12345" }));
      expect(await bench.store.usage()).toEqual({ count: 2, bytes: 11 });
      await bench.store.advance([step("1", "stored"), step("2", "delivered")]);
      expect(await bench.store.usage()).toEqual({ count: 2, bytes: 11 });
      expect(await bench.store.unsettled(desk, undefined, 10)).toEqual(["1", "2"]);
      await bench.store.advance([step("1", "handled")]);
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect(await outbox.usage()).toEqual({ count: 1, bytes: 5 });
      expect(await outbox.unsettled(desk, undefined, 10)).toEqual(["2"]);
      expect(await outbox.deadLetter("1")).toBeUndefined();
      expect(await outbox.bury("1")).toBeUndefined();
    });

    test("what is stored and not final is asked about by recipient, by id, a page at a time", async () => {
      await using bench = await arrange();
      await fill(bench.store, "3", "1", "2", "4", "5");
      await bench.store.add(makeDraft("6", { to: lap }));
      await bench.store.add(makeDraft("0", { priority: "high" }));
      await bench.store.advance(["3", "1", "2", "0"].map((id) => step(id, "stored")));
      await bench.store.advance([step("4", "refused"), step("6", "stored", { to: lap }), step("1", "delivered")]);
      expect(await bench.store.unsettled(desk, undefined, 3)).toEqual(["0", "1", "2"]);
      expect(await bench.store.unsettled(desk, "2", 3)).toEqual(["3"]);
      expect(await bench.store.unsettled(lap, undefined, 3)).toEqual(["6"]);
      for (const limit of [0, -1]) expect(await bench.store.unsettled(desk, undefined, limit)).toEqual([]);
    });

    test("what happened to a message is told, oldest first", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1");
      const remark = (at: number, kind: OutboxEvent["kind"], detail?: string) =>
        bench.store.remark([{ id: "1", to: desk, event: { at, kind, ...(detail === undefined ? {} : { detail }) } }]);
      await remark(noon + 2, "sent", "ws://desk");
      await remark(noon + 3, "failed", "UNREACHABLE");
      const sent = { at: noon + 4, route: "http://desk" };
      await bench.store.advance([step("1", "stored", { at: noon + 5, sent }), step("1", "delivered", { at: noon + 6 })]);
      await remark(noon + 7, "sent");
      await bench.store.advance([step("1", "refused", { at: noon + 8, reason: "INTERNAL_ERROR" })]);
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect(await outbox.find("1")).toMatchObject({ stage: "refused", reason: "INTERNAL_ERROR" });
      expect((await outbox.find("1"))?.events).toStrictEqual([
        { at: noon, kind: "queued" },
        { at: noon + 2, kind: "sent", detail: "ws://desk" },
        { at: noon + 3, kind: "failed", detail: "UNREACHABLE" },
        { at: noon + 4, kind: "sent", detail: "http://desk" },
        { at: noon + 5, kind: "stored" },
        { at: noon + 6, kind: "delivered" },
        { at: noon + 7, kind: "sent" },
        { at: noon + 8, kind: "refused", detail: "INTERNAL_ERROR" },
      ]);
    });

    test("a message that was handled at once tells so, and what came before its end stays told", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1");
      await bench.store.advance([step("1", "handled", { sent: { at: noon, route: "ws://desk" } })]);
      expect((await bench.store.find("1"))?.events).toEqual([
        { at: noon, kind: "queued" },
        { at: noon, kind: "sent", detail: "ws://desk" },
        { at: noon + 1, kind: "handled" },
      ]);
    });

    test("remarks of a message are bounded, and the oldest of what repeats goes first", async () => {
      await using bench = await arrange({ ...limits, eventsPerMessageMax: 8 });
      await fill(bench.store, "1");
      const events: readonly OutboxEvent[] = [
        { at: noon + 1, kind: "retried" },
        { at: noon + 2, kind: "failed" },
        { at: noon + 3, kind: "sent" },
        { at: noon + 4, kind: "failed" },
        { at: noon + 5, kind: "failed" },
      ];
      await bench.store.remark(events.map((event) => ({ id: "1", to: desk, event })));
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect((await outbox.find("1"))?.events.map(({ at, kind }) => `${kind} ${at - noon}`)).toEqual([
        "queued 0",
        "retried 1",
        "sent 3",
        "failed 5",
      ]);
      await outbox.remark(
        Array.from({ length: 100 }, (_, index) => ({ id: "1", to: desk, event: { at: noon + 10 + index, kind: "failed" } })),
      );
      expect((await outbox.find("1"))?.events).toHaveLength(4);
    });

    test("a remark on somebody else's message or on none is passed over", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1");
      const event = { at: noon, kind: "failed" } as const;
      await bench.store.remark([
        { id: "1", to: lap, event },
        { id: "0", to: desk, event },
      ]);
      expect((await bench.store.find("1"))?.events).toHaveLength(1);
    });

    test("messages whose time is over become dead letters, earliest first, and no more than asked for", async () => {
      await using bench = await arrange();
      for (const [id, exp] of [
        ["1", noon + 3],
        ["2", noon + 1],
        ["3", noon + 2],
        ["4", noon + 4],
      ] as const)
        await bench.store.add(makeDraft(id, { exp }));
      await bench.store.advance([step("3", "stored")]);
      expect(await bench.store.expire(noon + 1, 10)).toEqual([]);
      const [first, ...others] = await bench.store.expire(noon + 4, 2);
      expect(first).toMatchObject({ id: "2", stage: "expired", reason: "MESSAGE_EXPIRED", order: 2 });
      expect(first?.events.at(-1)).toEqual({ at: noon + 4, kind: "expired", detail: "MESSAGE_EXPIRED" });
      expect(others).toMatchObject([{ id: "3", stage: "expired" }]);
      const outbox = (await bench.reopen?.()) ?? bench.store;
      for (const limit of [0, -1]) expect(await outbox.expire(noon + 4, limit)).toEqual([]);
      expect((await outbox.expire(noon + 4, 2)).map(({ id }) => id)).toEqual(["1"]);
      expect(await deadIn(outbox)).toEqual(["1", "2", "3"]);
      expect(await queuedIn(outbox)).toEqual(["4"]);
      expect(await outbox.usage()).toMatchObject({ count: 1 });
      expect(await outbox.advance([step("2", "stored"), step("2", "handled")])).toEqual([]);
    });

    test("what was delivered in time is settled and no dead letter", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      await bench.store.advance([step("1", "delivered")]);
      expect((await bench.store.expire(noon + 2 * minute, 1)).map(({ id }) => id)).toEqual(["2"]);
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect(await outbox.find("1")).toMatchObject({ stage: "delivered", events: [{ kind: "queued" }, { kind: "delivered" }] });
      expect(await outbox.unsettled(desk, undefined, 10)).toEqual([]);
      expect(await outbox.usage()).toEqual({ count: 0, bytes: 0 });
      expect(await outbox.advance([step("1", "handled"), step("1", "refused"), step("1", "expired")])).toEqual([]);
      expect(await deadIn(outbox)).toEqual(["2"]);
      expect(await outbox.sweep(noon + 3 * minute, 10)).toBe(1);
    });

    test("the caller may end a message's time, except where it was delivered", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      await bench.store.advance([step("2", "delivered")]);
      const expired = step("1", "expired", { reason: "CANCELED" });
      expect(await bench.store.advance([expired, step("2", "expired")])).toEqual([expired]);
      expect(await bench.store.find("1")).toMatchObject({ stage: "expired", reason: "CANCELED" });
    });

    test("a refused message is a dead letter with its body, whatever it had reached before", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2", "3");
      await bench.store.advance([step("2", "stored"), step("3", "delivered")]);
      await bench.store.advance(["1", "2", "3"].map((id) => step(id, "refused", { reason: "UNAUTHORIZED" })));
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect(await outbox.usage()).toEqual({ count: 0, bytes: 0 });
      expect(await outbox.dead(undefined, 2)).toMatchObject([{ id: "1", reason: "UNAUTHORIZED" }, { id: "2" }]);
      expect((await outbox.dead("2", 2)).map(({ id }) => id)).toEqual(["3"]);
      for (const limit of [0, -1]) expect(await outbox.dead(undefined, limit)).toEqual([]);
      expect(await outbox.deadLetter("3")).toStrictEqual(makeDraft("3"));
      expect(await outbox.sweep(noon + minute, 10)).toBe(0);
    });

    test("a dead letter is buried once, and nothing else is", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      await bench.store.remark([{ id: "1", to: desk, event: { at: noon, kind: "failed" } }]);
      await bench.store.advance([step("1", "refused")]);
      expect(await Promise.all([bench.store.bury("1"), bench.store.bury("1")])).toEqual(["buried", undefined]);
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect(await outbox.bury("2")).toBeUndefined();
      expect(await outbox.find("1")).toBeUndefined();
      expect(await deadIn(outbox)).toEqual([]);
      expect(await queuedIn(outbox)).toEqual(["2"]);
    });

    test("a dead letter may be buried as a new message, in one change", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2");
      await bench.store.advance([step("1", "refused")]);
      const again = makeDraft("3", { to: lap });
      expect(await bench.store.bury("1", again)).toStrictEqual({ ...again, order: 1 });
      expect(await bench.store.bury("1", makeDraft("4"))).toBeUndefined();
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect(await queuedIn(outbox, { to: lap, priority: "normal" })).toEqual(["3"]);
      expect(await outbox.find("4")).toBeUndefined();
      expect(await outbox.usage()).toMatchObject({ count: 2 });
    });

    test("where the new message is refused, the dead letter stays", async () => {
      await using bench = await arrange({ ...limits, outboxBytesMax: 10 });
      for (const id of ["1", "2"]) await bench.store.add(makeDraft(id, { body: "12345" }));
      await bench.store.advance([step("1", "refused")]);
      await expect(bench.store.bury("1", makeDraft("3", { body: "123456" }))).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
      await expect(bench.store.bury("1", makeDraft("2", { body: "" }))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(await deadIn(bench.store)).toEqual(["1"]);
      expect(await bench.store.bury("1", makeDraft("3", { body: "54321" }))).toMatchObject({ order: 3 });
      await expect(bench.store.add(makeDraft("4", { body: "1" }))).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
    });

    test("the outbox is bounded in bytes, dead letters included, and says the way out", async () => {
      await using bench = await arrange({ ...limits, outboxBytesMax: 10 });
      const sized = (id: string, body: string): Promise<QueuedMessage> => bench.store.add(makeDraft(id, { body }));
      await sized("1", "飛脚");
      const refused = { code: "QUOTA_EXCEEDED", message: expect.stringMatching(/may hold 10 bytes.* 11: wait until .* hikyaku dead/) };
      await expect(sized("2", "12345")).rejects.toMatchObject(refused);
      await sized("3", "1234");
      await bench.store.advance([step("1", "refused"), step("3", "delivered")]);
      await expect(sized("4", "1")).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
      await bench.store.bury("1");
      await sized("5", "123456");
      await bench.store.expire(noon + 2 * minute, 10);
      await sized("6", "1234");
      expect(await bench.store.usage()).toEqual({ count: 1, bytes: 4 });
    });

    test("messages to one recipient are bounded, dead letters included, and others are not concerned", async () => {
      await using bench = await arrange({ ...limits, outboxPerRecipientMax: 2 });
      await fill(bench.store, "1", "2");
      const refused = {
        code: "QUOTA_EXCEEDED",
        message: expect.stringMatching(/holds 2 messages to did:key:desk, .*: wait until .* hikyaku dead/),
      };
      await expect(bench.store.add(makeDraft("3", { priority: "high" }))).rejects.toMatchObject(refused);
      await bench.store.add(makeDraft("4", { to: lap }));
      await bench.store.advance([step("1", "refused")]);
      const outbox = (await bench.reopen?.()) ?? bench.store;
      await expect(outbox.add(makeDraft("3"))).rejects.toMatchObject(refused);
      expect(await outbox.bury("1", makeDraft("5"))).toMatchObject({ id: "5" });
      await outbox.advance([step("2", "handled")]);
      await outbox.add(makeDraft("6"));
      expect(await queuedIn(outbox)).toEqual(["5", "6"]);
    });

    test("bytes for one recipient are bounded, dead letters included, and leave room for others", async () => {
      await using bench = await arrange({ ...limits, outboxBytesPerRecipientMax: 10 });
      const sized = (id: string, changes: Partial<Draft> = {}): Draft => makeDraft(id, { body: "12345", ...changes });
      const refused = { code: "QUOTA_EXCEEDED", message: expect.stringMatching(/may hold 10 bytes for did:key:desk.* 15: wait until/) };
      for (const id of ["1", "2"]) await bench.store.add(sized(id));
      await bench.store.advance([step("1", "refused")]);
      const outbox = (await bench.reopen?.()) ?? bench.store;
      await expect(outbox.add(sized("3"))).rejects.toMatchObject(refused);
      await outbox.add(sized("4", { to: lap }));
      await expect(outbox.bury("1", sized("5", { body: "123456" }))).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
      expect(await outbox.bury("1", sized("5"))).toMatchObject({ id: "5" });
      await outbox.advance([step("2", "handled")]);
      await outbox.add(sized("6"));
      await expect(outbox.add(sized("7"))).rejects.toMatchObject(refused);
      expect(await outbox.bury("5")).toBeUndefined();
    });

    test("messages are found by how their id begins", async () => {
      await using bench = await arrange();
      await fill(bench.store, "ab2", "ab1", "ac", "b");
      const found = async (prefix: string, limit = 10): Promise<readonly string[]> =>
        (await bench.store.findByPrefix(prefix, limit)).map(({ id }) => id);
      expect(await found("ab")).toEqual(["ab1", "ab2"]);
      expect(await found("ab1")).toEqual(["ab1"]);
      expect(await found("a", 2)).toEqual(["ab1", "ab2"]);
      expect(await found("")).toHaveLength(4);
      for (const odd of ["%", "_", "ab%", "z"]) expect(await found(odd)).toEqual([]);
      for (const limit of [0, -1]) expect(await found("a", limit)).toEqual([]);
    });

    test("a sweep forgets what was settled before, so much and no more", async () => {
      await using bench = await arrange();
      await fill(bench.store, "1", "2", "3", "4", "5");
      await bench.store.advance([1, 2, 3].map((id) => step(`${id}`, "handled", { at: noon + id })));
      await bench.store.advance([step("4", "stored", { at: noon })]);
      await bench.store.remark([{ id: "1", to: desk, event: { at: noon, kind: "failed" } }]);
      for (const limit of [0, -1]) expect(await bench.store.sweep(noon + 3, limit)).toBe(0);
      expect(await bench.store.sweep(noon + 3, 1)).toBe(1);
      const outbox = (await bench.reopen?.()) ?? bench.store;
      expect(await outbox.sweep(noon + 3, 10)).toBe(1);
      expect(await outbox.sweep(noon + 3, 10)).toBe(0);
      expect(await Promise.all(["1", "2", "3", "4", "5"].map((id) => stageOf(outbox, id)))).toEqual([
        undefined,
        undefined,
        "handled",
        "stored",
        "queued",
      ]);
    });
  });
}
