import { setTimeout as pause } from "node:timers/promises";
import { limits, newMessageId } from "@hikyaku/protocol";
import { ManualClock } from "@hikyaku/testkit";
import { expect, test, vi } from "vitest";
import { MemoryOfferStore } from "../adapters/memory-offer-store.ts";
import { emptyTasks, MemoryTaskStore, type MemoryTasksState } from "../adapters/memory-task-store.ts";
import type { Schema } from "./schema.ts";
import { Work } from "./work.ts";

/** The work of a peer that is alone: what it would say is listed. Where it is deaf its outbox takes nothing. */
function arrange({ state = emptyTasks(), isDeaf = false }: { readonly state?: MemoryTasksState; readonly isDeaf?: boolean } = {}) {
  const clock = new ManualClock();
  const said: string[] = [];
  const taken = Promise.withResolvers<void>();
  if (!isDeaf) taken.resolve();
  const background: Promise<unknown>[] = [];
  const work = new Work({
    ground: {
      clock,
      log: { write: () => undefined },
      tasks: new MemoryTaskStore({ state }),
      count: () => undefined,
      say: async (to, type) => {
        said.push(`${type} to ${to}`);
        await taken.promise;
      },
      durably: (change) => change(),
      background: (promise) => void background.push(promise),
      closing: new AbortController().signal,
      changed: () => undefined,
    },
    offers: new MemoryOfferStore(),
    keptOffers: [],
    dice: () => new Uint8Array(10),
    nameOf: (did) => did,
    didOf: (reference) => reference,
    mayAsk: () => true,
    fateOf: async () => undefined,
  });
  let ids = 0;
  const delegate = async (peer: string) => {
    ids += 1;
    const dice = Uint8Array.of(0, 0, 0, 0, 0, 0, ids >> 8, ids & 255, 0, 0);
    await work.receive(peer, "task_delegate", { task_id: newMessageId(clock.now(), dice), capability: "sum", input: 1 });
  };
  return { work, clock, said, delegate, settled: () => Promise.all(background) };
}

const body = { task_id: "", capability: "sum", input: 1 };

test("one requester may have so many tasks open and not one more, and holds up nobody else with them [TASK-9]", async () => {
  const { work, delegate } = arrange();
  await work.offer("sum", { concurrency: 1 }, () => new Promise(() => undefined), undefined);
  for (let index = 0; index < limits.openTasksPerPeerMax; index += 1) await delegate("lap");
  expect([work.refusalOf("lap", body), work.refusalOf("tab", body)]).toEqual(["QUOTA_EXCEEDED", undefined]);
  expect(work.openAssignments).toBe(limits.openTasksPerPeerMax);
  await delegate("tab");
  const [newest] = await work.list({ peer: "lap", limit: 1 });
  if (newest !== undefined) await work.cancel(newest);
  expect(work.refusalOf("lap", body)).toBeUndefined();
});

test("a capability that nobody offers any more is nobody's, and what waited for it waits [CAP-2]", async () => {
  const { work, delegate } = arrange();
  await work.offer("sum", { concurrency: 1 }, () => new Promise(() => undefined), undefined);
  await delegate("lap");
  await delegate("lap");
  await work.capabilities.withdraw("sum");
  expect(work.refusalOf("lap", body)).toBe("UNAUTHORIZED");
  expect((await work.list({ limit: 9 })).map(({ state }) => state)).toEqual(["submitted", "working"]);
});

test("a task whose input is not judged in a moment holds nobody up: it is kept, and judged when its turn comes [TASK-3]", async () => {
  const { work, clock, delegate } = arrange();
  const signals: (AbortSignal | undefined)[] = [];
  const validate: Schema["~standard"]["validate"] = (_, options) =>
    signals.push(options?.libraryOptions?.signal) === 1 ? new Promise(() => undefined) : { issues: [{ message: "no" }] };
  const ran = vi.fn<() => void>();
  await work.offer("sum", { input: { "~standard": { version: 1, vendor: "test", validate } } }, ran, undefined);
  const received = delegate("lap").then(() => "kept");
  await clock.pass(limits.inputJudgingMsMax - 1);
  expect([signals[0]?.aborted, await work.list({ limit: 1 })]).toEqual([false, []]);
  await clock.pass(1);
  expect(await Promise.race([received, pause(1_000)])).toBe("kept");
  await expect.poll(async () => (await work.list({ limit: 1 }))[0]).toMatchObject({ state: "rejected", cursor: 3 });
  expect([signals.length, signals[0]?.aborted, ran.mock.calls]).toEqual([2, true, []]);
});

test("what happened to a task before a crash and had not been told is told at the next start [TASK-6]", async () => {
  const state = emptyTasks();
  const before = arrange({ state, isDeaf: true });
  await before.work.offer("sum", {}, () => 1, undefined);
  await before.delegate("lap");
  await expect.poll(async () => (await before.work.list({ limit: 1 }))[0]?.state).toBe("completed");
  const after = arrange({ state });
  await after.work.resume();
  await after.settled();
  expect(after.said).toEqual(["task_update to lap", "task_update to lap", "task_update to lap"]);
});

test("a requester that takes no news and takes back what it never gave fills nothing without end [TASK-5] [TASK-9]", async () => {
  const { work, said } = arrange({ isDeaf: true });
  await work.offer("sum", {}, () => 1, undefined);
  for (let id = 0; id < limits.untoldTasksPerPeerMax + 10; id += 1) await work.receive("lap", "task_cancel", { task_id: String(id) });
  expect([work.refusalOf("lap", body), work.refusalOf("tab", body)]).toEqual(["QUOTA_EXCEEDED", undefined]);
  expect(await work.find({ role: "worker", peer: "lap", id: String(limits.untoldTasksPerPeerMax - 1) })).toMatchObject({
    state: "canceled",
  });
  expect(await work.find({ role: "worker", peer: "lap", id: String(limits.untoldTasksPerPeerMax) })).toBeUndefined();
  expect(said).toHaveLength(limits.tasksToldAtOnceMax);
});
