/** Runs tests of one file in a workplace, with a bound on the time, and reads what they say. */
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { reportVariable, type TestReport } from "./report.ts";

export interface WantedTests {
  readonly test: string;
  /** Parts of names; all tests of the file where there are none. */
  readonly titles: readonly string[];
}

export type Outcome = { readonly kind: "reported"; readonly report: TestReport } | { readonly kind: "broken"; readonly why: string };

const outputBytesMax = 4096;

export async function runTests(folder: string, { test, titles }: WantedTests, msMax: number): Promise<Outcome> {
  const reportFile = join(folder, "node_modules/.mutants-report.json");
  rmSync(reportFile, { force: true });
  const pattern = titles.map((title) => title.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|");
  const ended = await runVitest(folder, [test, "--bail=1", ...(pattern === "" ? [] : [`--testNamePattern=${pattern}`])], {
    reportFile,
    msMax,
  });
  if (ended.kind === "overdue") return { kind: "broken", why: `no end within ${msMax / 1000} s` };
  try {
    return { kind: "reported", report: JSON.parse(readFileSync(reportFile, "utf8")) as TestReport };
  } catch {
    return { kind: "broken", why: `vitest wrote no report: ${ended.output.trim().split("\n").slice(-3).join(" ")}` };
  }
}

interface Running {
  readonly reportFile: string;
  readonly msMax: number;
}

type Ended = { readonly kind: "ended"; readonly output: string } | { readonly kind: "overdue" };

/** vitest leads a process group of its own, so that its end takes along whatever a test started. */
function runVitest(folder: string, args: readonly string[], { reportFile, msMax }: Running): Promise<Ended> {
  const vitest = join(folder, "node_modules/vitest/vitest.mjs");
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const child = spawn(process.execPath, [vitest, "run", ...args, "--reporter=./mutants/reporter.ts"], {
    cwd: folder,
    env: { ...process.env, [reportVariable]: reportFile, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  const hear = (chunk: Buffer): void => {
    output = (output + chunk.toString("utf8")).slice(-outputBytesMax);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const endGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nobody of the group is left.
    }
  };
  process.once("exit", endGroup);
  const timer = setTimeout(() => {
    resolve({ kind: "overdue" });
    endGroup();
  }, msMax);
  child.once("error", reject);
  child.once("exit", () => {
    clearTimeout(timer);
    process.off("exit", endGroup);
    endGroup();
    resolve({ kind: "ended", output });
  });
  return promise;
}
