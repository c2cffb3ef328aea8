/** What the kit found against what is expected of it: nothing fails that is not listed, and nothing is listed that passes. */
import type { Check } from "./kit.ts";

/** Failures that have one reason. */
export interface ExpectedFailures {
  readonly why: string;
  /** Scenarios, or single checks of one as `scenario:check`. */
  readonly fails: readonly string[];
}

export interface Verdict {
  readonly scenarios: number;
  /** Checks. */
  readonly passed: number;
  readonly expected: number;
  /** One line each. */
  readonly complaints: readonly string[];
}

const keyOf = ({ scenario, id }: Check): string => `${scenario}:${id}`;

export function judge(checks: readonly Check[], lists: readonly ExpectedFailures[]): Verdict {
  const ran = new Set(checks.map(({ scenario }) => scenario));
  const listed = lists.flatMap(({ fails }) => fails);
  const failed = checks.filter(({ status }) => status === "FAILURE");
  const isListed = (check: Check): boolean => listed.includes(check.scenario) || listed.includes(keyOf(check));
  const unexpected = failed.filter((check) => !isListed(check));
  const failing = new Set(failed.flatMap((check) => [check.scenario, keyOf(check)]));
  // What a revision does not know is not looked at there.
  const stale = listed.filter((key) => ran.has(key.split(":", 1)[0] ?? "") && !failing.has(key));
  return {
    scenarios: ran.size,
    passed: checks.filter(({ status }) => status === "SUCCESS").length,
    expected: failed.length - unexpected.length,
    complaints: [
      ...unexpected.map((check) => `${keyOf(check)} failed: ${check.errorMessage}`),
      ...stale.map((key) => `${key} passes, and stands among the expected failures`),
      ...(ran.size < scenariosMin ? [`only ${ran.size} scenarios ran`] : []),
    ],
  };
}

/** Fewer, and the kit has not done its work. */
const scenariosMin = 20;
