/**
 * Whether a mutant was killed. Only an assertion kills: a program that no longer starts, a test that waits for ever or an exception out of nowhere would
 * also make a run red, and would say nothing about whether the tests look at the rule.
 */
import type { ReportedError, TestReport } from "./report.ts";

export type Verdict =
  | { readonly kind: "killed"; readonly by: string }
  | { readonly kind: "survived" }
  /** The row proves nothing, so it fails the run as a survivor does. */
  | { readonly kind: "broken"; readonly why: string };

export function judgeReport({ tests, errors }: TestReport): Verdict {
  const ran = tests.filter(({ state }) => state === "passed" || state === "failed");
  const killer = ran.find((test) => test.errors.some(isAssertion));
  if (killer !== undefined) return { kind: "killed", by: killer.name };
  const other = [...ran.flatMap((test) => test.errors), ...errors][0];
  if (other !== undefined) return { kind: "broken", why: `no assertion failed, but ${firstLine(other)}` };
  return ran.length === 0 ? { kind: "broken", why: "no test ran" } : { kind: "survived" };
}

/** Why the tests cannot judge mutants, or undefined: without a mutant all of them pass, and each title is the title of one. */
export function judgeBaseline({ tests, errors }: TestReport, titles: readonly string[]): string | undefined {
  const failed = tests.find(({ state }) => state === "failed");
  if (failed !== undefined) return `without a mutant, "${failed.name}" fails: ${firstLine(failed.errors[0])}`;
  if (errors[0] !== undefined) return `without a mutant, the run fails: ${firstLine(errors[0])}`;
  const passed = tests.filter(({ state }) => state === "passed");
  const missing = titles.find((title) => !passed.some(({ name }) => name.includes(title)));
  if (missing !== undefined) return `without a mutant, no test passes whose name has "${missing}"`;
  return passed.length === 0 ? "without a mutant, no test passes" : undefined;
}

const isAssertion = ({ name, cause }: ReportedError): boolean => name === "AssertionError" || (cause !== undefined && isAssertion(cause));

const firstLine = (error: ReportedError | undefined): string =>
  error === undefined ? "?" : (`${error.name}: ${error.message}`.split("\n", 1)[0] ?? "");
