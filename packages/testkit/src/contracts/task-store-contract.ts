/** What every task store promises (packages/peer/src/ports/task-store.ts). */
import type { TaskAddition, TaskBounds, TaskDraft, TaskEvent, TaskKey, TaskNews, TaskQuery, TaskRecord, TaskStore } from "@hikyaku/peer";
import { limits, type TaskState } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import type { StoreBench } from "./store-bench.ts";

export type ArrangeTaskStore = (bounds?: TaskBounds) => Promise<StoreBench<TaskStore>>;

const [desk, lap] = ["did:key:desk", "did:key:lap"] as const;
const noon = 1_800_000_000_000;
const minute = 60_000;

/** Taken on for the desk, unless told otherwise. */
const makeDraft = (id: string, changes: Partial<TaskDraft> = {}): TaskDraft => ({
  role: "worker",
  peer: desk,
  id,
  capability: "translate",
  input: `{"text":"“${id}” 飛脚"}`,
  priority: "normal",
  createdAt: noon,
  deadline: noon + minute,
  chain: { depth: 0, budget: 0 },
  ...changes,
});

const given = (id: string, changes: Partial<TaskDraft> = {}): TaskDraft => makeDraft(id, { role: "requester", ...changes });

const keyOf = ({ role, peer, id }: TaskKey): TaskKey => ({ role, peer, id });
const ofDesk = (id: string): TaskKey => keyOf(makeDraft(id));

const news = (state: TaskState, changes: Partial<TaskNews> = {}): TaskNews => ({ state, at: noon + 5, ...changes });

/** As it is right after it was added. */
function recordOf(draft: TaskDraft, position: number): TaskRecord {
  const { input: _, ...facts } = draft;
  return { ...facts, position, state: "submitted", cursor: 0, said: 0, spent: 0, touchedAt: facts.createdAt };
}

const finals = ["completed", "failed", "canceled", "rejected"] as const;

