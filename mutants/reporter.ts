/** The reporter that vitest is run with: it keeps the kind of every error, which vitest's own JSON leaves out where fast-check wrapped it. */
import { writeFileSync } from "node:fs";
import type { Reporter, TestModule, TestSuite } from "vitest/node";
import { type ReportedError, type ReportedTest, reportVariable, type TestReport } from "./report.ts";

interface AnyError {
  readonly name?: string | undefined;
  readonly message?: string;
  readonly cause?: unknown;
}

const causesMax = 4;

function reported({ name = "", message = "", cause }: AnyError, depth = 0): ReportedError {
  const isWrapping = typeof cause === "object" && cause !== null && depth < causesMax;
  return { name, message, ...(isWrapping ? { cause: reported(cause as AnyError, depth + 1) } : {}) };
}

const errorsOf = (holder: TestModule | TestSuite): readonly ReportedError[] => holder.errors().map((error) => reported(error));

export default class MutantsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly AnyError[]): void {
    const tests = modules.flatMap((one) =>
      [...one.children.allTests()].map((test): ReportedTest => {
        const { state, errors = [] } = test.result();
        return { name: test.fullName, state, errors: errors.map((error) => reported(error)) };
      }),
    );
    const suites = modules.flatMap((one) => [...one.children.allSuites()]);
    const errors = [...[...modules, ...suites].flatMap(errorsOf), ...unhandled.map((error) => reported(error))];
    writeFileSync(process.env[reportVariable] ?? "", JSON.stringify({ tests, errors } satisfies TestReport));
  }
}
