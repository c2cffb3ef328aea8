/**
 * The model checker's bench: `npm run model [-- --only <name>]` runs every row of spec/models/rows.json with SPIN, and each must come out as the row says.
 * A mutant must break the assertion that is named: a build error, a depth limit or an unfinished search never counts as a break.
 */
import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export interface Row {
  readonly name: string;
  readonly model: string;
  readonly defines: readonly string[];
  /** More flags for the search. */
  readonly run?: readonly string[];
  /** Whether the search is so long that compiling for speed pays. */
  readonly optimize?: boolean;
  /** "holds", or the assertion that must break, exactly as pan prints it. */
  readonly expect: string;
}

export interface StepOutput {
  readonly status: number | null;
  readonly text: string;
}

export type Verdict = { readonly isSound: boolean; readonly says: string; readonly states?: number };

const rowSecondsMax = 60;
const rowsAtOnce = 2;
const depthMax = 200_000;
const memoryMbMax = 1500;

/** Judges what pan printed against what the row expects. */
export function judgePan({ status, text }: StepOutput, expect: string): Verdict {
  const errors = /errors: (\d+)/.exec(text)?.[1];
  const violated = /pan:\s*\d+: (.*?) \(at depth/.exec(text)?.[1];
  const assertion = /^assertion violated (.*)$/.exec(violated ?? "")?.[1]?.trim();
  const states = Number(/^\s*(\d+) states, stored/m.exec(text)?.[1] ?? Number.NaN);
  const fail = (says: string): Verdict => ({ isSound: false, says });
  if (/max search depth too small/.test(text)) return fail("the depth limit was reached");
  if (status !== 0) return fail(`the search ended with ${status === null ? "a time-out or a signal" : `exit code ${status}`}`);
  if (errors === undefined || Number.isNaN(states)) return fail("the search printed no result");
  if (expect === "holds") {
    if (errors !== "0") return fail(`expected 0 errors, found: ${violated ?? `${errors} errors`}`);
    if (/search not completed|Bit statespace|Hash-Compact|out of memory|truncated/i.test(text)) return fail("the search is not complete");
    return { isSound: true, says: "0 errors", states };
  }
  if (errors === "0") return fail("expected an error, found none");
  if (assertion === undefined) return fail(`expected a broken assertion, found: ${violated ?? "no description"}`);
  if (assertion !== expect) return fail(`another assertion broke: ${assertion}`);
  return { isSound: true, says: "breaks as it must", states };
}

/** Judges a step before the search; undefined when it went well. */
export function judgeBuild(step: string, { status, text }: StepOutput): Verdict | undefined {
  return status === 0 ? undefined : { isSound: false, says: `${step} failed: ${text.trim().split("\n")[0] ?? ""}` };
}

const models = fileURLToPath(new URL("../spec/models/", import.meta.url));

function step(folder: string, command: string, args: readonly string[]): Promise<StepOutput> {
  const options = { cwd: folder, timeout: rowSecondsMax * 1000, killSignal: "SIGKILL", maxBuffer: 2 ** 24 } as const;
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      resolve({ status, text: stdout + stderr });
    });
  });
}

async function runRow({ model, defines, run = [], optimize = false, expect }: Row): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), "hikyaku-model-"));
  try {
    cpSync(join(models, `${model}.pml`), join(folder, "model.pml"));
    const spin = await step(folder, "spin", ["-a", ...defines.map((define) => `-D${define}`), "model.pml"]);
    const unmade = judgeBuild("spin", spin);
    if (unmade !== undefined) return unmade;
    // For most rows the compiler takes longer than the search.
    const gcc = await step(folder, "gcc", [
      optimize ? "-O1" : "-O0",
      "-w",
      "-DSAFETY",
      "-DCOLLAPSE",
      "-DVECTORSZ=2048",
      `-DMEMLIM=${memoryMbMax}`,
      "-o",
      "pan",
      "pan.c",
    ]);
    const unbuilt = judgeBuild("gcc", gcc);
    if (unbuilt !== undefined) return unbuilt;
    return judgePan(await step(folder, join(folder, "pan"), [`-m${depthMax}`, "-n", ...run]), expect);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const isThere = (command: string): boolean => spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
const areToolsThere = (): boolean => isThere("spin") && isThere("gcc");

const installer = "apt-get";

/** CI machines are fresh; anywhere else installing is the owner's business. */
function findTools(): boolean {
  if (areToolsThere()) return true;
  if (process.env["CI"] === "true" && process.getuid?.() === 0) {
    for (const args of [["update"], ["install", "-y", "--no-install-recommends", "spin", "gcc", "libc6-dev"]])
      spawnSync(installer, args, { stdio: ["ignore", "ignore", "inherit"], timeout: 240_000 });
  }
  return areToolsThere();
}

async function main(): Promise<number> {
  const { only } = parseArgs({ options: { only: { type: "string" } } }).values;
  const all = JSON.parse(readFileSync(join(models, "rows.json"), "utf8")) as readonly Row[];
  const rows = all.filter(({ name }) => only === undefined || name === only);
  if (rows.length === 0) {
    console.error(`model: there is no row ${only ?? ""}; the rows are ${all.map(({ name }) => name).join(", ")}.`);
    return 2;
  }
  if (!findTools()) {
    console.error("model: spin or gcc is missing; install both with `apt-get install spin gcc` and run the same command again.");
    return 2;
  }
  const beganAt = performance.now();
  const waiting = [...rows];
  let unsound = 0;
  const work = async (): Promise<void> => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      const rowBeganAt = performance.now();
      const { isSound, says, states } = await runRow(row);
      if (!isSound) unsound += 1;
      const seconds = ((performance.now() - rowBeganAt) / 1000).toFixed(1).padStart(5);
      console.log(
        `${isSound ? "ok  " : "FAIL"} ${seconds} s  ${row.name.padEnd(30)} ${says}${states === undefined ? "" : `, ${states} states`}`,
      );
    }
  };
  await Promise.all(Array.from({ length: rowsAtOnce }, work));
  console.log(`${rows.length - unsound} rows as expected, ${unsound} not, ${((performance.now() - beganAt) / 1000).toFixed(1)} s`);
  return unsound === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