export function taskStoreContract(adapter: string, arrange: ArrangeTaskStore): void {
  const fill = async (store: TaskStore, ...drafts: readonly TaskDraft[]): Promise<void> => {
    for (const draft of drafts) expect(await store.add(draft)).toEqual({ kind: "added" });
  };
  const end = (store: TaskStore, key: TaskKey, now = noon): Promise<unknown> => store.append(key, news("completed"), now);
  const idsOf = (tasks: readonly TaskRecord[]): readonly string[] => tasks.map(({ id }) => id);
  const restarted = async (bench: StoreBench<TaskStore>): Promise<TaskStore> => (await bench.reopen?.()) ?? bench.store;

  describe(`task store: ${adapter}`, () => {
    test("a new store holds nothing", async () => {
      await using bench = await arrange();
      const { store } = bench;
      const key = ofDesk("1");
      expect(await store.find(key)).toBeUndefined();
      expect(await store.findByPrefix("", 10)).toEqual([]);
      expect(await store.input(key)).toBeUndefined();
      expect(await store.events(key, 0, 10)).toEqual([]);
      expect(await store.list({ limit: 10 })).toEqual([]);
      expect(await store.open("worker", 0, 10)).toEqual([]);
      expect(await store.unsaid(0, 10)).toEqual([]);
      expect(await store.overdue("worker", noon, 10)).toEqual([]);
      expect(await store.openCount("worker")).toBe(0);
      expect(await store.openCount("worker", desk)).toBe(0);
      expect(await store.append(key, news("working"), noon)).toEqual({ kind: "absent" });
      expect(await store.append(key, news("working"), noon, 1)).toEqual({ kind: "absent" });
      expect(await store.said(key, 1)).toBeUndefined();
      expect(await store.sweep(noon, 10)).toBe(0);
    });

    test("a task whose add resolved is there after a restart, as it was given", async () => {
      await using bench = await arrange();
      const [plain, rich] = [
        makeDraft("1"),
        given("2", { peer: lap, priority: "high", idempotencyKey: "k", chain: { depth: 3, budget: 64 }, input: '{"ü":[1.0,null]}' }),
      ];
      await fill(bench.store, plain, rich);
      const store = await restarted(bench);
      expect(await store.find(keyOf(plain))).toStrictEqual(recordOf(plain, 1));
      expect(await store.find(keyOf(rich))).toStrictEqual(recordOf(rich, 2));
      expect(await store.input(keyOf(plain))).toBe(plain.input);
      expect(await store.input(keyOf(rich))).toBe(rich.input);
      expect(await store.events(keyOf(rich), 0, 10)).toEqual([]);
    });

    test("the same id of another peer, or in the other role, is another task", async () => {
      await using bench = await arrange();
      const drafts = [makeDraft("1"), makeDraft("1", { peer: lap }), given("1"), given("1", { peer: lap })];
      await fill(bench.store, ...drafts.map((draft, index) => ({ ...draft, input: `${index}` })));
      await bench.store.append(keyOf(drafts[2] as TaskDraft), news("working"), noon);
      expect(await Promise.all(drafts.map((draft) => bench.store.input(keyOf(draft))))).toEqual(["0", "1", "2", "3"]);
      const found = await Promise.all(drafts.map((draft) => bench.store.find(keyOf(draft))));
      expect(found.map((task) => task?.state)).toEqual(["submitted", "submitted", "working", "submitted"]);
    });

    test("a task that is here already is known as far as it has come, and stays as it was", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("1"));
      await bench.store.append(ofDesk("1"), news("completed", { output: "1" }), noon + 1);
      const task = await bench.store.find(ofDesk("1"));
      const again = makeDraft("1", { input: "2", capability: "other", idempotencyKey: "k" });
      expect(await bench.store.add(again, { first: news("working"), within: ofDesk("2") })).toStrictEqual({ kind: "known", task });
      const store = await restarted(bench);
      expect(await store.find(ofDesk("1"))).toStrictEqual(task);
      expect(await store.input(ofDesk("1"))).toBe(makeDraft("1").input);
      expect(await store.events(ofDesk("1"), 1, 10)).toEqual([]);
    });

    test("of two that add the same task at once, one does", async () => {
      await using bench = await arrange();
      const together = await Promise.all([bench.store.add(makeDraft("1")), bench.store.add(makeDraft("1", { input: "2" }))]);
      expect(together.map(({ kind }) => kind)).toEqual(["added", "known"]);
      expect(await bench.store.openCount("worker")).toBe(1);
    });

    test("positions rise with every task, across restarts, and are never given twice", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("1"), given("2"), makeDraft("3"));
      await end(bench.store, ofDesk("3"));
      expect(await bench.store.sweep(noon + 1, 10)).toBe(1);
      const store = await restarted(bench);
      await fill(store, makeDraft("4"));
      expect((await store.list({ limit: 10 })).map(({ position }) => position)).toEqual([4, 2, 1]);
    });

    test("an idempotency key is good for one task of a peer, role and capability, also when that has ended, until it is forgotten", async () => {
      await using bench = await arrange();
      const once = { idempotencyKey: "k" };
      await fill(bench.store, makeDraft("1", once));
      expect(await bench.store.add(makeDraft("2", once))).toMatchObject({ kind: "taken", task: { id: "1", state: "submitted" } });
      await fill(bench.store, makeDraft("3", { ...once, peer: lap }), given("4", once), makeDraft("5", { ...once, capability: "sum" }));
      await fill(bench.store, makeDraft("6", { idempotencyKey: "l" }), makeDraft("7"), makeDraft("8"));
      await end(bench.store, ofDesk("1"));
      const store = await restarted(bench);
      expect(await store.add(makeDraft("2", once))).toStrictEqual({ kind: "taken", task: await store.find(ofDesk("1")) });
      expect(await store.find(ofDesk("2"))).toBeUndefined();
      await store.sweep(noon + 1, 10);
      await fill(store, makeDraft("2", once));
    });

    test("of two tasks with one idempotency key that come at once, one is added", async () => {
      await using bench = await arrange();
      const together = ["1", "2"].map((id) => bench.store.add(makeDraft(id, { idempotencyKey: "k" })));
      expect((await Promise.all(together)).map(({ kind }) => kind)).toEqual(["added", "taken"]);
    });

    test("a first event comes with its task", async () => {
      await using bench = await arrange();
      expect(await bench.store.add(makeDraft("1"), { first: news("working", { detail: "d", progress: 0.5 }) })).toEqual({ kind: "added" });
      await bench.store.add(makeDraft("2"), { first: news("rejected", { code: "NO_SUCH_CAPABILITY" }) });
      const store = await restarted(bench);
      expect(await store.find(ofDesk("1"))).toStrictEqual({
        ...recordOf(makeDraft("1"), 1),
        state: "working",
        cursor: 1,
        progress: 0.5,
      });
      expect(await store.events(ofDesk("1"), 0, 10)).toStrictEqual([{ ...news("working"), cursor: 1, detail: "d", progress: 0.5 }]);
      expect(idsOf(await store.open("worker", 0, 10))).toEqual(["1"]);
      expect(await store.openCount("worker", desk)).toBe(1);
    });

    test("events are numbered from 1, one after another, and stand as they were told", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("1"));
      const events: readonly TaskEvent[] = [
        { cursor: 1, ...news("working", { progress: 0 }) },
        { cursor: 2, ...news("input_required", { detail: "Which 飛脚?" }) },
        { cursor: 3, ...news("working", { progress: 1, output: '{"a":1.0}', at: 1 }) },
        { cursor: 4, ...news("working", { artifact: { name: "draft", content: "null" } }) },
        { cursor: 5, ...news("failed", { code: "INTERRUPTED", detail: "", output: '""' }) },
      ];
      for (const event of events) {
        const { cursor: _, ...each } = event;
        expect(await bench.store.append(ofDesk("1"), each, noon + event.cursor)).toStrictEqual({ kind: "appended", event });
      }
      const store = await restarted(bench);
      expect(await store.events(ofDesk("1"), 0, 10)).toStrictEqual(events);
      expect(await store.events(ofDesk("1"), 2, 2)).toStrictEqual(events.slice(2, 4));
      expect(await store.events(ofDesk("1"), 5, 10)).toEqual([]);
      expect(await store.events(ofDesk("1"), 0, 0)).toEqual([]);
      expect(await store.find(ofDesk("1"))).toStrictEqual({
        ...recordOf(makeDraft("1"), 1),
        state: "failed",
        cursor: 5,
        progress: 1,
        touchedAt: noon + 5,
      });
    });

    test("events that are appended at once get a cursor each", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("1"));
      const together = await Promise.all([1, 2, 3].map(() => bench.store.append(ofDesk("1"), news("working"), noon)));
      expect(together).toMatchObject([1, 2, 3].map((cursor) => ({ kind: "appended", event: { cursor } })));
    });

    test("a given cursor is the next, was recorded, or lies ahead; only the next is recorded", async () => {
      await using bench = await arrange();
      const key = keyOf(given("1"));
      await fill(bench.store, given("1"));
      expect(await bench.store.append(key, news("working"), noon + 1, 2)).toEqual({ kind: "ahead", cursor: 0 });
      expect(await bench.store.append(key, news("working"), noon + 2, 1)).toMatchObject({ kind: "appended", event: { cursor: 1 } });
      expect(await bench.store.append(key, news("completed"), noon + 3, 1)).toEqual({ kind: "known" });
      expect(await bench.store.append(key, news("completed"), noon + 3, 3)).toEqual({ kind: "ahead", cursor: 1 });
      const store = await restarted(bench);
      expect(await store.find(key)).toMatchObject({ state: "working", cursor: 1, touchedAt: noon + 2 });
      expect(await store.append(key, news("completed"), noon + 3, 2)).toMatchObject({ kind: "appended", event: { cursor: 2 } });
    });

    test.each(finals)("nothing follows %s; what was recorded before is known all the same [TASK-4]", async (state) => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("1"));
      await bench.store.append(ofDesk("1"), news("working"), noon);
      await bench.store.append(ofDesk("1"), news(state), noon);
      const store = await restarted(bench);
      const before = await store.find(ofDesk("1"));
      for (const cursor of [undefined, 3, 4])
        expect(await store.append(ofDesk("1"), news("working"), noon + 9, cursor)).toEqual({ kind: "ended" });
      for (const cursor of [1, 2]) expect(await store.append(ofDesk("1"), news("working"), noon + 9, cursor)).toEqual({ kind: "known" });
      expect(await store.find(ofDesk("1"))).toStrictEqual(before);
      expect(await store.events(ofDesk("1"), 0, 10)).toHaveLength(2);
      expect(await store.openCount("worker")).toBe(0);
    });

    test("a task is paid for out of the budget of the one for whose sake it is: itself and its own budget [TASK-10]", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("top", { chain: { depth: 1, budget: 5 } }));
      const within = ofDesk("top");
      const costing = (id: string, budget: number): Promise<TaskAddition> =>
        bench.store.add(given(id, { peer: lap, chain: { depth: 2, budget } }), { within });
      expect(await costing("1", 5)).toEqual({ kind: "overspent" });
      expect(await costing("1", 2)).toEqual({ kind: "added" });
      expect(await costing("1", 0)).toMatchObject({ kind: "known" });
      expect(await bench.store.find(within)).toMatchObject({ spent: 3, chain: { depth: 1, budget: 5 } });
      // At once: they do not spend the same.
      expect((await Promise.all([costing("2", 0), costing("3", 1), costing("4", 0)])).map(({ kind }) => kind)).toEqual([
        "added",
        "overspent",
        "added",
      ]);
      const store = await restarted(bench);
      expect(await store.find(within)).toStrictEqual({ ...recordOf(makeDraft("top", { chain: { depth: 1, budget: 5 } }), 1), spent: 5 });
      expect(await store.find(keyOf(given("3", { peer: lap })))).toBeUndefined();
    });

    test("nothing is delegated for the sake of a task that has ended or is not there [TASK-10]", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("top", { chain: { depth: 1, budget: 5 } }));
      await end(bench.store, ofDesk("top"));
      for (const within of [ofDesk("top"), ofDesk("none"), keyOf(given("top")), keyOf(makeDraft("top", { peer: lap }))])
        expect(await bench.store.add(given("1"), { within })).toEqual({ kind: "overspent" });
      expect(await bench.store.list({ limit: 10 })).toHaveLength(1);
    });

    test("of what a worker takes on, so much may be open of one requester and of all", async () => {
      await using bench = await arrange({ ...limits, openTasksPerPeerMax: 2, openTasksMax: 3 });
      await fill(bench.store, makeDraft("1"), makeDraft("2"));
      expect(await bench.store.add(makeDraft("3"))).toEqual({ kind: "full" });
      expect(await bench.store.add(makeDraft("3"), { first: news("rejected") })).toEqual({ kind: "full" });
      expect(await bench.store.add(makeDraft("2"))).toMatchObject({ kind: "known" });
      await fill(bench.store, makeDraft("3", { peer: lap }));
      expect(await bench.store.add(makeDraft("4", { peer: lap }))).toEqual({ kind: "full" });
      await fill(bench.store, given("5"), given("6"), given("7"));
      await end(bench.store, ofDesk("1"));
      const store = await restarted(bench);
      expect(await store.openCount("worker")).toBe(2);
      expect(await store.openCount("worker", desk)).toBe(1);
      // At once: one takes the room.
      const together = await Promise.all([store.add(makeDraft("8")), store.add(makeDraft("9", { peer: lap }))]);
      expect(together.map(({ kind }) => kind)).toEqual(["added", "full"]);
    });

    test("of what a requester gives away, so much may be open of all, however much of one peer", async () => {
      await using bench = await arrange({ ...limits, openTasksPerPeerMax: 1, openDelegationsMax: 2 });
      await fill(bench.store, given("1"), given("2"), makeDraft("3"));
      expect(await bench.store.add(given("4", { peer: lap }))).toEqual({ kind: "full" });
      await bench.store.append(keyOf(given("1")), news("canceled"), noon);
      await fill(bench.store, given("4", { peer: lap }));
      expect(await bench.store.openCount("requester")).toBe(2);
      expect(await bench.store.openCount("requester", lap)).toBe(1);
      expect(await bench.store.openCount("worker", lap)).toBe(0);
    });

    test("what tasks with one peer take is bounded: ended ones go, oldest first, none that is open or untold, and others keep theirs [TASK-9]", async () => {
      // Three of these tasks with an event each, and another event.
      await using bench = await arrange({ ...limits, taskBytesPerPeerMax: 8 * limits.taskEntryBytes - 256 });
      const add = (id: string, state: TaskState, peer: string = desk): Promise<TaskAddition> =>
        bench.store.add(makeDraft(id, { peer }), { first: news(state) });
      for (const id of ["old", "untold"]) expect(await add(id, "completed")).toEqual({ kind: "added" });
      expect(await add("old", "completed", lap)).toEqual({ kind: "added" });
      for (const peer of [desk, lap]) await bench.store.said(keyOf(makeDraft("old", { peer })), 1);
      for (const id of ["1", "2"]) expect(await add(id, "submitted")).toEqual({ kind: "added" });
      const store = await restarted(bench);
      expect(idsOf(await store.list({ peer: desk, limit: 9 }))).toEqual(["2", "1", "untold"]);
      expect(idsOf(await store.list({ peer: lap, limit: 9 }))).toEqual(["old"]);
      expect(await store.add(makeDraft("3"), { first: news("rejected") })).toEqual({ kind: "full" });
      expect(await store.add(given("3"))).toEqual({ kind: "added" });
      const say = (changes: Partial<TaskNews>): Promise<unknown> => store.append(ofDesk("1"), news("working", changes), noon);
      expect(await say({ progress: 0.5 })).toMatchObject({ kind: "appended" });
      for (const more of [{ progress: 0.6 }, { detail: "" }, { output: "1" }, { artifact: { name: "a", content: "1" } }])
        expect(await say(more)).toEqual({ kind: "full" });
      expect(await say({})).toMatchObject({ kind: "appended", event: { cursor: 3 } });
      await store.said(ofDesk("untold"), 1);
      expect(await say({ output: "1" })).toMatchObject({ kind: "appended" });
      expect(idsOf(await store.list({ peer: desk, role: "worker", limit: 9 }))).toEqual(["2", "1"]);
      const end = news("completed", { output: `"${"x".repeat(limits.taskEntryBytes * 9)}"` });
      expect(await store.append(ofDesk("1"), end, noon)).toMatchObject({ kind: "appended" });
      // What is forgotten takes nothing more.
      await store.said(ofDesk("1"), 9);
      expect(await store.sweep(noon + 1, 9)).toBe(2);
      await fill(store, makeDraft("4"), makeDraft("5"), makeDraft("6"), makeDraft("7"));
      expect(idsOf(await store.list({ peer: desk, role: "worker", limit: 9 }))).toEqual(["7", "6", "5", "4", "2"]);
    });

    test("ids are found by their beginning, in either role, by rising id", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("0199a-2"), given("0199a-1"), given("0199a-2"), makeDraft("0199b"), makeDraft("0199"));
      const found = async (prefix: string, limit = 10): Promise<readonly string[]> => idsOf(await bench.store.findByPrefix(prefix, limit));
      expect(await found("0199a")).toEqual(["0199a-1", "0199a-2", "0199a-2"]);
      expect((await bench.store.findByPrefix("0199a-2", 10)).map(({ role }) => role).sort()).toEqual(["requester", "worker"]);
      expect(await found("0199a", 1)).toEqual(["0199a-1"]);
      expect(await found("0199")).toHaveLength(5);
      for (const prefix of ["%", "_", "0199_", "02"]) expect(await found(prefix)).toEqual([]);
      expect(await found("", 0)).toEqual([]);
    });

    test("lists are newest first, of a role, of a peer, of what is open, and go on before a position", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("1"), given("2"), makeDraft("3", { peer: lap }), given("4", { peer: lap }), makeDraft("5"));
      await end(bench.store, ofDesk("5"));
      await end(bench.store, keyOf(given("2")));
      const listed = async (query: Omit<TaskQuery, "limit">, limit = 10): Promise<string> =>
        idsOf(await bench.store.list({ ...query, limit })).join("");
      expect(await listed({})).toBe("54321");
      expect(await listed({}, 2)).toBe("54");
      expect(await listed({ before: 4 }, 2)).toBe("32");
      expect(await listed({ role: "worker" })).toBe("531");
      expect(await listed({ role: "requester", before: 4 })).toBe("2");
      expect(await listed({ peer: desk })).toBe("521");
      expect(await listed({ peer: desk, before: 5 }, 1)).toBe("2");
      expect(await listed({ peer: lap, role: "worker" })).toBe("3");
      expect(await listed({ isOpen: true })).toBe("431");
      expect(await listed({ isOpen: true, role: "worker", before: 3 })).toBe("1");
      expect(await listed({ isOpen: true, peer: desk })).toBe("1");
      expect(await listed({ isOpen: true, peer: desk, role: "requester" })).toBe("");
      expect(await listed({ isOpen: false })).toBe("54321");
      expect(await listed({ peer: "did:key:nobody" })).toBe("");
      expect(await listed({}, 0)).toBe("");
    });

    test("open tasks of a role are given oldest first, above a position", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("1"), given("2"), makeDraft("3", { peer: lap }), makeDraft("4"), makeDraft("5"));
      await bench.store.append(ofDesk("1"), news("auth_required"), noon);
      await end(bench.store, ofDesk("4"));
      const store = await restarted(bench);
      expect(idsOf(await store.open("worker", 0, 10))).toEqual(["1", "3", "5"]);
      expect(idsOf(await store.open("worker", 1, 1))).toEqual(["3"]);
      expect(idsOf(await store.open("worker", 0, 0))).toEqual([]);
      expect(idsOf(await store.open("requester", 0, 10))).toEqual(["2"]);
    });

    test("a worker has its newer events to say, also the last", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("1"), makeDraft("2"), makeDraft("3"));
      await bench.store.append(ofDesk("1"), news("working"), noon);
      await bench.store.append(ofDesk("3"), news("completed"), noon);
      const unsaid = async (store: TaskStore, after = 0, limit = 10): Promise<readonly string[]> => idsOf(await store.unsaid(after, limit));
      expect(await unsaid(bench.store)).toEqual(["1", "3"]);
      expect(await unsaid(bench.store, 1)).toEqual(["3"]);
      expect(await unsaid(bench.store, 0, 1)).toEqual(["1"]);
      await bench.store.said(ofDesk("1"), 1);
      await bench.store.said(ofDesk("3"), 1);
      const store = await restarted(bench);
      expect(await unsaid(store)).toEqual([]);
      await store.append(ofDesk("1"), news("working"), noon);
      expect(await unsaid(store)).toEqual(["1"]);
      await store.said(ofDesk("1"), 2);
      await store.said(ofDesk("1"), 1);
      expect(await store.find(ofDesk("1"))).toMatchObject({ said: 2, touchedAt: noon });
      expect(await unsaid(store)).toEqual([]);
    });

    test("a requester has a task to say that was not handed over, until it has ended", async () => {
      await using bench = await arrange();
      await fill(bench.store, given("1"), given("2"), given("3"));
      const unsaid = async (store: TaskStore): Promise<readonly string[]> => idsOf(await store.unsaid(0, 10));
      await bench.store.said(keyOf(given("1")), 1);
      await bench.store.append(keyOf(given("2")), news("canceled"), noon);
      expect(await unsaid(await restarted(bench))).toEqual(["3"]);
    });

    test("what is open beyond its deadline is told, of a role, soonest deadline first", async () => {
      await using bench = await arrange();
      const by = (id: string, deadline: number, changes: Partial<TaskDraft> = {}): TaskDraft => makeDraft(id, { deadline, ...changes });
      await fill(bench.store, by("1", 30), by("2", 10, { peer: lap }), by("3", 20), by("4", 10, { role: "requester" }), by("5", 5));
      await end(bench.store, ofDesk("5"));
      expect(idsOf(await bench.store.overdue("worker", 30, 10))).toEqual(["2", "3"]);
      expect(idsOf(await bench.store.overdue("worker", 31, 2))).toEqual(["2", "3"]);
      expect(idsOf(await bench.store.overdue("worker", 31, 10))).toEqual(["2", "3", "1"]);
      expect(idsOf(await bench.store.overdue("requester", 31, 10))).toEqual(["4"]);
      expect(await bench.store.overdue("worker", 10, 10)).toEqual([]);
    });

    test("what ended is forgotten with its events after a while, longest ago first; what is open never", async () => {
      await using bench = await arrange();
      await fill(bench.store, makeDraft("1"), makeDraft("2"), given("3"), makeDraft("4", { createdAt: 1 }));
      await end(bench.store, ofDesk("1"), 30);
      await end(bench.store, ofDesk("2"), 20);
      await end(bench.store, keyOf(given("3")), 10);
      expect(await bench.store.sweep(10, 10)).toBe(0);
      expect(await bench.store.sweep(30, 0)).toBe(0);
      expect(await bench.store.sweep(30, 1)).toBe(1);
      expect(await bench.store.find(keyOf(given("3")))).toBeUndefined();
      expect(await bench.store.sweep(30, 10)).toBe(1);
      const store = await restarted(bench);
      expect(idsOf(await store.list({ limit: 10 }))).toEqual(["4", "1"]);
      expect(await store.input(ofDesk("2"))).toBeUndefined();
      expect(await store.events(ofDesk("2"), 0, 10)).toEqual([]);
      await fill(store, makeDraft("2"));
      expect(await store.find(ofDesk("2"))).toStrictEqual(recordOf(makeDraft("2"), 5));
      expect(await store.events(ofDesk("2"), 0, 10)).toEqual([]);
    });
  });
}
