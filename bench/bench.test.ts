import { describe, expect, test } from "vitest";
import { agrees, readSpeed } from "./floor/openssl.ts";
import { atLeast, atLeastTimes, atMost, atMostBeyond, type Figures, type Goal } from "./goal.ts";
import { type Judgement, judge } from "./judge.ts";
import { median } from "./measure.ts";
import { describeRun, table } from "./results.ts";
import type { Measured } from "./row.ts";
import { chooseRows, rows } from "./rows.ts";

const judged = (goal: Goal, figures: Figures, peers: Measured["peers"] = []): Judgement =>
  judge({ id: "P0", name: "a row of the test", unit: "things/s", goal }, { ...figures, peers });

/** Ratio and verdict, or why there is none. */
function verdict(goal: Goal, figures: Figures): unknown {
  const judgement = judged(goal, figures);
  return judgement.kind === "measured" ? [judgement.result.ratio, judgement.result.reached] : judgement.kind;
}

describe("a row is judged by its ratio to the floor", () => {
  test.each([
    ["a rate on its goal", atLeast(0.55), { value: 55, floor: 100 }, [0.55, true]],
    ["a rate below its goal", atLeast(0.55), { value: 54, floor: 100 }, [0.54, false]],
    ["a time on its goal", atMost(1.5), { value: 150, floor: 100 }, [1.5, true]],
    ["a time above its goal", atMost(1.5), { value: 151, floor: 100 }, [1.51, false]],
    ["a rate far above its yardstick", atLeastTimes(13), { value: 1400, floor: 100 }, [14, true]],
    ["a rate below so many yardsticks", atLeastTimes(13), { value: 1200, floor: 100 }, [12, false]],
    ["a time beyond the floor on its goal", atMostBeyond(500, "ms"), { value: 500, floor: 40 }, [13.5, true]],
    ["a time too far beyond the floor", atMostBeyond(500, "ms"), { value: 501, floor: 40 }, [13.53, false]],
  ])("%s", (_, goal, figures, expected) => {
    expect(verdict(goal, figures)).toEqual(expected);
  });
});

describe("a row that beats its own floor is an error of the bench", () => {
  test.each([
    ["a rate", atLeast(0.55), { value: 120, floor: 100 }],
    ["a time", atMost(1.5), { value: 80, floor: 100 }],
    ["a time beyond the floor", atMostBeyond(500, "ms"), { value: -10, floor: 40 }],
  ])("%s", (_, goal, figures) => {
    expect(judged(goal, figures)).toEqual({ kind: "impossible", why: expect.stringContaining("P0 beats its own floor") });
  });

  test.each([
    ["a rate", atLeast(0.55), { value: 105, floor: 100 }],
    ["a time", atMost(1.5), { value: 95, floor: 100 }],
    ["a time beyond the floor", atMostBeyond(500, "ms"), { value: -2, floor: 40 }],
  ])("but %s may be as much off as machines wander", (_, goal, figures) => {
    expect(judged(goal, figures).kind).toBe("measured");
  });
});

test.each([
  { value: Number.NaN, floor: 100 },
  { value: Number.POSITIVE_INFINITY, floor: 100 },
  { value: 100, floor: 0 },
  { value: 100, floor: Number.NaN },
])("a row without figures is an error, not a result (%j)", (figures) => {
  expect(judged(atLeast(0.5), figures)).toEqual({ kind: "impossible", why: expect.stringContaining("no figures") });
});

test("results have exactly the shape that others read, and name neither host nor path", () => {
  const peer = { name: "another", value: 1234.5678, lacks: "durability" };
  const judgement = judged(atLeast(0.55), { value: 33.33333, floor: 100 }, [peer]);
  if (judgement.kind !== "measured") throw new Error(judgement.why);
  const results = describeRun([judgement.result], import.meta.dirname);
  const text = JSON.stringify(results);
  expect(JSON.parse(text)).toEqual({
    machine: expect.stringMatching(/^.+, \d+ cores, \w+ [\d.]+ \w+$/),
    node: process.version,
    commit: expect.stringMatching(/^([0-9a-f]{12}\+?|unknown)$/),
    rows: [
      {
        id: "P0",
        name: "a row of the test",
        value: 33.33,
        unit: "things/s",
        floor: 100,
        ratio: 0.3333,
        goal: "≥ 0.55 × floor",
        reached: false,
        peers: [{ name: "another", value: 1235, lacks: "durability" }],
      },
    ],
  });
  expect(text).not.toContain(import.meta.dirname);
});

test("the table tells what was not reached, and what a counterpart does not do", () => {
  const judgement = judged(atLeast(0.55), { value: 33, floor: 100 }, [{ name: "another", value: 99, lacks: "durability" }]);
  if (judgement.kind !== "measured") throw new Error(judgement.why);
  const [, row, counterpart] = table([judgement.result]).split("\n");
  expect(row).toMatch(/^P0 .* 33 things\/s +100 +0\.33 +≥ 0\.55 × floor +not reached$/);
  expect(counterpart).toMatch(/another: no durability +99 things\/s$/);
});

test("every row stands under its own id and measures against a floor", async () => {
  for (const [id, load] of Object.entries(rows)) {
    const { row } = await load();
    expect(row.id).toBe(id);
    expect(row.goal.text).toMatch(/floor|yardstick/);
  }
});

describe("--only", () => {
  const ids = ["P2-http", "P2-socket", "P6", "P11"];
  test.each([
    [undefined, { chosen: ids, unknown: [] }],
    ["P6", { chosen: ["P6"], unknown: [] }],
    ["P11, P2", { chosen: ["P2-http", "P2-socket", "P11"], unknown: [] }],
    ["P2-http", { chosen: ["P2-http"], unknown: [] }],
    ["P1", { chosen: [], unknown: ["P1"] }],
    ["P6,P99", { chosen: ["P6"], unknown: ["P99"] }],
  ])("%s", (only, expected) => {
    expect(chooseRows(only, ids)).toEqual(expected);
  });
});

test("the median is the middle one, or halfway between the two in the middle", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 100])).toBe(3);
});

test("openssl's own measurements are read, and a third between the two is agreement", () => {
  const speed = readSpeed("+H:Ed25519\n+F6:0:253:Ed25519:20000.0:8000.0\n");
  expect(speed).toEqual({ signUs: 50, verifyUs: 125 });
  expect(readSpeed("unknown algorithm ed25519")).toBeUndefined();
  expect(agrees({ signUs: 60, verifyUs: 130 }, { signUs: 50, verifyUs: 125 })).toBe(true);
  expect(agrees({ signUs: 50, verifyUs: 200 }, { signUs: 50, verifyUs: 125 })).toBe(false);
});
