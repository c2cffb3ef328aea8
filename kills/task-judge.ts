/** What the files of a requester and its worker prove in the end: each task ended once and for both, ran as often as it may, and was told of in order. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readJournal } from "./journal.ts";
import { concurrency, database, handlings, happenings } from "./words.ts";

interface KeptEvent {
  readonly cursor: number;
  readonly state: string;
  readonly code: string | null;
}

/** A task as one side keeps it. */
export interface KeptTask {
  readonly id: string;
  /** Its idempotency key. */
  readonly n: number;
  readonly capability: string;
  readonly state: string;
  readonly events: readonly KeptEvent[];
}

export interface TaskEvidence {
  /** How many tasks were asked for: the numbers 1 to this one. */
  readonly asked: number;
  readonly given: readonly KeptTask[];
  readonly taken: readonly KeptTask[];
  readonly handlings: readonly (readonly string[])[];
  readonly happenings: readonly (readonly string[])[];
  /** Of the worker. */
  readonly kills: number;
}

export interface TaskVerdict {
  readonly completed: number;
  readonly interrupted: number;
  /** Tasks that began more than once, and may. */
  readonly again: number;
  readonly wrongs: readonly string[];
}

const states = ["submitted", "working", "input_required", "auth_required", "completed", "failed", "canceled", "rejected"];
const finalStates: ReadonlySet<string> = new Set(states.slice(4));
const stateOf = (number: unknown): string => states[Number(number)] ?? String(number);

/** Both peers must have ended. */
export function gatherTasks(requester: string, worker: string, { asked, kills }: Pick<TaskEvidence, "asked" | "kills">): TaskEvidence {
  return {
    asked,
    kills,
    given: readTasks(requester, 0),
    taken: readTasks(worker, 1),
    handlings: readJournal(join(worker, handlings)),
    happenings: readJournal(join(requester, happenings)),
  };
}

function readTasks(folder: string, role: 0 | 1): readonly KeptTask[] {
  using kept = new DatabaseSync(join(folder, database), { readOnly: true });
  const events = kept.prepare("SELECT cursor, state, code FROM task_events WHERE position = ? ORDER BY cursor");
  const tasks = kept
    .prepare("SELECT position, id, idempotency_key, capability, state FROM tasks WHERE role = ? ORDER BY position")
    .all(role);
  return tasks.map(({ position, id, idempotency_key, capability, state }) => ({
    id: String(id),
    n: Number(idempotency_key),
    capability: String(capability),
    state: stateOf(state),
    events: events
      .all(Number(position))
      .map((event) => ({ cursor: Number(event["cursor"]), state: stateOf(event["state"]), code: event["code"] as string | null })),
  }));
}

export function judgeTasks(evidence: TaskEvidence): TaskVerdict {
  const { given, handlings: handled, kills } = evidence;
  const runs = countRuns(handled);
  const interrupted = given.filter((task) => task.events.at(-1)?.code === "INTERRUPTED").length;
  const wrongs = [
    ...judgeNumbers(evidence),
    ...judgeSides(evidence),
    ...given.flatMap((task) => [...judgeEnd(task, runs.get(task.id) ?? noRun)]),
    ...judgeHappenings(evidence),
    ...[...runs.keys()].filter((id) => !given.some((task) => task.id === id)).map((id) => `task ${id} ran, and nobody gave it`),
    // So many that are harmful to run again run at once, and no more can be cut short.
    ...(interrupted > kills * concurrency ? [`${interrupted} tasks were interrupted by ${kills} kills`] : []),
  ];
  const again = [...runs.values()].filter(({ starts }) => starts > 1).length;
  return { completed: given.filter(({ state }) => state === "completed").length, interrupted, again, wrongs };
}

interface Runs {
  readonly starts: number;
  readonly ends: number;
}

const noRun: Runs = { starts: 0, ends: 0 };

function countRuns(handled: TaskEvidence["handlings"]): ReadonlyMap<string, Runs> {
  const runs = new Map<string, Runs>();
  for (const [word, id = ""] of handled) {
    const { starts, ends } = runs.get(id) ?? noRun;
    runs.set(id, { starts: starts + (word === "start" ? 1 : 0), ends: ends + (word === "end" ? 1 : 0) });
  }
  return runs;
}

/** Each number is one task, whatever was asked again. */
function* judgeNumbers({ asked, given }: TaskEvidence): Generator<string> {
  for (let n = 1; n <= asked; n += 1) {
    const count = given.filter((task) => task.n === n).length;
    if (count !== 1) yield `number ${n} is ${count} tasks of the requester`;
  }
  if (given.length > asked) yield `${given.length} tasks were given, and ${asked} were asked for`;
}

/** Both sides have the same tasks, the same events of each and the same end. */
function* judgeSides({ given, taken }: TaskEvidence): Generator<string> {
  const there = new Map(taken.map((task) => [task.id, task]));
  for (const task of given) {
    const other = there.get(task.id);
    if (other === undefined) yield `task ${task.n} never came to its worker`;
    else if (JSON.stringify(other) !== JSON.stringify(task))
      yield `task ${task.n} is ${task.state} after ${task.events.length} events at its requester, and ${other.state} after ${other.events.length} at its worker`;
  }
  const here = new Set(given.map(({ id }) => id));
  for (const { id } of taken) if (!here.has(id)) yield `task ${id} came to the worker, and its requester does not have it`;
}

/** One end, the last event; and the right one for how often it ran. */
function* judgeEnd({ n, capability, state, events }: KeptTask, { starts, ends }: Runs): Generator<string> {
  const last = events.at(-1);
  const finals = events.filter((event) => finalStates.has(event.state)).length;
  if (finals !== 1 || last?.state !== state || !finalStates.has(state))
    yield `task ${n} is ${state}, and has ${finals} ends in ${events.length} events`;
  const isInterrupted = capability === "once" && state === "failed" && last?.code === "INTERRUPTED";
  if (state !== "completed" && !isInterrupted) yield `task ${n} (${capability}) is ${state} (${last?.code ?? "no reason"})`;
  if (capability === "once" && starts > 1) yield `task ${n} began ${starts} times, and may once`;
  if (state === "completed" && ends < 1) yield `task ${n} is completed, and its handler did not run to its end`;
}

/** The requester's program got each event once and in order, through all of its lives, and nothing after the last; and the output is that of the task. */
function* judgeHappenings({ given, happenings: happened }: TaskEvidence): Generator<string> {
  for (const { id, n, events } of given) {
    const told = happened.filter(([word, of]) => word === "event" && of === id);
    const wanted = events.map(({ cursor, state, code }) => `${cursor} ${state} ${code ?? "-"}`);
    const found = told.map(([, , cursor, state, code]) => `${cursor} ${state} ${code}`);
    if (found.join() !== wanted.join()) yield `of task ${n} the requester was told ${found.join(", ")}, and it has ${wanted.join(", ")}`;
    if (events.some(({ cursor }, at) => cursor !== at + 1)) yield `the events of task ${n} are not numbered 1, 2, 3, …`;
    const output = told.at(-1)?.at(5);
    if (events.at(-1)?.state === "completed" && output !== `${n}:${2 * n}`) yield `task ${n} has the output ${output}`;
  }
}
