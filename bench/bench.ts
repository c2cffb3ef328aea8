/**
 * `npm run bench`: measures the floors, then one row after another, each in a process of its own, and says which reach their goals. Exit 0 where every row
 * ran and none beat its own floor; goals that are not reached are told, not punished. `-- --only P2,P6` picks rows, `-- --quick` only shows that
 * everything runs, `-- --json <file>` writes the results there as well as to bench/results.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Effort, fullEffort, quickEffort } from "./effort.ts";
import type { Floors } from "./floor/floors.ts";
import { agrees, askOpenssl } from "./floor/openssl.ts";
import type { SignatureFloors } from "./floor/signatures.ts";
import { digits, type Judgement, type RowResult } from "./judge.ts";
import { Helper } from "./process/helper.ts";
import { describeRun, table } from "./results.ts";
import type { Assignment } from "./row-program.ts";
import { chooseRows, rows } from "./rows.ts";

const root = join(import.meta.dirname, "..");

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: "string" }, quick: { type: "boolean" }, json: { type: "string" } } });
  const ids = Object.keys(rows);
  const { chosen, unknown } = chooseRows(values.only, ids);
  if (unknown.length > 0) {
    console.error(`bench: there is no row ${unknown.join(", ")}; there are ${ids.join(", ")}.`);
    return 2;
  }
  const effort = values.quick === true ? quickEffort : fullEffort;
  const { results, failures } = await measure(chosen, effort);
  console.log(`\n${table(results)}`);
  for (const failure of failures) console.error(`bench: ${failure}`);
  write(results, values.json);
  return failures.length === 0 ? 0 : 1;
}

interface Outcome {
  readonly results: readonly RowResult[];
  readonly failures: readonly string[];
}

async function measure(chosen: readonly string[], effort: Effort): Promise<Outcome> {
  await using floorHelper = new Helper(new URL("./floor/floor-program.ts", import.meta.url));
  const floors = await floorHelper.ask<Floors>("floors", effort);
  tellFloors(floors, effort);
  const results: RowResult[] = [];
  const failures: string[] = [];
  for (const id of chosen) {
    const judgement = await runRow({ id, floors, effort });
    if (judgement.kind === "measured") results.push(judgement.result);
    else failures.push(judgement.why);
  }
  tellDrift(floors, await floorHelper.ask<SignatureFloors>("signatures", effort));
  return { results, failures };
}

async function runRow(assignment: Assignment): Promise<Judgement> {
  await using helper = new Helper(new URL("./row-program.ts", import.meta.url));
  try {
    return await helper.ask<Judgement>("run", assignment);
  } catch (error) {
    return { kind: "impossible", why: `${assignment.id} did not run: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function tellFloors(floors: Floors, { roundMs }: Effort): void {
  console.log("floors, µs:");
  for (const [name, cost] of Object.entries(floors)) console.log(`  ${name.replace(/Us$/, "").padEnd(12)} ${tellCost(cost)}`);
  const theirs = askOpenssl(Math.max(1, Math.round(roundMs / 300)));
  if (theirs === undefined) console.log("openssl speed: not there, not compared");
  else
    console.log(
      `openssl speed: sign ${digits(theirs.signUs)}, verify ${digits(theirs.verifyUs)}: ${agrees(floors, theirs) ? "within" : "NOT within"} 30 %`,
    );
}

const tellCost = (cost: Floors[keyof Floors]): string =>
  typeof cost === "number"
    ? digits(cost)
    : Object.entries(cost)
        .map(([size, us]) => `${size} ${digits(us)}`)
        .join(", ");

/** Where the machine had other things to do, ratios are to be taken with care. */
function tellDrift({ signUs, verifyUs }: SignatureFloors, after: SignatureFloors): void {
  const percent = (before: number, now: number): string => `${now >= before ? "+" : ""}${Math.round((now / before - 1) * 100)} %`;
  console.log(`floors after the rows: sign ${percent(signUs, after.signUs)}, verify ${percent(verifyUs, after.verifyUs)}`);
}

function write(results: readonly RowResult[], elsewhere: string | undefined): void {
  const text = `${JSON.stringify(describeRun(results, root), null, 2)}\n`;
  const folder = join(root, "bench", "results");
  mkdirSync(folder, { recursive: true });
  const date = new Date()
    .toISOString()
    .replace(/:\d\d\.\d+/, "")
    .replace(":", "");
  writeFileSync(join(folder, `${date}.json`), text);
  if (elsewhere !== undefined) writeFileSync(elsewhere, text);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main();
