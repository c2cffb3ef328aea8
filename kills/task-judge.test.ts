/** The judge can say no: each way in which work could go wrong is noticed in what it leaves behind. */
import { expect, test } from "vitest";
import { judgeTasks, type KeptTask, type TaskEvidence } from "./task-judge.ts";

const task = (id: string, n: number, capability: string, states: readonly string[], code: string | null = null): KeptTask => ({
  id,
  n,
  capability,
  state: states.at(-1) ?? "submitted",
  events: states.map((state, at) => ({ cursor: at + 1, state, code: at === states.length - 1 ? code : null })),
});

const first = task("a", 1, "once", ["submitted", "working", "completed"]);
const second = task("b", 2, "again", ["submitted", "working", "working", "completed"]);
const third = task("c", 3, "once", ["submitted", "working", "failed"], "INTERRUPTED");
const tasks = [first, second, third];

const told = ({ id, n, events }: KeptTask): readonly (readonly string[])[] =>
  events.map(({ cursor, state, code }) => ["event", id, String(cursor), state, code ?? "-", state === "completed" ? `${n}:${2 * n}` : "-"]);
const start = (id: string): readonly string[] => ["start", id];
const end = (id: string): readonly string[] => ["end", id];

/** Three tasks, of which one was interrupted and another ran again. */
const sound: TaskEvidence = {
  asked: 3,
  given: tasks,
  taken: tasks,
  handlings: [start("a"), end("a"), start("b"), start("b"), end("b"), start("c")],
  happenings: tasks.flatMap(told),
  kills: 1,
};

/** The evidence with another third task, on both sides and as it was told of. */
const withThird = (changed: KeptTask, more: Partial<TaskEvidence> = {}): Partial<TaskEvidence> => ({
  given: [first, second, changed],
  taken: [first, second, changed],
  happenings: [first, second, changed].flatMap(told),
  ...more,
});

test("what went well has nothing wrong with it", () => {
  expect(judgeTasks(sound)).toEqual({ completed: 2, interrupted: 1, again: 1, wrongs: [] });
});

test.each<[string, Partial<TaskEvidence>, string]>([
  ["a task that vanished", { given: [first, second] }, "number 3 is 0 tasks of the requester"],
  ["a number that became two tasks", { given: [...tasks, { ...first, id: "d" }] }, "number 1 is 2 tasks of the requester"],
  ["a task that nobody asked for", { asked: 2 }, "3 tasks were given, and 2 were asked for"],
  ["a task that never came", { taken: [first, second] }, "task 3 never came to its worker"],
  ["a task that nobody gave", { taken: [...tasks, { ...first, id: "d" }] }, "task d came to the worker"],
  ["a run that nobody gave", { handlings: [...sound.handlings, start("d")] }, "task d ran, and nobody gave it"],
  [
    "another end at the worker",
    { taken: [first, second, task("c", 3, "once", ["submitted", "working", "completed"])] },
    "task 3 is failed after 3 events at its requester, and completed after 3 at its worker",
  ],
  ["a task that is left open", withThird(task("c", 3, "once", ["submitted", "working"])), "task 3 is working, and has 0 ends"],
  ["two ends", withThird(task("c", 3, "once", ["submitted", "failed", "completed"])), "task 3 is completed, and has 2 ends"],
  ["an event after the end", withThird(task("c", 3, "once", ["submitted", "failed", "working"])), "task 3 is working, and has 1 ends"],
  [
    "a failure for another reason",
    withThird(task("c", 3, "once", ["submitted", "working", "failed"], "HANDLER_FAILED")),
    "task 3 (once) is failed (HANDLER_FAILED)",
  ],
  [
    "an idempotent task that was interrupted",
    withThird(task("c", 3, "again", ["submitted", "working", "failed"], "INTERRUPTED")),
    "task 3 (again) is failed (INTERRUPTED)",
  ],
  ["a harmful second run", { handlings: [...sound.handlings, start("c")] }, "task 3 began 2 times, and may once"],
  [
    "an end without a run",
    { handlings: [start("a"), start("b"), end("b")] },
    "task 1 is completed, and its handler did not run to its end",
  ],
  ["an event that was not told", { happenings: sound.happenings.slice(1) }, "of task 1 the requester was told 2 working -, 3 completed -"],
  ["an event that was told twice", { happenings: [...sound.happenings, ...told(third).slice(-1)] }, "of task 3 the requester was told"],
  [
    "events with a gap between them",
    withThird({ ...third, events: third.events.filter(({ cursor }) => cursor !== 2) }),
    "the events of task 3 are not numbered 1, 2, 3, …",
  ],
  [
    "the output of another task",
    { happenings: sound.happenings.map((line) => line.map((word) => (word === "1:2" ? "2:4" : word))) },
    "task 1 has the output 2:4",
  ],
  ["more interruptions than kills", { kills: 0 }, "1 tasks were interrupted by 0 kills"],
])("%s is wrong", (_, changes, wrong) => {
  expect(judgeTasks({ ...sound, ...changes }).wrongs).toContainEqual(expect.stringContaining(wrong));
});
