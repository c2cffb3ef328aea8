/** Who follows which task: told that something happened, never what, since the store knows that better. */
import { HikyakuError, isFinalState } from "@hikyaku/protocol";
import type { TaskEvent, TaskKey, TaskStore } from "../ports/task-store.ts";
import { textOfKey } from "./work-ground.ts";

export interface FollowOptions {
  /** Only events after this cursor; all of them unless told. */
  readonly after?: number;
  readonly signal?: AbortSignal;
}

const pageSize = 64;

export class Followers {
  readonly #tasks: TaskStore;
  readonly #closing: AbortSignal;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(tasks: TaskStore, closing: AbortSignal) {
    this.#tasks = tasks;
    this.#closing = closing;
  }

  changed(key: TaskKey): void {
    for (const wake of this.#waiting.get(textOfKey(key)) ?? []) wake();
  }

  /** A task's events in order, each once, from the store or as they come, until it has ended. Rejects with CANCELED where the signal aborts, CLOSED where the peer closes. */
  async *follow(key: TaskKey, { after = 0, signal }: FollowOptions = {}): AsyncGenerator<TaskEvent, void> {
    let cursor = after;
    for (;;) {
      using change = this.#nextChange(key, signal);
      const events = await this.#tasks.events(key, cursor, pageSize);
      for (const event of events) {
        cursor = event.cursor;
        yield event;
        if (isFinalState(event.state)) return;
      }
      if (events.length === pageSize) continue;
      if (events.length === 0 && !(await this.#goesOn(key, cursor))) return;
      await change.promise;
    }
  }

  /** Whether anything may follow this cursor. */
  async #goesOn(key: TaskKey, cursor: number): Promise<boolean> {
    const task = await this.#tasks.find(key);
    return task !== undefined && !(isFinalState(task.state) && task.cursor <= cursor);
  }

  /** Subscribed before the store is read, so that nothing falls between. */
  #nextChange(key: TaskKey, signal: AbortSignal | undefined): Disposable & { readonly promise: Promise<void> } {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    const text = textOfKey(key);
    const wakes = this.#waiting.get(text) ?? new Set();
    this.#waiting.set(text, wakes.add(resolve));
    const cancel = (): void => reject(new HikyakuError("CANCELED", "Following the task was canceled.", { cause: signal?.reason }));
    const close = (): void => reject(new HikyakuError("CLOSED", "The peer was closed."));
    if (this.#closing.aborted) close();
    if (signal?.aborted === true) cancel();
    this.#closing.addEventListener("abort", close, { once: true });
    signal?.addEventListener("abort", cancel, { once: true });
    return {
      promise,
      [Symbol.dispose]: () => {
        this.#closing.removeEventListener("abort", close);
        signal?.removeEventListener("abort", cancel);
        wakes.delete(resolve);
        if (wakes.size === 0) this.#waiting.delete(text);
      },
    };
  }
}
