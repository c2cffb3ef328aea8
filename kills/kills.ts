/**
 * `npm run kills`: two real peers write each other 10 000 messages while each is killed 50 times, at moments when 100 messages or more have no receipt. Exit 0 only if
 * nothing was lost, nothing handled twice or out of order. `--seed 7`, `--kills 6` and `--messages 1000` change what their names say.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Result, runTrial } from "./trial.ts";

const place = join(import.meta.dirname, "..", "node_modules", ".cache", "kills");

async function main(): Promise<number> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { seed: text, kills: text, messages: text } });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  mkdirSync(place, { recursive: true });
  const folder = mkdtempSync(join(place, "trial-"));
  console.log(`kills: seed ${seed}, in ${folder}`);
  const result = await runTrial({ folder, seed, kills: Number(values.kills ?? 50), messages: Number(values.messages ?? 10_000) });
  for (const line of linesOf(result)) console.log(line);
  const holds = result.verdicts.every(({ wrongs }) => wrongs.length === 0);
  if (holds) rmSync(folder, { recursive: true });
  return holds ? 0 : 1;
}

function* linesOf({ kills, slipped, early, verdicts, messages, killingMs, rest }: Result): Generator<string> {
  yield `${messages} messages, ${kills.join(" and ")} kills in ${(killingMs / 1000).toFixed(1)} s; ${early} more before a peer was up again, ${slipped} a moment late`;
  yield `${rest.messages} messages after the last kill: ${Math.round((1000 * rest.messages) / rest.ms)} a second`;
  for (const [at, { handled, interrupted, expired, wrongs }] of verdicts.entries()) {
    yield `${wrongs.length === 0 ? "✓" : "✗"} peer ${at} to peer ${1 - at}: ${handled} handled once and in order, ${interrupted} interrupted, ${expired} expired`;
    for (const wrong of wrongs) yield `    ✗ ${wrong}`;
  }
}

process.exitCode = await main();
