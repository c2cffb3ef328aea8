/**
 * What has changed since somebody last looked, told by subject and never by content: whoever shows the inbox, the peers or the tasks of this peer looks again. Each change is one with some peer, so
 * that who may not know of a peer learns nothing of it. Positions rise across restarts, so that one from before a restart finds everything changed.
 */
import { HikyakuError, limits } from "@hikyaku/protocol";

const subjects = ["inbox", "peers", "tasks"] as const;
export type Subject = (typeof subjects)[number];

export interface Changed {
  /** To ask with the next time. */
  readonly cursor: number;
  readonly subjects: readonly Subject[];
}

export interface ChangesQuery {
  /** The cursor of the last answer; 0 for whoever has none. */
  readonly after: number;
  /** Whether changes with a peer are told; all of them unless told. */
  readonly sees?: (did: string) => boolean;
}

const everybody = (): boolean => true;

export class Changes {
  #cursor: number;
  /** The last change with each peer, the oldest first. */
  readonly #lastOf: ReadonlyMap<Subject, Map<string, number>> = new Map(subjects.map((subject) => [subject, new Map()]));
  /** What is as old as this is known no more, and taken for changed. */
  #known: number;
  readonly #waiting = new Set<() => void>();

  /** `now` in milliseconds since 1970: nothing changes more often than a clock ticks, so a later start begins further on. */
  constructor(now: number) {
    this.#cursor = now;
    this.#known = now;
  }

  note(subject: Subject, did: string): void {
    this.#cursor += 1;
    const last = this.#lastOf.get(subject) ?? new Map<string, number>();
    last.delete(did);
    last.set(did, this.#cursor);
    const [oldest] = last;
    if (last.size > limits.knownPeersMax && oldest !== undefined) {
      last.delete(oldest[0]);
      this.#known = Math.max(this.#known, oldest[1]);
    }
    for (const wake of this.#waiting) wake();
  }

  /** From a cursor that was never given, or is too old, everything. */
  since({ after, sees = everybody }: ChangesQuery): Changed {
    const isForeign = after < this.#known || after > this.#cursor;
    const changed = subjects.filter((subject) => isForeign || this.#hasChanged(subject, after, sees));
    return { cursor: this.#cursor, subjects: changed };
  }

  /** As soon as anything has changed. Rejects with CANCELED where the signal aborts first. */
  async next(query: ChangesQuery, signal: AbortSignal): Promise<Changed> {
    for (;;) {
      const changed = this.since(query);
      if (changed.subjects.length > 0) return changed;
      await this.#change(signal);
    }
  }

  #hasChanged(subject: Subject, after: number, sees: (did: string) => boolean): boolean {
    for (const [did, at] of this.#lastOf.get(subject) ?? []) if (at > after && sees(did)) return true;
    return false;
  }

  async #change(signal: AbortSignal): Promise<void> {
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
  }
}
