import { limits } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { afterFailure, type Backoff } from "./backoff.ts";

const certain = 0.999;
const waitsOf = (count: number, dice: number): readonly number[] => {
  let backoff: Backoff | undefined;
  return Array.from({ length: count }, () => {
    backoff = afterFailure(backoff, 0, dice);
    return Math.ceil(backoff.retryAt);
  });
};

test("the longest wait doubles from 1 s up to 60 s [DLV-5]", () => {
  expect(waitsOf(9, certain).map((wait) => Math.round(wait / 1000))).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

test("each wait is anything up to that, and never none at all [DLV-5]", () => {
  expect(waitsOf(5, 0.5)).toEqual([500, 1000, 2000, 4000, 8000]);
  expect(waitsOf(3, 0)).toEqual([250, 250, 250]);
});

test("a peer that has not been reached for a day is tried every five minutes at the longest [DLV-5]", () => {
  const first = afterFailure(undefined, 0, certain);
  const justBefore = afterFailure(first, limits.longGoneMs - 1, certain);
  expect(justBefore.retryAt - (limits.longGoneMs - 1)).toBeLessThan(limits.retryMsMax);
  const after = afterFailure(first, limits.longGoneMs, certain);
  expect(Math.ceil(after.retryAt - limits.longGoneMs)).toBe(limits.longGoneRetryMs * certain);
});

test("it counts failures in a row and remembers the first of them; a thousand of them still give a number", () => {
  let backoff = afterFailure(undefined, 7, certain);
  for (let failure = 1; failure < 1000; failure += 1) backoff = afterFailure(backoff, 8, certain);
  expect(backoff).toMatchObject({ failures: 1000, since: 7 });
  expect(backoff.retryAt).toBe(8 + limits.retryMsMax * certain);
});
