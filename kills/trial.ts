/** Two peers that write to each other while each of them is killed again and again, always while many messages are without a receipt. */
import { join } from "node:path";
import { freePort } from "../packages/testkit/src/process/free-port.ts";
import { Dice } from "../packages/testkit/src/simulation/dice.ts";
import { gather, judge, type Verdict } from "./judge.ts";
import { writePrograms } from "./program-file.ts";
import { Victim } from "./victim.ts";
import type { Sending, View } from "./words.ts";

type Writer = Victim<Sending, View>;

export interface TrialSettings {
  /** An empty folder. */
  readonly folder: string;
  readonly seed: number;
  /** Of each peer, with enough messages without a receipt. */
  readonly kills: number;
  /** In all, both ways together. */
  readonly messages: number;
}

export interface Result {
  readonly kills: readonly number[];
  /** Kills that came a moment too late: receipts arrived on the way. They are not counted. */
  readonly slipped: number;
  /** More kills, of peers that were not up again yet. */
  readonly early: number;
  readonly verdicts: readonly Verdict[];
  readonly messages: number;
  readonly killingMs: number;
  /** The rest after the last kill, undisturbed. */
  readonly rest: { readonly messages: number; readonly ms: number };
}

/** At a kill at least so many messages of one sender have no receipt, of whatever stage. */
const silentMin = 100;
/** Some of which may get theirs while the kill is on its way. */
const burst = 120;
const delayMsMax = 200;
/** Messages that come to their end between two kills, on a machine that is not too busy for it. */
const flowMax = 100;
const flowMsMax = 2_000;
const lookEveryMs = 5;
const earlyMsMax = 400;
const aimMsMax = 5;
const lastWordMs = 10;
const settleMsMax = 120_000;
const attemptsMax = 200;

export async function runTrial({ folder, seed, kills, messages }: TrialSettings): Promise<Result> {
  const { "peer-program": program } = await writePrograms(["peer-program"], folder);
  const ports = [await freePort(), await freePort()];
  await using stack = new AsyncDisposableStack();
  const peers = ports.map((port, at) =>
    stack.use(
      new Victim<Sending, View>({
        program,
        folder: join(folder, `peer-${at}`),
        port,
        cache: join(folder, "cache"),
        view: { durable: 0, silent: 0, open: 0 },
      }),
    ),
  );
  const [one, other] = peers as [Writer, Writer];
  await introduce(one, other);
  const course = new Course([one, other], new Dice(seed, "kills"), { kills, messagesEach: Math.ceil(messages / 2) });
  const beganAt = performance.now();
  await course.killAll();
  const killingMs = performance.now() - beganAt;
  const rest = await course.finish();
  await Promise.all([one.end(), other.end()]);
  const verdicts = [gather(one.folder, other.folder, other.kills), gather(other.folder, one.folder, one.kills)].map(judge);
  return { kills: course.counts, slipped: course.slipped, early: course.early, verdicts, messages: course.granted, killingMs, rest };
}

async function introduce(one: Writer, other: Writer): Promise<void> {
  await Promise.all([one.start(), other.start()]);
  await Promise.all([one.meet(other), other.meet(one)]);
}

class Course {
  readonly #peers: readonly [Writer, Writer];
  readonly #dice: Dice;
  readonly #kills: number;
  readonly #messagesEach: number;
  readonly #granted: [number, number] = [0, 0];
  readonly #counts: [number, number] = [0, 0];
  #slipped = 0;
  #early = 0;

  constructor(
    peers: readonly [Writer, Writer],
    dice: Dice,
    { kills, messagesEach }: { readonly kills: number; readonly messagesEach: number },
  ) {
    this.#peers = peers;
    this.#dice = dice;
    this.#kills = kills;
    this.#messagesEach = messagesEach;
  }

  get counts(): readonly number[] {
    return this.#counts;
  }

  get slipped(): number {
    return this.#slipped;
  }

