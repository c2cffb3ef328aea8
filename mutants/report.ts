/** What a test run says of itself, as data that goes through a file: `reporter.ts` writes it, `judge.ts` reads it. */

/** The environment variable that names the file. */
export const reportVariable = "MUTANTS_REPORT";

export interface ReportedError {
  readonly name: string;
  readonly message: string;
  /** fast-check wraps what a property threw. */
  readonly cause?: ReportedError;
}

export interface ReportedTest {
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped" | "pending";
  readonly errors: readonly ReportedError[];
}

export interface TestReport {
  readonly tests: readonly ReportedTest[];
  /** What failed outside a test: an import, a suite's set-up, a promise that nobody awaited. */
  readonly errors: readonly ReportedError[];
}
