/**
 * `npm run kills`: what outlives SIGKILL. Two real peers write each other 10 000 messages while each is killed 50 times, at moments when 100 messages or more have no receipt;
 * then a requester gives its worker 200 tasks while each is killed 20 times, with tasks open. Exit 0 only if nothing was lost, nothing handled twice or out of order, and
 * every task has one end. `--only messages` or `--only tasks`, `--seed 7`, `--kills 6`, `--messages 1000` and `--tasks 50` change what their names say.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runTaskTrial, type TaskResult } from "./task-trial.ts";
import { type Result, runTrial } from "./trial.ts";

const place = join(import.meta.dirname, "..", "node_modules", ".cache", "kills");

interface Outcome {
  readonly lines: Iterable<string>;
  readonly holds: boolean;
}

async function main(): Promise<number> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { only: text, seed: text, kills: text, messages: text, tasks: text } });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  const killsOr = (kills: number): number => Number(values.kills ?? kills);
  const trials: Readonly<Record<string, (folder: string) => Promise<Outcome>>> = {
    messages: async (folder) => told(await runTrial({ folder, seed, kills: killsOr(50), messages: Number(values.messages ?? 10_000) })),
    tasks: async (folder) => toldOfTasks(await runTaskTrial({ folder, seed, kills: killsOr(20), tasks: Number(values.tasks ?? 200) })),
  };
  const chosen = Object.entries(trials).filter(([name]) => values.only === undefined || values.only === name);
  if (chosen.length === 0) {
    console.error(`kills: there is no trial ${JSON.stringify(values.only)}; there are ${Object.keys(trials).join(" and ")}.`);
    return 2;
  }
  let holds = true;
  for (const [name, run] of chosen) holds = (await runIn(name, seed, run)) && holds;
  return holds ? 0 : 1;
}

/** What does not hold keeps its folder. */
async function runIn(name: string, seed: number, run: (folder: string) => Promise<Outcome>): Promise<boolean> {
  mkdirSync(place, { recursive: true });
  const folder = mkdtempSync(join(place, `${name}-`));
  console.log(`kills: ${name}, seed ${seed}, in ${folder}`);
  const { lines, holds } = await run(folder);
  for (const line of lines) console.log(line);
  if (holds) rmSync(folder, { recursive: true });
  return holds;
}

const told = (result: Result): Outcome => ({ lines: linesOf(result), holds: result.verdicts.every(({ wrongs }) => wrongs.length === 0) });

function* linesOf({ kills, slipped, early, verdicts, messages, killingMs, rest }: Result): Generator<string> {
  yield `${messages} messages, ${kills.join(" and ")} kills in ${(killingMs / 1000).toFixed(1)} s; ${early} more before a peer was up again, ${slipped} a moment late`;
  yield `${rest.messages} messages after the last kill: ${Math.round((1000 * rest.messages) / rest.ms)} a second`;
  for (const [at, { handled, interrupted, expired, wrongs }] of verdicts.entries()) {
    yield `${wrongs.length === 0 ? "✓" : "✗"} peer ${at} to peer ${1 - at}: ${handled} handled once and in order, ${interrupted} interrupted, ${expired} expired`;
    for (const wrong of wrongs) yield `    ✗ ${wrong}`;
  }
}

const toldOfTasks = (result: TaskResult): Outcome => ({ lines: linesOfTasks(result), holds: result.verdict.wrongs.length === 0 });

function* linesOfTasks({ kills, early, tasks, killingMs, verdict }: TaskResult): Generator<string> {
  const { completed, interrupted, again, wrongs } = verdict;
  yield `${tasks} tasks, ${kills[0]} kills of their requester and ${kills[1]} of their worker in ${(killingMs / 1000).toFixed(1)} s; ${early} more before one was up again`;
  yield `${wrongs.length === 0 ? "✓" : "✗"} each with one end on both sides: ${completed} completed, ${interrupted} interrupted; ${again} idempotent ones ran more than once`;
  for (const wrong of wrongs) yield `    ✗ ${wrong}`;
}

process.exitCode = await main();
