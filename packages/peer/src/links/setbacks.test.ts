import { HikyakuError, limits } from "@hikyaku/protocol";
import { ManualClock } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { Setbacks } from "./setbacks.ts";

/** Dice that always show the most. */
const random = { bytes: (length: number) => new Uint8Array(length).fill(255) };
const unreachable = new HikyakuError("UNREACHABLE", "desk is not reachable.");

test("the reason of a failed attempt stands, also where the link that it was made on ends afterwards", () => {
  const setbacks = new Setbacks(new ManualClock(), random);
  setbacks.failed(unreachable);
  setbacks.linkEnded("desk", "of no use", 1);
  expect(setbacks.trouble).toMatchObject({ reason: "desk is not reachable." });
  setbacks.clear();
  setbacks.linkEnded("desk", "it was cut", 1);
  expect(setbacks.trouble).toMatchObject({ reason: "The connection to desk ended: it was cut." });
});

test("links that end soon come back ever more slowly, and one that lived a minute as soon as the first [STREAM-7]", () => {
  const setbacks = new Setbacks(new ManualClock(), random);
  const waitAfter = (livedMs: number): number => {
    setbacks.clear();
    setbacks.linkEnded("desk", "it was cut", livedMs);
    return setbacks.waitMs;
  };
  const [first, second, third] = [waitAfter(1), waitAfter(1), waitAfter(1)];
  expect(second).toBeGreaterThan(first);
  expect(third).toBeGreaterThan(second);
  expect(waitAfter(limits.steadyLinkMs)).toBe(first);
});

test("whoever waits for an answer makes the next attempt now, and what is over leaves no trace [DLV-5]", () => {
  const setbacks = new Setbacks(new ManualClock(), random);
  expect([setbacks.trouble, setbacks.waitMs <= 0]).toEqual([undefined, true]);
  setbacks.failed(unreachable);
  expect(setbacks.waitMs).toBeGreaterThan(0);
  setbacks.hurry();
  expect([setbacks.waitMs, setbacks.trouble?.retryInMs]).toEqual([0, 0]);
  setbacks.clear();
  expect(setbacks.trouble).toBeUndefined();
});