  get early(): number {
    return this.#early;
  }

  get #settled(): number {
    return this.#peers.reduce((sum, { view }) => sum + view.durable - view.open, 0);
  }

  get granted(): number {
    return this.#granted[0] + this.#granted[1];
  }

  async killAll(): Promise<void> {
    const kills = this.#kills;
    for (let attempt = 0; Math.min(...this.#counts) < kills; attempt += 1) {
      if (attempt >= kills * 2 + attemptsMax)
        throw new Error(`after ${attempt} attempts only ${this.#counts.join(" and ")} kills came in time`);
      const left = ([0, 1] as const).filter((at) => this.#counts[at] < kills);
      // Now and then both at the same moment, as when a machine loses its power.
      const both = left.length === 2 && this.#dice.chance(0.1);
      await this.#killOnce(both ? left : [this.#dice.pick(left)]);
    }
  }

  /** Sends what is left without being disturbed, and waits for the end of everything. */
  async finish(): Promise<Result["rest"]> {
    const settled = this.#settled;
    const beganAt = performance.now();
    // What a kill kept from being sent is asked for again as well.
    for (const at of [0, 1] as const) this.#grant(at, Math.max(this.#messagesEach, this.#granted[at]));
    for (const [at, peer] of this.#peers.entries())
      await peer.until(() => peer.view.durable === this.#granted[at] && peer.view.open === 0, settleMsMax, "settle everything");
    return { messages: this.granted - settled, ms: performance.now() - beganAt };
  }

  async #killOnce(victims: readonly (0 | 1)[]): Promise<void> {
    if (this.#dice.chance(0.5)) await this.#letFlow(this.#dice.between(1, flowMax));
    else await pause(this.#dice.between(0, delayMsMax));
    const sender = this.#dice.pick([0, 1] as const);
    await this.#load(sender);
    await pause(this.#dice.chance(0.5) ? 0 : this.#dice.between(1, aimMsMax));
    if (this.#peers[sender].view.silent < silentMin) return;
    await Promise.all(victims.map((at) => this.#peers[at].kill()));
    // Time for the last word of a sender that lives on.
    await pause(lastWordMs);
    const survivor = this.#peers[sender].view.silent;
    await Promise.all(victims.map((at) => this.#revive(this.#peers[at])));
    const silent = victims.includes(sender) ? this.#peers[sender].view.silent : survivor;
    if (silent < silentMin) this.#slipped += 1;
    else for (const at of victims) this.#counts[at] += 1;
  }

  /** Now and then it is killed once more before it is up: nothing has been said since, so all that was without a receipt still is. */
  async #revive(victim: Writer): Promise<void> {
    if (this.#dice.chance(0.15)) {
      victim.spawn();
      await pause(this.#dice.between(0, earlyMsMax));
      await victim.kill();
      this.#early += 1;
    }
    await victim.start();
  }

  /** Waits until some more messages have come to their end. */
  async #letFlow(messages: number): Promise<void> {
    const enough = this.#settled + messages;
    const until = performance.now() + flowMsMax;
    while (this.#settled < enough && performance.now() < until) await pause(lookEveryMs);
  }

  /** Lets a sender have its share of the messages, and sees to it that many are without a receipt, if only for a moment. */
  async #load(sender: 0 | 1): Promise<void> {
    const peer = this.#peers[sender];
    const share = (this.#messagesEach * 2 - this.granted) / Math.max(1, this.#kills * 2 - this.#counts[0] - this.#counts[1]);
    const more = Math.max(Math.min(Math.round(share), this.#messagesEach - this.#granted[sender]), burst - peer.view.silent);
    this.#grant(sender, this.#granted[sender] + Math.max(0, more));
    await peer.until(() => peer.view.durable >= this.#granted[sender]);
  }

  #grant(sender: 0 | 1, upTo: number): void {
    this.#granted[sender] = upTo;
    this.#peers[sender].tell({ kind: "send", upTo });
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
