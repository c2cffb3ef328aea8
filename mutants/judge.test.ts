import { expect, test } from "vitest";
import { judgeBaseline, judgeReport } from "./judge.ts";
import type { ReportedError, ReportedTest } from "./report.ts";

const assertion: ReportedError = { name: "AssertionError", message: "expected 1 to be 2" };
const mistake: ReportedError = { name: "TypeError", message: "x is undefined\nsecond line" };
const passed: ReportedTest = { name: "a replay is refused", state: "passed", errors: [] };
const failedBy = (...errors: readonly ReportedError[]): ReportedTest => ({ name: "an old number is refused", state: "failed", errors });

test("an assertion that fails kills, whatever else went wrong", () => {
  const tests = [passed, failedBy(mistake), failedBy(assertion)];
  expect(judgeReport({ tests, errors: [mistake] })).toEqual({ kind: "killed", by: "an old number is refused" });
});

test("an assertion that fast-check wrapped kills, an exception that it wrapped does not", () => {
  const property: ReportedError = { name: "Error", message: "Property failed after 1 tests" };
  expect(judgeReport({ tests: [failedBy({ ...property, cause: assertion })], errors: [] }).kind).toBe("killed");
  expect(judgeReport({ tests: [failedBy({ ...property, cause: mistake })], errors: [] }).kind).toBe("broken");
});

test("where all tests pass the mutant survived", () => {
  expect(judgeReport({ tests: [passed], errors: [] })).toEqual({ kind: "survived" });
});

test.each([
  ["an exception in a test", [failedBy(mistake)], [], "no assertion failed, but TypeError: x is undefined"],
  ["an import that fails", [], [mistake], "no assertion failed, but TypeError: x is undefined"],
  ["a promise that nobody awaited", [passed], [mistake], "no assertion failed, but TypeError: x is undefined"],
  ["a title that no test has", [{ ...passed, state: "skipped" as const }], [], "no test ran"],
])("%s proves nothing", (_, tests, errors, why) => {
  expect(judgeReport({ tests, errors })).toEqual({ kind: "broken", why });
});

test("the tests must pass without a mutant, and every title must name one", () => {
  expect(judgeBaseline({ tests: [passed], errors: [] }, ["replay", "refused"])).toBeUndefined();
  expect(judgeBaseline({ tests: [passed, failedBy(assertion)], errors: [] }, [])).toContain("an old number is refused");
  expect(judgeBaseline({ tests: [passed], errors: [mistake] }, [])).toContain("TypeError");
  expect(judgeBaseline({ tests: [passed], errors: [] }, ["replay", "window"])).toContain("window");
  expect(judgeBaseline({ tests: [{ ...passed, state: "skipped" }], errors: [] }, [])).toBe("without a mutant, no test passes");
});
