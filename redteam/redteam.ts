/**
 * `npm run redteam`: attacks on a running node over real sockets. Exit 0 only if every attack was met by the guard that is meant for it, and changed nothing
 * else. `--only 2` or `--only replay` runs some, `--json` prints one value a line, `--program <main.js>` attacks another build.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { attacks } from "./attacks.ts";
import { type Attack, type Result, tryAttack } from "./trial.ts";

const built = fileURLToPath(new URL("../packages/hikyaku/dist/cli/main.js", import.meta.url));

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: "string" }, json: { type: "boolean" }, program: { type: "string" } } });
  const chosen = choose(values.only);
  if (chosen.length === 0) {
    console.error(
      `redteam: there is no attack ${values.only}; there are ${attacks.map(({ name }, at) => `${at + 1} ${name}`).join(", ")}.`,
    );
    return 2;
  }
  let failures = 0;
  const program = values.program ?? built;
  const patient = new Map(chosen.filter(({ attack }) => attack.isPatient).map(({ attack }) => [attack, tryAttack(attack, program)]));
  for (const { attack, number } of chosen) {
    const result = await (patient.get(attack) ?? tryAttack(attack, program));
    if (!result.holds) failures += 1;
    console.log(values.json === true ? JSON.stringify({ number, ...result }) : lineOf(number, result));
  }
  if (values.json !== true)
    console.log(
      failures === 0
        ? `\nAll ${chosen.length} attacks were met.`
        : `\n${failures} of ${chosen.length} attacks got through or were met by the wrong guard.`,
    );
  return failures === 0 ? 0 : 1;
}

const choose = (only: string | undefined): readonly { readonly attack: Attack; readonly number: number }[] => {
  const numbered = attacks.map((attack, index) => ({ attack, number: index + 1 }));
  if (only === undefined) return numbered;
  const words = only.split(",");
  return numbered.filter(({ attack, number }) =>
    words.some((word) => word === String(number) || (Number.isNaN(Number(word)) && attack.name.includes(word))),
  );
};

function lineOf(number: number, { holds, name, seen, rises, wrongs, ms }: Result): string {
  const counted = Object.entries(rises).map(([counter, rise]) => `${counter.replace("refused.", "")} +${rise}`);
  const head = `${holds ? "✓" : "✗"} ${String(number).padStart(2)} ${name} — ${seen} (${(ms / 1000).toFixed(1)} s)`;
  return [head, `     guards: ${counted.join(", ") || "none counted"}`, ...wrongs.map((wrong) => `     ✗ ${wrong}`)].join("\n");
}

process.exitCode = await main();
