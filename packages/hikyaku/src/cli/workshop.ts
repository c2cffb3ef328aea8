/**
 * The runs for one serving of a capability: tasks come from the peer that is up, a run is begun for each, and what that one says goes back. Asking for news keeps the serving
 * alive; a task that ended otherwise is stopped, and the peer told once its run is over.
 */
import { HikyakuError } from "@hikyaku/protocol";
import { UnfitOutput } from "../serving/output-lines.ts";
import type { BeginRun, Run, Said, ServedTask } from "../serving/run.ts";
import type { ControlClient } from "./control-client.ts";

interface News {
  readonly tasks: readonly { readonly errand: string; readonly task: ServedTask }[];
  readonly answers: readonly { readonly errand: string; readonly answer: unknown }[];
  readonly ended: readonly string[];
}

export interface WorkshopEars {
  /** A task begins, or has ended after so many milliseconds. */
  readonly report: (task: ServedTask, state: "begun" | "completed" | "failed" | "stopped", ms?: number) => Promise<void>;
  readonly note: (task: ServedTask, line: string) => void;
}

export class Workshop {
  readonly #peer: ControlClient;
  readonly #path: string;
  readonly #begin: BeginRun;
  readonly #ears: WorkshopEars;
  readonly #runs = new Map<string, Run>();
  /** One for each task, until its last word is said. */
  readonly #works = new Set<Promise<void>>();
  readonly #failed = Promise.withResolvers<never>();
  #hasLeft = false;
  #isSuspended = false;

  constructor(peer: ControlClient, servingId: string, begin: BeginRun, ears: WorkshopEars) {
    this.#peer = peer;
    this.#path = `/servings/${servingId}`;
    this.#begin = begin;
    this.#ears = ears;
    this.#failed.promise.catch(() => undefined);
  }

  get busy(): number {
    return this.#runs.size;
  }

  /** Takes tasks until `leave`, and then until those are done, or until `suspend`. Rejects, with nothing running any more, where the peer is gone. */
  async run(): Promise<void> {
    try {
      while (!this.#isOver) this.#take(await Promise.race([this.#news(), this.#failed.promise]));
    } finally {
      for (const run of this.#runs.values()) run.stop();
      await Promise.allSettled([...this.#runs.values()].map(({ outcome }) => outcome));
    }
  }

  /** Takes nothing more; the capability is offered no more. */
  async leave(): Promise<void> {
    try {
      await this.#peer.delete(this.#path);
      this.#hasLeft = true;
    } catch (error) {
      this.#failed.reject(error);
    }
  }

  /**
   * What does the work has gone, and may come back: tasks whose last word was not heard are taken from it, and the capability stays offered. From the moment of the call
   * nothing more is begun, and no run that ends now is told as stopped one by one.
   */
  async suspend(): Promise<void> {
    this.#isSuspended = true;
    for (const run of this.#runs.values()) run.stop();
    await Promise.allSettled(this.#works);
    try {
      await this.#peer.post<object>(`${this.#path}/suspension`, {});
    } catch (error) {
      this.#failed.reject(error);
    }
  }

  /** Ends every run at once. */
  kill(): void {
    for (const run of this.#runs.values()) run.kill();
  }

  get #isOver(): boolean {
    return this.#isSuspended || (this.#hasLeft && this.#runs.size === 0);
  }

  async #news(): Promise<News> {
    try {
      return await this.#peer.post<News>(`${this.#path}/news`, {});
    } catch (error) {
      // Once it is suspended, or has left and nothing is in work, the peer knows it no more.
      if (this.#isOver) return { tasks: [], answers: [], ended: [] };
      throw error;
    }
  }

  #take({ tasks, answers, ended }: News): void {
    if (this.#isSuspended) return;
    for (const { errand, task } of tasks) this.#start(errand, task);
    for (const { errand, answer } of answers) this.#runs.get(errand)?.answer?.(answer);
    for (const errand of ended) this.#runs.get(errand)?.stop();
  }

  #start(errand: string, task: ServedTask): void {
    const work = this.#work(errand, task)
      .catch((error: unknown) => this.#failed.reject(error))
      .finally(() => this.#works.delete(work));
    this.#works.add(work);
  }

  async #work(errand: string, task: ServedTask): Promise<void> {
    const begunAt = performance.now();
    const path = `${this.#path}/errands/${errand}`;
    const run = this.#begin(task, {
      tell: (said) => this.#tell(path, said),
      note: (line) => this.#ears.note(task, line),
    });
    this.#runs.set(errand, run);
    await this.#ears.report(task, "begun");
    const last = await run.outcome;
    this.#runs.delete(errand);
    if (last !== undefined || !this.#isSuspended) await this.#sayLast(path, last);
    const state = last === undefined ? "stopped" : "error" in last ? "failed" : "completed";
    await this.#ears.report(task, state, performance.now() - begunAt);
  }

  async #sayLast(path: string, last: Said | undefined): Promise<void> {
    try {
      if (last === undefined) await this.#peer.delete(path);
      else await this.#tell(path, last);
    } catch (error) {
      if (error instanceof UnfitOutput) await this.#tell(path, { error: error.message });
      else if (!hasEnded(error)) throw error;
    }
  }

  /** Throws UnfitOutput where the peer cannot take it. That the task has ended meanwhile is told by the news. */
  async #tell(path: string, said: Said): Promise<void> {
    try {
      await this.#peer.post<object>(path, said);
    } catch (error) {
      if (hasEnded(error)) return;
      if (error instanceof HikyakuError && unfitCodes.has(error.code))
        throw new UnfitOutput(`The program's output is not understood: ${error.message}`);
      throw error;
    }
  }
}

const unfitCodes: ReadonlySet<string> = new Set(["INVALID_ARGUMENT", "MESSAGE_TOO_LARGE", "QUOTA_EXCEEDED"]);
const endedCodes: ReadonlySet<string> = new Set(["UNKNOWN_TASK", "CANCELED", "TIMED_OUT"]);
const hasEnded = (error: unknown): boolean => error instanceof HikyakuError && endedCodes.has(error.code);
