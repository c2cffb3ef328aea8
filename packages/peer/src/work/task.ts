/** A task as the program holds it that asked for it. */
import { HikyakuError, isFinalState, type TaskState } from "@hikyaku/protocol";
import type { TaskKey, TaskRecord } from "../ports/task-store.ts";
import type { Delegations } from "./delegations.ts";
import type { Followers, FollowOptions } from "./followers.ts";
import { judge, type Schema } from "./schema.ts";
import { readEvent } from "./task-content.ts";

/** One event as programs read it. */
export interface TaskProgress {
  readonly cursor: number;
  readonly state: TaskState;
  /** Milliseconds since 1970, by the worker's clock. */
  readonly at: number;
  /** From 0 to 1. */
  readonly progress?: number;
  readonly detail?: string;
  readonly code?: string;
  readonly output?: unknown;
  readonly artifact?: { readonly name: string; readonly content: unknown };
}

/** What a task is asked of. */
export interface TaskDesk {
  readonly followers: Followers;
  readonly delegations: Pick<Delegations, "answer">;
  find(key: TaskKey): Promise<TaskRecord | undefined>;
  inputOf(task: TaskKey): Promise<unknown>;
  cancel(task: TaskRecord, reason?: string): Promise<void>;
}

export class Task<Output = unknown> implements AsyncIterable<TaskProgress> {
  readonly id: string;
  readonly #key: TaskKey;
  readonly #work: TaskDesk;
  readonly #output: Schema<Output> | undefined;

  constructor(work: TaskDesk, key: TaskKey, output: Schema<Output> | undefined) {
    this.#work = work;
    this.#key = key;
    this.#output = output;
    this.id = key.id;
  }

  /** Its events from the first to the last, each once, as they come. */
  [Symbol.asyncIterator](): AsyncGenerator<TaskProgress, void> {
    return this.events();
  }

  /** Its events after a cursor. Rejects with CANCELED or CLOSED. */
  async *events(options?: FollowOptions): AsyncGenerator<TaskProgress, void> {
    for await (const event of this.#work.followers.follow(this.#key, options)) yield readEvent(event);
  }

  /** How far it is now. */
  async status(): Promise<TaskRecord> {
    const task = await this.#work.find(this.#key);
    if (task === undefined) throw new HikyakuError("UNKNOWN_TASK", `Task ${this.id} is not kept any more.`);
    return task;
  }

  /** What its worker was given. */
  async input(): Promise<unknown> {
    return await this.#work.inputOf(this.#key);
  }

  /**
   * The output, when it is completed. Rejects with CANCELED where the task was canceled or the signal aborts, TASK_FAILED with the worker's words where it failed or was
   * rejected or its output is not what the schema wants, CLOSED.
   */
  async result(options: Pick<FollowOptions, "signal"> = {}): Promise<Output> {
    let last: TaskProgress | undefined;
    for await (const event of this.events(options)) if (isFinalState(event.state)) last = event;
    if (last?.state === "completed") return await this.#judged(last.output);
    if (last?.state === "canceled") throw new HikyakuError("CANCELED", `The task was canceled${because(last)}.`);
    throw new HikyakuError("TASK_FAILED", `The task ${last?.state === "rejected" ? "was rejected" : "failed"}${because(last)}.`);
  }

  /** Asks the worker to end it. */
  async cancel(reason?: string): Promise<void> {
    await this.#work.cancel(await this.status(), reason);
  }

  /** Answers what its last event asks. */
  async answer(input: unknown): Promise<void> {
    await this.#work.delegations.answer(await this.status(), input);
  }

  async #judged(output: unknown): Promise<Output> {
    const judged = await judge(this.#output, output);
    if ("value" in judged) return judged.value;
    throw new HikyakuError("TASK_FAILED", `The task completed, but its output is not what was asked for: ${judged.problem}.`);
  }
}

function because(event: TaskProgress | undefined): string {
  const parts = [event?.code, event?.detail].filter((part) => part !== undefined);
  return parts.length === 0 ? "" : ` (${parts.join(": ").replace(/\.$/, "")})`;
}
