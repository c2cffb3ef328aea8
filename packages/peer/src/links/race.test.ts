import { HikyakuError, limits } from "@hikyaku/protocol";
import { failureOf, ManualClock, settle } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { type Racer, race } from "./race.ts";

/** Racers that open or fail when told. */
function lanes(count: number) {
  const doors = Array.from({ length: count }, () => Promise.withResolvers<string>());
  const begun: number[] = [];
  const discarded: string[] = [];
  const signals: AbortSignal[] = [];
  const racers = doors.map(
    ({ promise }, index): Racer<string> => ({
      open: (signal) => {
        begun.push(index);
        signals[index] = signal;
        return promise;
      },
      discard: (prize) => void discarded.push(prize),
    }),
  );
  return { doors, begun, discarded, signals, racers };
}

const gone = (what: string): HikyakuError => new HikyakuError("UNREACHABLE", what);
const never = new AbortController().signal;

test("the next one starts when the one before has not answered for 250 ms", async () => {
  const clock = new ManualClock();
  const { begun, doors, racers } = lanes(3);
  const outcome = race(clock, racers, never);
  await clock.pass(limits.raceStaggerMs - 1);
  expect(begun).toEqual([0]);
  await clock.pass(1);
  expect(begun).toEqual([0, 1]);
  await clock.pass(limits.raceStaggerMs);
  expect(begun).toEqual([0, 1, 2]);
  doors[1]?.resolve("second");
  expect(await outcome).toEqual({ kind: "won", index: 1, prize: "second" });
});

test("a failure starts the next one at once, and all failures come back in the order of the addresses", async () => {
  const clock = new ManualClock();
  const { begun, doors, racers } = lanes(2);
  const outcome = race(clock, racers, never);
  doors[0]?.reject(gone("first"));
  await settle();
  expect(begun).toEqual([0, 1]);
  doors[1]?.reject(gone("second"));
  expect(await outcome).toMatchObject({ kind: "lost", failures: [{ message: "first" }, { message: "second" }] });
});

test("whoever loses is told to stop, and what it opens too late is taken back", async () => {
  const clock = new ManualClock();
  const { doors, discarded, signals, racers } = lanes(3);
  const outcome = race(clock, racers, never);
  await clock.pass(limits.raceStaggerMs);
  doors[0]?.resolve("first");
  expect(await outcome).toMatchObject({ kind: "won", index: 0 });
  expect(signals[1]?.aborted).toBe(true);
  doors[1]?.resolve("late");
  await clock.pass(10 * limits.raceStaggerMs);
  expect(discarded).toEqual(["late"]);
  expect(signals).toHaveLength(2);
});

test("without addresses nothing is lost but the race; a mistake of ours is no failure of an address", async () => {
  const clock = new ManualClock();
  expect(await race(clock, [], never)).toEqual({ kind: "lost", failures: [] });
  const { doors, racers } = lanes(2);
  const outcome = failureOf(race(clock, racers, never));
  doors[0]?.reject(new TypeError("a mistake"));
  expect(await outcome).toBeInstanceOf(TypeError);
});
