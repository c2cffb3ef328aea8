/**
 * What has changed since somebody last looked, told by subject and never by content: whoever shows the inbox, the peers or the tasks of this peer looks again. Positions rise
 * across restarts, so that one from before a restart finds everything changed.
 */
import { HikyakuError } from "@hikyaku/protocol";

export const subjects = ["inbox", "peers", "tasks"] as const;
export type Subject = (typeof subjects)[number];

export interface Changed {
  /** To ask with the next time. */
  readonly cursor: number;
  readonly subjects: readonly Subject[];
}

export class Changes {
  #cursor: number;
  readonly #lastOf: Map<Subject, number>;
  readonly #waiting = new Set<() => void>();

  /** `now` in milliseconds since 1970: nothing changes more often than a clock ticks, so a later start begins further on. */
  constructor(now: number) {
    this.#cursor = now;
    this.#lastOf = new Map(subjects.map((subject) => [subject, now]));
  }

  note(subject: Subject): void {
    this.#cursor += 1;
    this.#lastOf.set(subject, this.#cursor);
    for (const wake of this.#waiting) wake();
  }

  /** What changed after a cursor; from one that was never given, everything. */
  since(cursor: number): Changed {
    const isForeign = cursor > this.#cursor;
    return { cursor: this.#cursor, subjects: subjects.filter((subject) => isForeign || (this.#lastOf.get(subject) ?? 0) > cursor) };
  }

  /** As soon as anything has changed after a cursor. Rejects with CANCELED where the signal aborts first. */
  async next(cursor: number, signal: AbortSignal): Promise<Changed> {
    const changed = this.since(cursor);
    if (changed.subjects.length > 0) return changed;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = (): void => reject(new HikyakuError("CANCELED", "Waiting for a change was canceled.", { cause: signal.reason }));
    this.#waiting.add(resolve);
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      await promise;
    } finally {
      this.#waiting.delete(resolve);
      signal.removeEventListener("abort", cancel);
    }
    return this.since(cursor);
  }
}
