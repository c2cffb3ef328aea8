import { setTimeout as pause } from "node:timers/promises";
import { limits } from "@hikyaku/protocol";
import { failureOf, ManualClock, type Resident, World } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";
import { type TaskContext, TaskFailure } from "../work/run.ts";
import type { Task, TaskProgress } from "../work/task.ts";

/** Lap gives work to desk. */
async function colleagues(options: { readonly isManual?: boolean } = {}) {
  const world = new World();
  const clock = options.isManual === true ? { clock: new ManualClock() } : {};
  const desk = await world.peer("desk", clock);
  const lap = await world.peer("lap", clock);
  await world.introduce(desk, lap);
  await desk.peer.trust({ peer: "lap", allow: ["message", "task_delegate"] });
  return { world, desk, lap, clock: clock.clock, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

async function all(task: Task): Promise<readonly TaskProgress[]> {
  const events: TaskProgress[] = [];
  for await (const event of task) events.push(event);
  return events;
}
/** A handler that goes on until it is told to stop. */
const untilStopped = (_: unknown, { signal }: TaskContext): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true }));
const statesOf = async (task: Task): Promise<readonly string[]> => (await all(task)).map(({ state }) => state);

test("a task is taken on, worked on, and completed with its output [TASK-1] [TASK-4]", async () => {
  await using scene = await colleagues();
  const { desk, lap } = scene;
  await desk.peer.capability("sum", {}, ({ input, from }) => ({ sum: (input as number[]).reduce((a, b) => a + b), for: from.name }));
  const task = await lap.peer.delegate("desk", "sum", [1, 2, 3]);
  expect(await task.result()).toEqual({ sum: 6, for: "lap" });
  expect(await all(task)).toMatchObject([
    { cursor: 1, state: "submitted" },
    { cursor: 2, state: "working" },
    { cursor: 3, state: "completed", output: { sum: 6 } },
  ]);
  expect(await lap.peer.tasks({ limit: 9 })).toMatchObject([{ role: "requester", peer: desk.peer.did, state: "completed", cursor: 3 }]);
  expect(await desk.peer.tasks({ limit: 9 })).toMatchObject([{ role: "worker", peer: lap.peer.did, state: "completed", cursor: 3 }]);
});

test("progress, parts, artifacts and questions come in order, and an answer goes back", async () => {
  await using scene = await colleagues();
  const { desk, lap } = scene;
  await desk.peer.capability("report", {}, async (_, context) => {
    await context.progress(0.5, "reading");
    await context.artifact("notes", { pages: 10 });
    await context.partial("half");
    const language = await context.ask("Which language?");
    return { language };
  });
  const task = await lap.peer.delegate("desk", "report", {});
  const seen: unknown[] = [];
  for await (const event of task) {
    seen.push([event.state, event.progress ?? event.artifact?.name ?? event.output ?? event.detail]);
    if (event.state === "input_required") await task.answer("Dutch");
  }
  expect(seen).toEqual([
    ["submitted", undefined],
    ["working", undefined],
    ["working", 0.5],
    ["working", "notes"],
    ["working", "half"],
    ["input_required", "Which language?"],
    ["working", undefined],
    ["completed", { language: "Dutch" }],
  ]);
  expect(await task.result()).toEqual({ language: "Dutch" });
});

test("a question can be taken back, a handler chooses the code of its failure, and only whoever gave a task answers it", async () => {
  await using scene = await colleagues();
  const { desk, lap } = scene;
  const seen = Promise.withResolvers<void>();
  await desk.peer.capability("report", {}, async (_, context) => {
    const over = new AbortController();
    const asked = context.ask("Which language?", { signal: over.signal });
    await seen.promise;
    over.abort(new Error("never mind"));
    expect(await failureOf(asked)).toMatchObject({ message: "never mind" });
    throw new TaskFailure("no paper left", "NO_PAPER");
  });
  const task = await lap.peer.delegate("desk", "report", { pages: 3 });
  expect(await task.input()).toEqual({ pages: 3 });
  for await (const event of task) if (event.state === "input_required") break;
  const assigned = await desk.peer.task(task.id);
  expect(await failureOf(assigned.answer("Dutch"))).toMatchObject({ code: "INVALID_ARGUMENT" });
  seen.resolve();
  const events = await all(task);
  expect(events.map(({ state }) => state)).toEqual(["submitted", "working", "input_required", "working", "failed"]);
  expect(events.at(-1)).toMatchObject({ code: "NO_PAPER", detail: "no paper left" });
  expect(() => new TaskFailure("x", "no code")).toThrow("capital letters");
});

