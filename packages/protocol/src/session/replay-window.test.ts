import fc from "fast-check";
import { expect, test } from "vitest";
import { forwardJumpMax, replayWindowSize } from "../base/limits.ts";
import { judgeCounter, type ReplayWindow, windowAt } from "./replay-window.ts";

/** What the window promises, said with a set that forgets nothing. */
class Reference {
  #highest: number;
  readonly #seen = new Set<number>();
  readonly #first: number;

  constructor(highest: number) {
    this.#highest = highest;
    this.#first = highest + 1;
  }

  judge(counter: number): "fresh" | "replayed" | "out-of-range" {
    if (counter <= this.#highest - 1024 || counter > this.#highest + 1024) return "out-of-range";
    return counter < this.#first || this.#seen.has(counter) ? "replayed" : "fresh";
  }

  commit(counter: number): void {
    this.#seen.add(counter);
    this.#highest = Math.max(this.#highest, counter);
  }
}

const delta = fc.oneof(
  fc.integer({ min: -40, max: 40 }),
  fc.integer({ min: -1100, max: 1100 }),
  fc.constantFrom(-1025, -1024, -1023, -1, 0, 1, 1023, 1024, 1025, 2 ** 40, -(2 ** 40)),
);
const start = fc.constantFrom(0, 1, 5000, 2 ** 20);

test("the window judges every counter as a set of all counters ever seen would [MSG-5]", () => {
  const tally = { fresh: 0, replayed: 0, "out-of-range": 0 };
  fc.assert(
    fc.property(start, fc.array(fc.record({ delta, isAuthentic: fc.boolean() }), { maxLength: 60 }), (highest, steps) => {
      const reference = new Reference(highest);
      let window = windowAt(highest);
      for (const step of steps) {
        const counter = Math.max(0, window.highest + step.delta);
        const verdict = judgeCounter(window, counter);
        expect(verdict.kind).toBe(reference.judge(counter));
        tally[verdict.kind] += 1;
        if (verdict.kind !== "fresh" || !step.isAuthentic) continue;
        window = verdict.window;
        reference.commit(counter);
      }
    }),
    { numRuns: 500 },
  );
  expect(Math.min(...Object.values(tally))).toBeGreaterThan(100);
});

test("judging changes nothing: the window that was asked answers the same again [MSG-6]", () => {
  const window: ReplayWindow = Object.freeze(windowAt(7));
  expect(judgeCounter(window, 9)).toEqual(judgeCounter(window, 9));
  expect(window).toEqual(windowAt(7));
});

test("the window and the jump end where they should [MSG-5]", () => {
  const far = judgeCounter(windowAt(0), forwardJumpMax);
  expect(far.kind).toBe("fresh");
  expect(judgeCounter(windowAt(0), forwardJumpMax + 1).kind).toBe("out-of-range");
  const { window } = far as Extract<typeof far, { kind: "fresh" }>;
  expect(judgeCounter(window, forwardJumpMax - replayWindowSize + 1).kind).toBe("fresh");
  expect(judgeCounter(window, forwardJumpMax - replayWindowSize).kind).toBe("out-of-range");
});

test("extreme counters leave no trace and cost no memory [MSG-5]", () => {
  for (const counter of [2 ** 53 - 1, 2 ** 31, 2 ** 32]) expect(judgeCounter(windowAt(0), counter).kind).toBe("out-of-range");
  let window = windowAt(0);
  for (let counter = 1024; counter < 200 * 1024; counter += 1024) {
    const verdict = judgeCounter(window, counter);
    if (verdict.kind === "fresh") window = verdict.window;
  }
  expect(window.seen.toString(2).length).toBeLessThanOrEqual(replayWindowSize);
});
