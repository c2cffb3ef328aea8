/** Threads that have nothing to judge just now: kept for a while, since the next value often comes soon, and only a few of them, since each takes some 20 MB. */
import type { JudgeThread } from "./judge-thread.ts";

const idleMsMax = 30_000;
/** There may be hundreds of servings, and each has had its schemas read by a thread. */
const idleThreadsMax = 8;

export class IdleThreads {
  /** The one that is idle for longest comes first. */
  readonly #timers = new Map<JudgeThread, NodeJS.Timeout>();

  /** It is ended when it has been idle for long, or the place is wanted. */
  put(thread: JudgeThread): void {
    const [oldest] = this.#timers.keys();
    if (oldest !== undefined && this.#timers.size >= idleThreadsMax) this.end(oldest);
    this.#timers.set(thread, setTimeout(() => this.end(thread), idleMsMax).unref());
  }

  /** It has something to do again. */
  take(thread: JudgeThread): void {
    clearTimeout(this.#timers.get(thread));
    this.#timers.delete(thread);
  }

  end(thread: JudgeThread): void {
    this.take(thread);
    void thread.end();
  }
}
