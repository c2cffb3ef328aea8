/**
 * The threads that judge in this process. There may be hundreds of servings, and a thread takes some 20 MB and up to four times as much while it judges: so there are only a
 * few, and who finds none free waits for a place. One that has nothing to judge is kept for a while, since the next value often comes soon, unless its place is wanted.
 */
import { JudgeThread } from "./judge-thread.ts";

/** At once, idle ones among them. */
const threadsMax = 8;
const idleMsMax = 30_000;
/** For so long one judges before it gives way to those that wait: coming up costs as much as judging hundreds of values. */
const turnMs = 1_000;

export class JudgeThreads {
  readonly #max: number;
  #taken = 0;
  /** The one that is idle for longest comes first. */
  readonly #idle = new Map<JudgeThread, NodeJS.Timeout>();
  /** Whoever waits for a place, in the order in which they came. */
  readonly #waiting: (() => void)[] = [];

  constructor(max: number = threadsMax) {
    this.#max = max;
  }

  /** A new one as soon as there is a place; undefined where it did not come up. */
  async start(): Promise<JudgeThread | undefined> {
    await this.#place();
    return await JudgeThread.start(() => this.#leave());
  }

  /** It has nothing to do: it is ended when it has been idle for long, or its place is wanted. */
  put(thread: JudgeThread): void {
    if (this.#waiting.length > 0) return this.end(thread);
    this.#idle.set(thread, setTimeout(() => this.end(thread), idleMsMax).unref());
  }

  /** It has something to do again. */
  take(thread: JudgeThread): void {
    clearTimeout(this.#idle.get(thread));
    this.#idle.delete(thread);
  }

  /** Between two values: it is ended where others wait and it has had its turn. */
  giveWay(thread: JudgeThread): void {
    if (this.#waiting.length > 0 && performance.now() - thread.startedAt > turnMs) this.end(thread);
  }

  end(thread: JudgeThread): void {
    this.take(thread);
    void thread.end();
  }

  async #place(): Promise<void> {
    if (this.#taken < this.#max) {
      this.#taken += 1;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const [longest] = this.#idle.keys();
    if (longest !== undefined) this.end(longest);
    await promise;
  }

  /** A place is handed on, or free. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
