import { limits } from "@hikyaku/protocol";
import { ManualClock } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { emptyTasks, MemoryTaskStore } from "../adapters/memory-task-store.ts";
import type { TaskKey } from "../ports/task-store.ts";
import { Announcer } from "./announcer.ts";
import type { WorkGround } from "./work-ground.ts";

const keyOf = (id: number, peer = "lap"): TaskKey => ({ role: "worker", peer, id: String(id) });

/** An announcer whose outbox takes something of "lap" only once its gate is open. */
function arrange() {
  const tasks = new MemoryTaskStore({ state: emptyTasks() });
  const background: Promise<unknown>[] = [];
  const said: string[] = [];
  const counts: string[] = [];
  const gate = Promise.withResolvers<void>();
  const ground: Pick<WorkGround, "tasks" | "count" | "say" | "durably" | "background" | "closing"> = {
    tasks,
    count: (event) => void counts.push(event),
    say: async (to, _, body) => {
      said.push(`${to} ${body.task_id} ${"cursor" in body ? body.cursor : ""}`);
      if (to === "lap") await gate.promise;
    },
    durably: (change) => change(),
    background: (promise) => void background.push(promise),
    closing: new AbortController().signal,
  };
  const announcer = new Announcer({ ...ground, clock: new ManualClock(), log: { write: () => undefined }, changed: () => undefined });
  const keep = async (key: TaskKey): Promise<TaskKey> => {
    const draft = { capability: "sum", input: "1", priority: "normal", createdAt: 1, deadline: 9, chain: { depth: 0, budget: 0 } } as const;
    await tasks.add({ ...key, ...draft }, { first: { state: "completed", at: 1 } });
    return key;
  };
  const settled = async (): Promise<void> => {
    for (let seen = -1; seen !== background.length; ) {
      seen = background.length;
      await Promise.all(background);
    }
  };
  return { announcer, tasks, keep, said, counts, gate, settled };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("of a requester that takes no news so many wait and not one more, none of them in memory but a few, and others hear theirs [TASK-9]", async () => {
  const { announcer, keep, said, gate, settled } = arrange();
  for (let id = 0; id < limits.untoldTasksPerPeerMax; id += 1) {
    expect(announcer.hasRoomFor("lap")).toBe(true);
    announcer.stir(await keep(keyOf(id)));
  }
  expect([announcer.hasRoomFor("lap"), announcer.hasRoomFor("tab")]).toEqual([false, true]);
  announcer.stir(await keep(keyOf(1, "tab")));
  await turn();
  expect(said.length).toBe(limits.tasksToldAtOnceMax + 1);
  expect(said).toContain("tab 1 1");
  gate.resolve();
  await settled();
  expect([said.length, announcer.hasRoomFor("lap")]).toEqual([limits.untoldTasksPerPeerMax + 1, true]);
});

test("asked a thousand times for what was told, it is told once again; of a task that is not there nothing is noted [TASK-6] [TASK-9]", async () => {
  const { announcer, keep, said, counts, gate, settled } = arrange();
  const key = await keep(keyOf(1));
  announcer.stir(key);
  await turn();
  for (let time = 0; time < 1000; time += 1) {
    await announcer.repeat(key, 0);
    await announcer.repeat(keyOf(2 + time), 0);
  }
  for (let id = 2000; announcer.hasRoomFor("lap"); id += 1) announcer.stir(keyOf(id));
  await announcer.repeat(key, 0);
  gate.resolve();
  await settled();
  expect(said).toEqual(["lap 1 1", "lap 1 1"]);
  expect(counts).toEqual(["task.repeatDropped"]);
});
