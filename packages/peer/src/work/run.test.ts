import { limits } from "@hikyaku/protocol";
import { failureOf, ManualClock } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import type { TaskAppending, TaskKey, TaskNews, TaskRecord } from "../ports/task-store.ts";
import { Run, type TaskContext } from "./run.ts";
import type { WorkGround } from "./work-ground.ts";

const key: TaskKey = { role: "worker", peer: "did:key:lap", id: "1" };

/** A run whose task has as many events already. */
function arrange(events: number, isFull: (news: Omit<TaskNews, "at">) => boolean = () => false) {
  const told: Omit<TaskNews, "at">[] = [];
  const counts: string[] = [];
  let cursor = events;
  const append = async (_: TaskKey, news: Omit<TaskNews, "at">): Promise<TaskAppending> => {
    if (isFull(news)) return { kind: "full" };
    told.push(news);
    cursor += 1;
    return { kind: "appended", event: { ...news, at: 0, cursor } };
  };
  const ground = {
    clock: new ManualClock(),
    log: { write: () => undefined },
    tasks: { input: async () => "null" },
    count: (event: string) => void counts.push(event),
    background: () => undefined,
    closing: new AbortController().signal,
  } as unknown as WorkGround;
  const task = { ...key, cursor: events, deadline: 1, chain: { depth: 0, budget: 0 } } as TaskRecord;
  const handOn = () => Promise.reject(new Error("nobody to hand on to"));
  const run = new Run(task, { ground, append, nameOf: () => "lap", handOn });
  const go = (handler: (_: unknown, context: TaskContext) => unknown) =>
    run.go({ offer: { name: "sum", version: "1", isIdempotent: false, concurrency: 1 }, input: undefined, output: undefined, handler });
  return { run, go, told, counts };
}

test("beyond its most events progress is dropped, artifacts and questions are refused, and its end is still told [TASK-9]", async () => {
  const { go, told, counts } = arrange(limits.taskEventsMax - limits.taskEventsReserved);
  const refusals: unknown[] = [];
  await go(async (_, context) => {
    await context.progress(0.5);
    refusals.push(await failureOf(context.artifact("a", 1)), await failureOf(context.partial(1)), await failureOf(context.ask("?")));
    return "done";
  });
  expect(refusals).toMatchObject([1, 2, 3].map(() => ({ code: "QUOTA_EXCEEDED" })));
  expect(told).toEqual([{ state: "completed", output: '"done"' }]);
  expect(counts).toEqual(["task.progressDropped"]);
});

test("where a requester's tasks take all of their room, progress is dropped, the rest is refused, and the end is told [TASK-9]", async () => {
  const { go, told, counts } = arrange(0, ({ state }) => state !== "completed");
  const refusals: unknown[] = [];
  await go(async (_, context) => {
    await context.progress(0.5);
    refusals.push(await failureOf(context.artifact("a", 1)), await failureOf(context.ask("?")));
    return "done";
  });
  expect(refusals).toMatchObject([1, 2].map(() => ({ code: "QUOTA_EXCEEDED" })));
  expect(told).toEqual([{ state: "completed", output: '"done"' }]);
  expect(counts).toEqual(["task.progressDropped"]);
});

test("an artifact's name is bounded, and while a question is open nothing else is said", async () => {
  const { run, go, told, counts } = arrange(0);
  const refusals: unknown[] = [];
  const asked = Promise.withResolvers<void>();
  const gone = go(async (_, context) => {
    refusals.push(await failureOf(Promise.resolve().then(() => context.artifact("", 1))));
    const first = context.ask("one?");
    refusals.push(await failureOf(context.ask("two?")));
    await context.progress(0.5);
    refusals.push(await failureOf(context.partial(1)));
    asked.resolve();
    return await first;
  });
  await asked.promise;
  expect(told.map(({ state }) => state)).toEqual(["input_required"]);
  expect([run.answer(9, "no"), run.answer(1, "yes")]).toEqual([false, true]);
  await gone;
  expect(refusals).toMatchObject([1, 2, 3].map(() => ({ code: "INVALID_ARGUMENT" })));
  expect(counts).toEqual(["task.progressDropped"]);
});

test("a handler that was stopped says nothing any more, whatever it tries [TASK-5]", async () => {
  const { run, go, told } = arrange(0);
  const stopped = Object.assign(new Error("stopped"), { name: "Stopped" });
  const tried: unknown[] = [];
  await go(async (_, context) => {
    run.stop(stopped as never);
    tried.push(context.signal.reason, await failureOf(context.progress(0.1)), await failureOf(context.ask("?")));
    return "too late";
  });
  expect(tried).toEqual([stopped, stopped, stopped]);
  expect(told).toEqual([]);
});