test("a capability whose program is gone for a while is offered as before, and work waits for it", async () => {
  await using scene = await colleagues();
  const { desk, lap } = scene;
  await desk.peer.capability("sum", {}, () => 1);
  desk.peer.suspend("sum");
  const task = await lap.peer.delegate("desk", "sum", {});
  for await (const event of task) if (event.state === "submitted") break;
  expect((await desk.peer.tasks({ limit: 1 }))[0]).toMatchObject({ state: "submitted" });
  await desk.peer.capability("sum", {}, () => 2);
  expect(await task.result()).toBe(2);
});

describe("who may have it [CAP-2]", () => {
  test.each([
    ["a capability that does not exist", "dance", ["task_delegate"]],
    ["a capability that is for others", "secret", ["task_delegate"]],
    ["no scope", "sum", ["message"]],
  ] as const)("%s is one and the same answer", async (_, capability, allow) => {
    await using scene = await colleagues();
    const { desk, lap } = scene;
    const other = await scene.world.peer("other");
    await desk.peer.trust({ peer: other.peer.did, name: "other", level: "trusted" });
    await desk.peer.trust({ peer: "lap", allow });
    let runs = 0;
    await desk.peer.capability("sum", {}, () => (runs += 1));
    await desk.peer.capability("secret", { for: ["other"] }, () => (runs += 1));
    const task = await lap.peer.delegate("desk", capability, {});
    expect(await failureOf(task.result())).toMatchObject({ code: "TASK_FAILED" });
    expect(await all(task)).toMatchObject([{ state: "rejected", code: "UNAUTHORIZED" }]);
    expect(runs).toBe(0);
    expect(await desk.peer.tasks({ limit: 9 })).toEqual([]);
  });
});

