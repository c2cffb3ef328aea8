/**
 * `npm run simulate`: whole networks of real peers on simulated machines, one world a seed, in as many processes as there are processors. `-- --seeds 100000 --seed 1` says how many and from where,
 * `--json` prints one value. Fails where a promise was broken, where one seed gave two worlds, or where a kind of fault or recovery hardly ever happened.
 */
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { expectations, unmet } from "../packages/testkit/src/simulation/expectations.ts";
import type { Order, Report } from "./simulate-worker.ts";

const processes = Math.min(availableParallelism(), 16);
/** Seeds that are run a second time, to see that nothing but the seed makes a world. */
const repeatedMax = 4;
const shownFailuresMax = 5;
const shownLinesMax = 60;
const seedMsMax = 60_000;
/**
 * A world is thrown away as a whole, so it is worth waiting until what is young is looked through, from the first world on, and what is old hardly ever is; and there is a
 * process for each core, so collectors need no threads. Hundreds of functions are equally warm here: where each is compiled into its callers, two processes fill the caches
 * that they share with copies.
 */
const youngMiB = 128;
const oldMiB = 512;
const inlinedBytesMax = 250;
const workerFlags = [
  "--conditions=@hikyaku/source",
  `--min-semi-space-size=${youngMiB}`,
  `--max-semi-space-size=${youngMiB}`,
  `--initial-old-space-size=${oldMiB}`,
  "--single-threaded-gc",
  `--max-inlined-bytecode-size-cumulative=${inlinedBytesMax}`,
];
const progressMs = 5_000;

const { values: options } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});

/** Worlds that are to be run, and what came of them. */
class Run {
  readonly reports = new Map<number, Report>();
  readonly differing: number[] = [];
  readonly tally = new Map<string, number>();
  readonly #orders: Order[];
  readonly #all: number;
  readonly #beganAt = performance.now();
  #toldAt = performance.now();

  constructor(first: number, seeds: number) {
    const all = Array.from({ length: seeds }, (_, index): Order => ({ seed: first + index }));
    this.#orders = [...all, ...all.slice(0, repeatedMax)];
    this.#all = this.#orders.length;
  }

  next(): Order | undefined {
    return this.#orders.shift();
  }

  take(report: Report): void {
    const before = this.reports.get(report.seed);
    if (before !== undefined) {
      if (before.hash !== report.hash) this.differing.push(report.seed);
      return;
    }
    this.reports.set(report.seed, report);
    for (const [name, times] of Object.entries(report.tally)) this.tally.set(name, (this.tally.get(name) ?? 0) + times);
    this.#tellProgress();
  }

  get failures(): readonly Report[] {
    return [...this.reports.values()].filter(({ violation }) => violation !== undefined).sort((left, right) => left.seed - right.seed);
  }

  /** Over the hashes of all worlds, by their seeds. */
  get hash(): string {
    const hash = createHash("sha256");
    for (const [seed, report] of [...this.reports].sort(([left], [right]) => left - right)) hash.update(`${seed} ${report.hash}\n`);
    return hash.digest("hex").slice(0, 32);
  }

  get seconds(): number {
    return (performance.now() - this.#beganAt) / 1000;
  }

  #tellProgress(): void {
    if (performance.now() - this.#toldAt < progressMs) return;
    this.#toldAt = performance.now();
    const done = this.#all - this.#orders.length;
    console.error(`${done} of ${this.#all} worlds, ${this.failures.length} broken, ${this.seconds.toFixed(0)} s`);
  }
}

process.exitCode = await main();

async function main(): Promise<number> {
  const seeds = Number(options.seeds);
  const run = new Run(Number(options.seed), seeds);
  const ended = new Set<ChildProcess>();
  process.once("exit", () => {
    for (const child of ended) child.kill("SIGKILL");
  });
  const works = Array.from({ length: Math.min(processes, seeds) }, () => work(run, ended));
  await Promise.all(works);
  const rare = unmet(run.tally, run.reports.size);
  if (options.json) console.log(JSON.stringify(valueOf(run, rare)));
  else await tell(run, rare, ended);
  for (const child of ended) child.disconnect();
  return run.failures.length === 0 && run.differing.length === 0 && rare.length === 0 ? 0 : 1;
}

/** One process, fed with one seed after another. */
async function work(run: Run, children: Set<ChildProcess>): Promise<void> {
  const child = start(children);
  for (let order = run.next(); order !== undefined; order = run.next()) run.take(await ask(child, order));
}

function start(children: Set<ChildProcess>): ChildProcess {
  const child = fork(new URL("simulate-worker.ts", import.meta.url), { execArgv: [...workerFlags, ...process.execArgv] });
  children.add(child);
  return child;
}

/** A world that does not come to an end is a broken promise too: the whole run ends with its seed. */
function ask(child: ChildProcess, order: Order): Promise<Report> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`seed ${order.seed} did not end within ${seedMsMax / 1000} s`)), seedMsMax);
    child.once("message", (report) => {
      clearTimeout(timer);
      resolve(report as Report);
    });
    child.send(order);
  });
}

type Rare = ReturnType<typeof unmet>;

function valueOf(run: Run, rare: Rare): object {
  return {
    seeds: run.reports.size,
    seconds: run.seconds,
    hash: run.hash,
    differing: run.differing,
    rare,
    failures: run.failures.map(({ seed, violation }) => ({ seed, ...violation })),
    tally: Object.fromEntries([...run.tally].sort(([left], [right]) => (left < right ? -1 : 1))),
  };
}

async function tell(run: Run, rare: Rare, children: Set<ChildProcess>): Promise<void> {
  for (const [name, what] of Object.entries(expectations)) console.log(`${String(run.tally.get(name) ?? 0).padStart(9)}  ${what}`);
  const sum = (of: (report: Report) => number): string =>
    [...run.reports.values()].reduce((total, report) => total + of(report), 0).toLocaleString("en");
  console.log(`${sum(({ messages }) => messages)} messages in ${sum(({ frames }) => frames)} frames; hash ${run.hash}`);
  for (const { name, times } of rare) console.log(`too rare: ${expectations[name]} (${name}), ${times} times`);
  for (const seed of run.differing) console.log(`seed ${seed} gave two different worlds`);
  const { failures } = run;
  const [child] = children;
  for (const { seed } of failures.slice(0, shownFailuresMax))
    if (child !== undefined) tellFailure(await ask(child, { seed, isTold: true }));
  for (const { seed, violation } of failures.slice(shownFailuresMax)) console.log(`seed ${seed}: ${violation?.message}`);
  console.log(`${run.reports.size} worlds, ${failures.length} broken, ${run.seconds.toFixed(1)} s`);
}

function tellFailure({ seed, violation, lines }: Report): void {
  console.log(`\nseed ${seed}: ${violation?.message ?? "whole when it was run again"}`);
  for (const line of lines.slice(-shownLinesMax)) console.log(`  ${line}`);
  console.log(`again: npm run simulate -- --seed ${seed} --seeds 1\n`);
}
