/** How soon, and how often, a server that ended by itself is started again: each time later, and not for ever. */

const restartsMax = 5;
const withinMs = 60_000;
const pauseMsMin = 250;

export class Restarts {
  readonly #now: () => number;
  #times: readonly number[] = [];

  /** `now` never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many milliseconds to wait before the next one; undefined where there were too many. */
  next(): number | undefined {
    const now = this.#now();
    this.#times = this.#times.filter((time) => time > now - withinMs);
    if (this.#times.length >= restartsMax) return undefined;
    const waitMs = pauseMsMin * 2 ** this.#times.length;
    this.#times = [...this.#times, now];
    return waitMs;
  }
}
