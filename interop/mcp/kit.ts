/** The MCP project's own conformance kit, as a program that is pointed at a server. It cannot say a token, so it is pointed at a door that says it. */
import { execFile } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const revisions = ["2025-11-25", "2026-07-28"] as const;
export type Revision = (typeof revisions)[number];

/** One thing that the kit looked at. A scenario is several of them. */
export interface Check {
  readonly scenario: string;
  readonly id: string;
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO";
  readonly errorMessage: string;
}

const program = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));
const runMsMax = 120_000;

/** Everything that the kit knows to ask of a server of this revision. */
export async function runKit(url: string, revision: Revision): Promise<readonly Check[]> {
  const folder = mkdtempSync(join(tmpdir(), "hikyaku-conformance-"));
  try {
    await runProgram([program, "server", "--url", url, "--suite", "all", "--spec-version", revision, "--output-dir", folder]);
    return globSync("server-*/checks.json", { cwd: folder })
      .toSorted()
      .flatMap((path) => readChecks(join(folder, path)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How it ends says no more than what it has written. */
const runProgram = (words: readonly string[]): Promise<void> =>
  new Promise((resolve) => void execFile(process.execPath, [...words], { timeout: runMsMax }, () => resolve()));

/** The scenario's name stands in the folder's, before the time. */
function readChecks(path: string): readonly Check[] {
  const [, scenario = ""] = /^server-(.+?)-\d{4}-\d\d-\d\dT/.exec(basename(dirname(path))) ?? [];
  const checks = JSON.parse(readFileSync(path, "utf8")) as readonly (Omit<Check, "scenario" | "errorMessage"> & Partial<Check>)[];
  return checks.map(({ id, status, errorMessage = "without a word" }) => ({ scenario, id, status, errorMessage }));
}
