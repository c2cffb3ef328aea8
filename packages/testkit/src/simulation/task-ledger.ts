/**
 * What was really asked of whom and what really came of it, kept by somebody who sees all machines: the judge of T1 to T4. No accepted task is lost; none runs twice unless
 * that does no harm; its requester hears every event once and in order; and how it ended is how it ended.
 */
import type { MemoryTasksState, TaskEvent, TaskKey, TaskProgress, TaskRecord } from "@hikyaku/peer";
import { isFinalState } from "@hikyaku/protocol";
import { count, type Tally } from "./tally.ts";
import { Violation } from "./violation.ts";

/** A machine as this ledger sees it. */
export interface TaskWitness {
  readonly name: string;
  readonly did: string;
  readonly tasks: MemoryTasksState;
  crashes: number;
}

/** The capability that may be run again, beside `once`. */
export const idempotentChore = "again";

/** What is asked of a handler. */
export interface Chore {
  readonly canary: string;
  readonly slowMs: number;
  readonly fails: boolean;
  readonly asks: boolean;
  readonly parts: number;
}

interface Kept {
  readonly from: TaskWitness;
  readonly to: TaskWitness;
  readonly isIdempotent: boolean;
  /** The last event that the requester's program was given. */
  seen: number;
}

/** Handlers of one task that began, and that came to their end. */
interface Runs {
  readonly at: TaskWitness;
  starts: number;
  ends: number;
}

