import { limits } from "@hikyaku/protocol";
import { ManualClock } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { emptyTasks, MemoryTaskStore } from "../adapters/memory-task-store.ts";
import { Delegations } from "./delegations.ts";

/** Delegations of a peer whose tasks with one other may take so much. */
function arrange(taskBytesPerPeerMax: number) {
  const said: string[] = [];
  const clock = new ManualClock();
  const tasks = new MemoryTaskStore({ state: emptyTasks(), bounds: { ...limits, taskBytesPerPeerMax } });
  const delegations = new Delegations({
    ground: {
      clock,
      log: { write: () => undefined },
      tasks,
      count: () => undefined,
      say: async (_, type) => said.push(type),
      durably: (change) => change(),
      background: () => undefined,
      closing: new AbortController().signal,
      changed: () => undefined,
    },
    dice: () => new Uint8Array(10),
    fateOf: async () => undefined,
  });
  return { delegations, tasks, said };
}

test("a worker that hands over more than there is room for is told to stop, and its task has failed [TASK-9]", async () => {
  const { delegations, tasks, said } = arrange(16 * limits.taskEntryBytes);
  const key = await delegations.delegate("desk", "sum", 1);
  const update = (cursor: number) =>
    delegations.apply("desk", { task_id: key.id, cursor, at: 1, state: "working", output: "x".repeat(limits.taskEntryBytes) });
  for (let cursor = 1; cursor <= 20; cursor += 1) await update(cursor);
  expect(await tasks.find(key)).toMatchObject({ state: "failed", cursor: 8 });
  expect(await tasks.events(key, 7, 9)).toMatchObject([{ state: "failed", code: "QUOTA_EXCEEDED" }]);
  expect(said).toEqual(["task_delegate", "task_cancel"]);
});
