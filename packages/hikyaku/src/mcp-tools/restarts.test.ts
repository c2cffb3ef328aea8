import { expect, test } from "vitest";
import { Restarts } from "./restarts.ts";

test("each restart within a minute waits twice as long as the one before; there are five, and later five again [TOOL-4]", () => {
  let now = 0;
  const restarts = new Restarts(() => now);
  expect(Array.from({ length: 6 }, () => restarts.next())).toEqual([250, 500, 1000, 2000, 4000, undefined]);
  now = 60_001;
  expect(restarts.next()).toBe(250);
});
