/**
 * `npm run mutants`: takes the guard of one rule after another out of a copy of the program, and sees a test fail for it. A rule whose guard can go without
 * a failing test is not tested, whatever the tests say. `-- --only MSG-5` or `-- --only MSG` picks rows, `-- --json <file>` writes them down,
 * `-- --trusting` leaves out the run of all tests without a mutant, where that is done elsewhere.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compareMusts } from "../scripts/musts.ts";
import { exceptions } from "./exceptions.ts";
import { gateComplaints } from "./gate.ts";
import { judgeBaseline, judgeReport, type Verdict } from "./judge.ts";
import { mutants } from "./list.ts";
import { type Mutant, mutate } from "./mutant.ts";
import { runTests, type WantedTests } from "./test-run.ts";
import { makeWorkplace } from "./workplace.ts";

const root = join(import.meta.dirname, "..");
/** More than a small machine has cores, as many tests wait for processes and clocks. */
const workers = 3;
const baselineMsMax = 180_000;
const mutantMsMax = 60_000;

interface Row extends Pick<Mutant, "must" | "file" | "test"> {
  readonly line: number | undefined;
  readonly verdict: Verdict;
  readonly seconds: number;
}

const { values: options } = parseArgs({
  options: { only: { type: "string" }, json: { type: "string" }, trusting: { type: "boolean", default: false } },
});
process.exitCode = (await main()) ? 0 : 1;

async function main(): Promise<boolean> {
  const spec = new Map([["spec/protocol.md", readFileSync(join(root, "spec/protocol.md"), "utf8")]]);
  const complaints = gateComplaints({ musts: compareMusts(spec, new Map()).musts, mutants, exceptions });
  for (const complaint of complaints) console.log(`gate      ${complaint}`);
  const chosen = mutants.filter(({ must }) => options.only === undefined || must === options.only || must.startsWith(`${options.only}-`));
  const beganAt = performance.now();
  const { isSound, rows } = await tryAll(chosen);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  const count = (kind: Verdict["kind"]): number => rows.filter(({ verdict }) => verdict.kind === kind).length;
  const seconds = Math.round((performance.now() - beganAt) / 1000);
  // Again at the end, where a reader of a long log looks.
  for (const row of rows) if (row.verdict.kind !== "killed") console.log(rowLine(row));
  console.log(`${exceptions.length} musts have no mutant for a reason; ${complaints.length} complaints; ${seconds} s`);
  console.log(`${count("killed")} killed, ${count("survived")} survived, ${count("broken")} broken`);
  return isSound && complaints.length === 0 && rows.length > 0 && count("killed") === rows.length;
}

/** First every test without a mutant, unless they are trusted, since they run elsewhere; then every mutant. Rows come back in the order of the list. */
async function tryAll(chosen: readonly Mutant[]): Promise<{ readonly isSound: boolean; readonly rows: readonly Row[] }> {
  using stack = new DisposableStack();
  process.once("exit", () => stack.dispose());
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const folders = Array.from({ length: workers }, () => stack.use(makeWorkplace(root)).folder);
  const sound = await inTurns(folders, options.trusting ? [] : wantedTests(chosen), tryBaseline);
  const rows = await inTurns(folders, chosen, tryMutant);
  return { isSound: sound.every(Boolean), rows };
}

/** Every named test file once, with the titles that its mutants name. */
function wantedTests(chosen: readonly Mutant[]): readonly WantedTests[] {
  return [...Map.groupBy(chosen, ({ test }) => test)].map(([test, rows]) => {
    const titles = rows.map(({ title }) => title);
    const named = titles.filter((title) => title !== undefined);
    return { test, titles: named.length < titles.length ? [] : [...new Set(named)] };
  });
}

async function tryBaseline(folder: string, wanted: WantedTests): Promise<boolean> {
  const outcome = await runTests(folder, wanted, baselineMsMax);
  const why = outcome.kind === "broken" ? outcome.why : judgeBaseline(outcome.report, wanted.titles);
  if (why !== undefined) console.log(`unsound   ${wanted.test}: ${why}`);
  return why === undefined;
}

async function tryMutant(folder: string, mutant: Mutant): Promise<Row> {
  const { must, file, test } = mutant;
  const beganAt = performance.now();
  const { verdict, line } = await judgeMutant(folder, mutant);
  const row: Row = { must, file, test, line, verdict, seconds: (performance.now() - beganAt) / 1000 };
  console.log(rowLine(row));
  return row;
}

function rowLine({ must, file, test, line, verdict, seconds }: Row): string {
  const detail = verdict.kind === "killed" ? verdict.by : verdict.kind === "broken" ? verdict.why : `every test of ${test} passed`;
  return `${verdict.kind.padEnd(9)} ${must.padEnd(8)} ${seconds.toFixed(1).padStart(5)} s  ${file}${line === undefined ? "" : `:${line}`}  ${detail}`;
}

async function judgeMutant(folder: string, mutant: Mutant): Promise<{ readonly verdict: Verdict; readonly line?: number }> {
  const path = join(folder, mutant.file);
  const original = readFileSync(path, "utf8");
  const mutation = mutate(original, mutant);
  if (mutation.kind === "broken") return { verdict: mutation };
  writeFileSync(path, mutation.source);
  try {
    const titles = mutant.title === undefined ? [] : [mutant.title];
    const outcome = await runTests(folder, { test: mutant.test, titles }, mutantMsMax);
    return { verdict: outcome.kind === "broken" ? outcome : judgeReport(outcome.report), line: mutation.line };
  } finally {
    writeFileSync(path, original);
  }
}

/** Each folder takes the next item as soon as it is free. */
async function inTurns<Item, Result>(
  folders: readonly string[],
  items: readonly Item[],
  work: (folder: string, item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const takeTurns = async (folder: string): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(folder, item);
  };
  await Promise.all(folders.map(takeTurns));
  return results;
}