export class TaskLedger {
  readonly #witnesses = new Map<string, TaskWitness>();
  readonly #tasks = new Map<string, Kept>();
  readonly #runs = new Map<string, Runs>();
  readonly #tally: Tally;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  add(witness: TaskWitness): void {
    this.#witnesses.set(witness.did, witness);
  }

  /** A requester's program knows of its task, since it was told that it is kept, or found it when it started. Returns the last event that it was given of it. */
  known(from: TaskWitness, { id, peer, capability }: Pick<TaskRecord, "id" | "peer" | "capability">): number {
    const to = this.#witnesses.get(peer);
    if (to === undefined) throw new Violation("T1", `${from.name} holds task ${id} of somebody who is not there`);
    const task = this.#tasks.get(id) ?? { from, to, isIdempotent: capability === idempotentChore, seen: 0 };
    this.#tasks.set(id, task);
    return task.seen;
  }

  /** T2: a handler begins, perhaps before the requester's program was told that its task is kept, or after that program died. */
  started(at: TaskWitness, id: string, capability: string): Runs {
    const runs = this.#runs.get(id) ?? { at, starts: 0, ends: 0 };
    this.#runs.set(id, runs);
    runs.starts += 1;
    if (runs.at !== at) throw new Violation("T2", `${at.name} runs task ${id}, and ${runs.at.name} did`);
    if (runs.starts > 1) count(this.#tally, "task: run again");
    if (runs.starts > 1 && capability !== idempotentChore) throw new Violation("T2", `${at.name} ran task ${id} ${runs.starts} times`);
    return runs;
  }

  /** T3: a requester's program is given an event. */
  heard(at: TaskWitness, id: string, { cursor }: TaskProgress): void {
    const task = this.#tasks.get(id);
    if (task === undefined) return;
    if (cursor !== task.seen + 1) throw new Violation("T3", `${at.name} was given event ${cursor} of task ${id} after ${task.seen}`);
    task.seen = cursor;
  }

  /** Tasks that have not ended on either side. */
  unsettled(): readonly string[] {
    return this.#all()
      .filter(({ key, events }) => !isOver(events) && this.#isOpenFor(key))
      .map(
        ({ key, at, events }) =>
          `${key.id} (${key.role}, ${at.name}: ${events.map(({ state, at: when }) => `${state} ${when}`).join(", ")})`,
      );
  }

  /** Whether there is none of them. */
  isSettled(): boolean {
    for (const { tasks } of this.#witnesses.values())
      for (const { task, events } of tasks.tasks.values()) if (this.#witnesses.has(task.peer) && !isOver(events)) return false;
    return true;
  }

  judgeEnd(): void {
    const [first, ...others] = this.unsettled();
    if (first !== undefined) throw new Violation("T1", `task ${[first, ...others].join("; ")} has no end`);
    for (const [id, task] of this.#tasks) this.#judge(id, task);
    for (const { key, events } of this.#all()) requireOneEnd(key, events);
  }

  #judge(id: string, task: Kept): void {
    const asked = eventsOf(task.from, { role: "requester", peer: task.to.did, id });
    const done = eventsOf(task.to, { role: "worker", peer: task.from.did, id });
    if (asked === undefined) throw new Violation("T1", `${task.from.name} was told that task ${id} is kept, and it is not`);
    const last = asked.at(-1);
    count(this.#tally, `task: ${last?.state}${last?.code === undefined ? "" : ` ${last.code}`}`);
    requireTruth(id, task, { last, runs: this.#runs.get(id) });
    this.#requireSameEvents(id, asked, done);
    if (task.seen !== asked.length)
      throw new Violation("T3", `${task.from.name} was given ${task.seen} of the ${asked.length} events of task ${id}`);
  }

  /** What the requester has is what the worker said, but for an end that it had to find by itself. */
  #requireSameEvents(id: string, asked: readonly TaskEvent[], done: readonly TaskEvent[] | undefined): void {
    asked.forEach((event, index) => {
      const said = done?.[index];
      const isOwn = index === asked.length - 1 && event.code !== undefined && ownEnds.has(event.code);
      if (!isOwn && textOf(event) !== textOf(said))
        throw new Violation("T3", `event ${event.cursor} of task ${id} is ${JSON.stringify(event)} here and ${JSON.stringify(said)} there`);
    });
  }

  /** A worker's task whose requester never heard that it is kept is nobody's wait, and still has to end. */
  #isOpenFor({ peer }: TaskKey): boolean {
    return this.#witnesses.has(peer);
  }

  #all(): readonly { readonly at: TaskWitness; readonly key: TaskKey; readonly events: readonly TaskEvent[] }[] {
    return [...this.#witnesses.values()].flatMap((at) =>
      [...at.tasks.tasks.values()].map(({ task, events }) => ({ at, key: { role: task.role, peer: task.peer, id: task.id }, events })),
    );
  }
}

/** How a requester may find by itself that a task has ended. */
const ownEnds: ReadonlySet<string> = new Set(["DEADLINE_EXCEEDED", "MESSAGE_EXPIRED", "UNAUTHORIZED"]);

const textOf = (event: TaskEvent | undefined): string =>
  JSON.stringify(Object.entries(event ?? {}).sort(([left], [right]) => (left < right ? -1 : 1)));

const isOver = (events: readonly TaskEvent[]): boolean => events.some(({ state }) => isFinalState(state));

/** T4. */
function requireOneEnd({ id, role }: TaskKey, events: readonly TaskEvent[]): void {
  events.forEach(({ cursor, state }, index) => {
    if (cursor !== index + 1) throw new Violation("T3", `event ${index + 1} of task ${id} has the cursor ${cursor} (${role})`);
    if (isFinalState(state) && index < events.length - 1) throw new Violation("T4", `task ${id} goes on after it was ${state} (${role})`);
  });
}

function requireTruth(
  id: string,
  task: Kept,
  { last, runs }: { readonly last: TaskEvent | undefined; readonly runs: Runs | undefined },
): void {
  if (runs !== undefined && runs.at !== task.to)
    throw new Violation("T2", `${runs.at.name} ran task ${id}, which was given to ${task.to.name}`);
  if (last?.state === "completed" && (runs?.ends ?? 0) === 0)
    throw new Violation("T1", `task ${id} is completed and no handler came to its end`);
  if (last?.code === "INTERRUPTED" && task.to.crashes === 0) throw new Violation("T1", `task ${id} was interrupted by no crash`);
  if (last?.code === "INTERRUPTED" && task.isIdempotent)
    throw new Violation("T1", `task ${id} was not run again although that does no harm`);
}

function eventsOf(at: TaskWitness, { role, peer, id }: TaskKey): readonly TaskEvent[] | undefined {
  for (const { task, events } of at.tasks.tasks.values()) if (task.role === role && task.peer === peer && task.id === id) return events;
  return undefined;
}
