/** What happens when, for the whole simulated world: one queue, ordered by time and then by the order in which things were planned. */

export interface Plan {
  cancel(): void;
}

interface Happening extends Plan {
  at: number;
  readonly turn: number;
  readonly run: () => void;
  /** Whether it is put off while all machines sleep. */
  readonly isAwake: boolean;
  isCanceled: boolean;
}

export class Timeline {
  /** Milliseconds since the world began. */
  now = 0;
  /** How many things have happened. */
  steps = 0;
  /** Milliseconds for which all machines slept, so far. */
  slept = 0;
  /** A binary heap. */
  readonly #heap: Happening[] = [];
  readonly #after: (() => void)[] = [];
  #turns = 0;

  get size(): number {
    return this.#heap.length;
  }

  after(delayMs: number, run: () => void): Plan {
    return this.at(this.now + Math.max(0, delayMs), run);
  }

  at(time: number, run: () => void): Plan {
    return this.#plan(time, run, false);
  }

  /** What people do and what befalls machines: not before they have been awake for that long. */
  whenAwakeFor(time: number, run: () => void): Plan {
    return this.#plan(time + this.slept, run, true);
  }

  #plan(time: number, run: () => void, isAwake: boolean): Plan {
    this.#turns += 1;
    const happening: Happening = {
      at: Math.max(time, this.now),
      turn: this.#turns,
      run,
      isAwake,
      isCanceled: false,
      cancel: () => {
        happening.isCanceled = true;
      },
    };
    this.#push(happening);
    return happening;
  }

  /** Runs when everything that the present happening has set off has settled. */
  whenSettled(run: () => void): void {
    this.#after.push(run);
  }

  /** Time passes while nothing happens, as when all machines sleep: what was due meanwhile happens late, in its order. */
  nap(ms: number): void {
    this.now += ms;
    this.slept += ms;
    for (const happening of this.#heap) if (happening.isAwake) happening.at += ms;
    this.#heap.sort((left, right) => left.at - right.at || left.turn - right.turn);
  }

  /** Lets one thing happen after the other, until `isOver` says so after one of them. Each has its promises run as far as they can before the next. False where nothing is planned any more. */
  run(isOver: () => boolean): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const goOn = (): void => {
      try {
        for (let check = this.#after.shift(); check !== undefined; check = this.#after.shift()) check();
        if (isOver()) resolve(true);
        else if (this.#step()) whenSettled(goOn);
        else resolve(false);
      } catch (error) {
        reject(error);
      }
    };
    goOn();
    return promise;
  }

  #step(): boolean {
    const next = this.#pop();
    if (next === undefined) return false;
    this.now = Math.max(this.now, next.at);
    this.steps += 1;
    next.run();
    return true;
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(happening, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = happening;
  }

  #pop(): Happening | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      this.#dropFirst();
      if (!first.isCanceled) return first;
    }
  }

  #dropFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      if (a === undefined) break;
      const isRight = b !== undefined && isBefore(b, a);
      const smaller = isRight ? b : a;
      if (!isBefore(smaller, last)) break;
      heap[index] = smaller;
      index = isRight ? left + 1 : left;
    }
    heap[index] = last;
  }
}

const isBefore = (left: Happening, right: Happening): boolean => left.at < right.at || (left.at === right.at && left.turn < right.turn);

/**
 * All promises run in microtasks here, and Node has run all of those before it looks for the next tick; a tick that a tick asks for comes before them, so a microtask asks.
 * A turn of the event loop would do as well, and costs ten times as much.
 */
const whenSettled = (run: () => void): void => queueMicrotask(() => process.nextTick(run));
