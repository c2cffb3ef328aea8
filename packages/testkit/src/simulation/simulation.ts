/**
 * One simulated world from one seed: real peers on simulated machines, a network and disks that fail in every way that a seed can think of, then calm; and the promises
 * that must hold all along and at the end. The same seed is the same world, byte for byte.
 */
import type { Crypto } from "@hikyaku/protocol";
import { planChores } from "./chores.ts";
import { drawClimate } from "./climate.ts";
import { CryptoWatch } from "./crypto-watch.ts";
import { Dice } from "./dice.ts";
import { eavesdrop } from "./eavesdropper.ts";
import { planFaults } from "./faults.ts";
import { Ledger } from "./ledger.ts";
import { Network } from "./network.ts";
import { type SimNode, type Surroundings } from "./node.ts";
import { Observatory } from "./observatory.ts";
import { settleWorld } from "./people.ts";
import { RememberedCrypto } from "./remembered-crypto.ts";
import { RollCall } from "./roll-call.ts";
import { type Answering, answeringSelfTests } from "./self-test-answers.ts";
import { simulatedCrypto } from "./simulated-crypto.ts";
import { addAll, count, type Tally } from "./tally.ts";
import { TaskLedger } from "./task-ledger.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";
import { planWork } from "./work.ts";

export interface SimulationResult {
  readonly seed: number;
  /** Over every byte on the wire, with its time and way. */
  readonly hash: string;
  readonly frames: number;
  readonly steps: number;
  readonly messages: number;
  /** Milliseconds that passed in the simulated world. */
  readonly simulatedMs: number;
  readonly tally: ReadonlyMap<string, number>;
  readonly violation?: { readonly invariant: string; readonly message: string };
  /** The last events in words, where they were asked for. */
  readonly lines: readonly string[];
}

export interface SimulationSettings {
  readonly seed: number;
  /** Whether to keep the last events in words: slower. */
  readonly isTold?: boolean;
}

/** More than any world needs: one that goes on for longer is in a loop. */
const stepsMax = 150_000;
const quietMsMax = 45 * 60_000;
const lookIntervalMs = 2_000;

/** Of so many worlds the middle one has real crypto, the others a quick stand-in with the same shapes. */
const realCryptoEvery = 200;

/** Of so many worlds one ends with a roll call. */
const rollCallEvery = 5;

const answerings = new WeakMap<Crypto, Answering>();

/** Runs one seed to its end or its first broken promise. */
export async function simulate(crypto: Crypto, { seed, isTold = false }: SimulationSettings): Promise<SimulationResult> {
  const world = new SimulatedWorld(cryptoOf(crypto, seed), seed, isTold);
  const hear = (error: unknown): void => world.report(error);
  process.on("unhandledRejection", hear);
  try {
    return await world.run();
  } finally {
    process.off("unhandledRejection", hear);
  }
}

function cryptoOf(real: Crypto, seed: number): Crypto {
  const answering = answerings.get(real) ?? answeringSelfTests(real);
  answerings.set(real, answering);
  return answering(seed % realCryptoEvery === realCryptoEvery / 2 ? new RememberedCrypto(real) : simulatedCrypto);
}

class SimulatedWorld {
  readonly #seed: number;
  readonly #timeline = new Timeline();
  readonly #tally: Tally = new Map();
  readonly #trace: Trace;
  readonly #around: Surroundings;
  readonly #observatory: Observatory;
  readonly #rollCall: RollCall;
  #nodes: readonly SimNode[] = [];
  #broken: { readonly invariant: string; readonly message: string } | undefined;