test("a task that is canceled while it waits never runs; one that runs is told, and what it returns is not looked at [TASK-5]", async () => {
  await using scene = await colleagues();
  const { desk, lap } = scene;
  const [begun, told]: [string[], unknown[]] = [[], []];
  await desk.peer.capability("slow", {}, async (task, { signal }) => {
    begun.push(task.id);
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    told.push(signal.reason);
    return "too late";
  });
  const [first, second] = [await lap.peer.delegate("desk", "slow", 1), await lap.peer.delegate("desk", "slow", 2)];
  for await (const event of first) if (event.state === "working") break;
  await second.cancel("not needed");
  expect(await statesOf(second)).toEqual(["submitted", "canceled"]);
  await first.cancel();
  expect(await failureOf(first.result())).toMatchObject({ code: "CANCELED" });
  expect(begun).toEqual([first.id]);
  await expect.poll(() => told).toMatchObject([{ code: "CANCELED" }]);
  expect(await failureOf(first.cancel())).toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("what a crash cuts short has failed, unless running it again does no harm; what waited still runs [TASK-8]", async () => {
  await using scene = await colleagues();
  const { world, desk, lap } = scene;
  const never = untilStopped;
  await desk.peer.capability("once", {}, never);
  await desk.peer.capability("again", { idempotent: true }, never);
  const once = await lap.peer.delegate("desk", "once", 1);
  const waiting = await lap.peer.delegate("desk", "once", 2);
  const again = await lap.peer.delegate("desk", "again", 3);
  for (const task of [once, again]) for await (const event of task) if (event.state === "working") break;
  for await (const _ of waiting) break;
  const risen: Resident = await world.restart(desk);
  await risen.peer.capability("once", {}, ({ input }) => input);
  await risen.peer.capability("again", { idempotent: true }, ({ input }) => input);
  expect(await failureOf(once.result())).toMatchObject({ code: "TASK_FAILED", message: expect.stringContaining("INTERRUPTED") });
  expect(await again.result()).toBe(3);
  expect(await statesOf(again)).toEqual(["submitted", "working", "working", "completed"]);
  expect(await waiting.result()).toBe(2);
});

test("work that arrives while its program is away waits for it, and a requester that was away gets every event once [TASK-6]", async () => {
  await using scene = await colleagues();
  const { world, desk, lap } = scene;
  await desk.peer.capability("sum", {}, () => 0);
  const away = await world.restart(desk);
  const task = await lap.peer.delegate("desk", "sum", 1);
  for await (const _ of task) break;
  const risenLap = await world.restart(lap);
  await away.peer.capability("sum", {}, async (_, context) => {
    await context.artifact("a", 1);
    await context.artifact("b", 2);
    return 5;
  });
  const found = await risenLap.peer.task(task.id.slice(0, 30));
  expect((await all(found)).map(({ cursor, state }) => [cursor, state])).toEqual([
    [1, "submitted"],
    [2, "working"],
    [3, "working"],
    [4, "working"],
    [5, "completed"],
  ]);
  expect((await all(found)).map(({ cursor }) => cursor)).toEqual([1, 2, 3, 4, 5]);
});

describe("while a schema takes its time to judge", () => {
  /** Says yes to so many values, and nothing at all to any other. */
  const patientSchema = (quick: number) => {
    const seen: unknown[] = [];
    const validate = (value: unknown) => (seen.push(value) > quick ? new Promise<never>(() => undefined) : { value });
    return { seen, schema: { "~standard": { version: 1 as const, vendor: "test", validate } } };
  };

  test("a canceled task does not run, and its place is free at once [TASK-5]", async () => {
    await using scene = await colleagues();
    const { desk, lap } = scene;
    const begun: unknown[] = [];
    const { seen, schema } = patientSchema(1);
    await desk.peer.capability("slow", { input: schema }, ({ input }) => begun.push(input));
    const task = await lap.peer.delegate("desk", "slow", 1);
    await expect.poll(() => seen.length).toBe(2);
    await task.cancel();
    expect(await statesOf(task)).toEqual(["submitted", "working", "canceled"]);
    expect(begun).toEqual([]);
    await expect.poll(() => desk.peer.ownCapabilities()[0]?.load).toEqual({ running: 0, waiting: 0 });
  });

  test("the deadline of a task whose output is judged passes [TASK-7]", async () => {
    await using scene = await colleagues();
    const { desk, lap } = scene;
    await desk.peer.capability("slow", { output: patientSchema(0).schema }, () => 1);
    const task = await lap.peer.delegate("desk", "slow", 1, { deadline: new Date(Date.now() + 1_000) });
    await expect.poll(async () => (await task.status()).state, { timeout: 15_000 }).toBe("failed");
    expect(await failureOf(task.result())).toMatchObject({ message: expect.stringContaining("DEADLINE_EXCEEDED") });
  });

  test("a peer closes, and takes the task on at its next start [TASK-1] [TASK-8]", async () => {
    await using scene = await colleagues();
    const { world, desk, lap } = scene;
    const { seen, schema } = patientSchema(0);
    await desk.peer.capability("slow", { input: schema }, () => 1);
    const task = await lap.peer.delegate("desk", "slow", 1);
    await expect.poll(() => seen.length).toBe(1);
    const risen = await world.restart(desk);
    await risen.peer.capability("slow", {}, () => 2);
    expect(await task.result()).toBe(2);
  });
});

test("a deadline ends a task on both sides, whatever its handler does [TASK-7]", async () => {
  await using scene = await colleagues({ isManual: true });
  const { desk, lap, clock } = scene;
  await desk.peer.capability("slow", {}, untilStopped);
  const task = await lap.peer.delegate("desk", "slow", 1, { deadline: new Date((clock?.now() ?? 0) + 60_000) });
  for (let step = 0; step < 20; step += 1) {
    await clock?.pass(10_000);
    await pause(5);
  }
  expect(await desk.peer.tasks({ limit: 1 })).toMatchObject([{ state: "failed" }]);
  expect(await failureOf(task.result())).toMatchObject({ code: "TASK_FAILED", message: expect.stringContaining("DEADLINE_EXCEEDED") });
  expect(limits.taskDeadlineGraceMs).toBeGreaterThan(0);
});

test("a delegation that its worker's peer refused is not sent anew: its task has ended [DLV-8] [TASK-4]", async () => {
  await using scene = await colleagues();
  const { lap } = scene;
  const task = await lap.peer.delegate("desk", "nothing", 1);
  expect(await failureOf(task.result())).toMatchObject({ code: "TASK_FAILED" });
  await expect.poll(() => lap.peer.dead({ limit: 1 })).toMatchObject([{ id: task.id, type: "task_delegate" }]);
  expect(await failureOf(lap.peer.retry(task.id))).toMatchObject({ code: "INVALID_ARGUMENT" });
});
