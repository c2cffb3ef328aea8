/** `npm run conformance` among the tests, and its judge. */
import { expect, test } from "vitest";
import { proveConformance } from "./conformance.ts";
import { judge } from "./judge.ts";
import type { Check } from "./kit.ts";

test("in both revisions the conformance kit finds nothing wrong but what is listed with its reason", { timeout: 240_000 }, async () => {
  const results = await proveConformance();
  expect(results.map(({ of, revision }) => `${of}, ${revision}`)).toEqual([
    "hikyaku mcp --http, 2025-11-25",
    "hikyaku mcp --http, 2026-07-28",
    "the example server, 2025-11-25",
    "the example server, 2026-07-28",
  ]);
  for (const { verdict } of results) expect(verdict.complaints).toEqual([]);
});

const check = (scenario: string, status: Check["status"], id = "it"): Check => ({ scenario, id, status, errorMessage: "so" });
const passes = Array.from({ length: 20 }, (_, n) => check(`s${n}`, "SUCCESS"));
const judged = (checks: readonly Check[], ...fails: readonly string[]) => judge([...passes, ...checks], [{ why: "so", fails }]).complaints;

test("what fails without being listed is a complaint, as is what is listed and passes", () => {
  expect(judged([check("a", "FAILURE")])).toEqual(["a:it failed: so"]);
  expect(judged([check("a", "FAILURE")], "a")).toEqual([]);
  expect(judged([check("a", "FAILURE")], "a:it")).toEqual([]);
  expect(judged([check("a", "FAILURE"), check("a", "FAILURE", "other")], "a:it")).toEqual(["a:other failed: so"]);
  expect(judged([check("a", "SUCCESS")], "a")).toEqual(["a passes, and stands among the expected failures"]);
  expect(judged([check("a", "FAILURE")], "a", "a:other")).toEqual(["a:other passes, and stands among the expected failures"]);
});

test("what a revision does not know is not expected of it, but a kit that did nothing is a complaint", () => {
  expect(judged([], "of another revision")).toEqual([]);
  expect(judge([], []).complaints).toEqual(["only 0 scenarios ran"]);
});