  constructor(base: Crypto, seed: number, isTold: boolean) {
    this.#seed = seed;
    const timeline = this.#timeline;
    const tally = this.#tally;
    this.#trace = new Trace(timeline, { isTold });
    const trace = this.#trace;
    const climate = drawClimate(new Dice(seed, "climate"));
    const report = (error: unknown): void => this.report(error);
    this.#observatory = new Observatory({ timeline, tally, report, nodes: () => this.#nodes });
    const observatory = this.#observatory;
    const observer = {
      sent: (from: string, to: string, frame: Parameters<typeof eavesdrop>[2]) => {
        eavesdrop(from, to, frame);
        observatory.sent(from, to, frame);
        this.#rollCall.sent(from, to, frame);
      },
      arrived: (to: string) => observatory.arrived(to),
      bent: (to: string, original: Parameters<typeof eavesdrop>[2]) => observatory.bent(to, original),
      genuine: (to: string, frame: Parameters<typeof eavesdrop>[2]) => observatory.genuine(to, frame),
      bentAnswered: (to: string, reception: Parameters<Observatory["bentAnswered"]>[1]) => observatory.bentAnswered(to, reception),
    };
    const network = new Network({ timeline, dice: new Dice(seed, "network"), climate, tally, trace, observer });
    const crypto = new CryptoWatch(base, report);
    this.#around = {
      seed,
      timeline,
      climate,
      tally,
      trace,
      ledger: new Ledger(tally),
      taskLedger: new TaskLedger(tally),
      network,
      crypto,
      durable: new Set(),
      report,
    };
    this.#rollCall = new RollCall(this.#around, (ms) => this.#pass(ms));
  }

  /** The first is the one that counts. */
  report(error: unknown): void {
    if (this.#broken !== undefined) return;
    this.#broken =
      error instanceof Violation
        ? { invariant: error.invariant, message: error.message }
        : { invariant: "mistake", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }

  async run(): Promise<SimulationResult> {
    // Between two worlds, whoever else lives in this process has a turn: within one, nobody has.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      this.#nodes = await settleWorld(this.#around);
      planWork(this.#around, this.#nodes);
      planChores(this.#around, this.#nodes);
      planFaults(this.#around, this.#nodes);
      await this.#live();
      if (this.#broken === undefined) this.#judge();
      if (this.#broken === undefined && this.#seed % rollCallEvery === 0) await this.#rollCall.hold(this.#nodes);
    } catch (error) {
      this.report(error);
    }
    return this.#result();
  }

  async #live(): Promise<void> {
    const { timeline, climate, ledger, taskLedger } = this.#around;
    let nextLook = 0;
    const isOver = (): boolean => {
      if (this.#isStopped()) return true;
      this.#observatory.look();
      if (!climate.isCalm || timeline.now < nextLook) return false;
      nextLook = timeline.now + lookIntervalMs;
      return (ledger.isSettled() && taskLedger.isSettled()) || timeline.now > climate.calmAt + quietMsMax;
    };
    if (!(await timeline.run(isOver))) throw new Violation("I8", "nothing is planned any more");
    if (timeline.steps >= stepsMax) throw new Violation("I7", `more than ${stepsMax} steps`);
  }

  async #pass(ms: number): Promise<void> {
    const { timeline } = this.#around;
    let isOver = false;
    // Planned itself, since the next thing that happens anyway may be half a minute later.
    timeline.after(ms, () => {
      isOver = true;
    });
    await timeline.run(() => isOver || this.#isStopped());
  }

  #isStopped(): boolean {
    return this.#broken !== undefined || this.#around.timeline.steps >= stepsMax;
  }

  #judge(): void {
    const { ledger, taskLedger, durable, crypto } = this.#around;
    const [first, ...others] = ledger.unsettled();
    if (first !== undefined) throw new Violation("I8", `${ledger.explain(first.entry)}; ${others.length} others`);
    ledger.judgeEnd(durable);
    taskLedger.judgeEnd();
    for (const node of this.#nodes) node.settleAccounts();
    count(this.#tally, "check: sessions agreed (I4)", crypto.sessionsAgreed);
  }

  #result(): SimulationResult {
    const tally: Tally = new Map();
    addAll(tally, this.#tally);
    return {
      seed: this.#seed,
      hash: this.#trace.digest(),
      frames: this.#trace.frames,
      steps: this.#timeline.steps,
      messages: this.#around.ledger.size,
      simulatedMs: this.#timeline.now,
      tally,
      ...(this.#broken === undefined ? {} : { violation: this.#broken }),
      lines: this.#trace.lines,
    };
  }
}
