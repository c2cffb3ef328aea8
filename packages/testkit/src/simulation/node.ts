/** One simulated machine: a disk, a clock, dice, a place on the network, and the real peer that runs on it, until it crashes and is started again. */
import {
  type Arrival,
  type Draft,
  emptyInbox,
  emptyOutbox,
  emptyStatuses,
  emptyTasks,
  type InboxBounds,
  type InboxMessage,
  type Incoming,
  type KeptOffer,
  type KnownPeer,
  type Log,
  MemoryInbox,
  type MemoryInboxOptions,
  type MemoryInboxState,
  MemoryOfferStore,
  MemoryOutbox,
  type MemoryOutboxOptions,
  MemoryStatusHistory,
  MemoryTaskStore,
  type MemoryTasksState,
  MemoryTrustStore,
  Peer,
  type Progress,
  type QueuedMessage,
  type Remark,
  type Settings,
  type TrustStore,
} from "@hikyaku/peer";
import { createIdentity, type Identity, type ProtocolVersion, suites } from "@hikyaku/protocol";
import { doChore, followAll } from "./chores.ts";
import type { Climate } from "./climate.ts";
import type { CryptoWatch } from "./crypto-watch.ts";
import { Dice } from "./dice.ts";
import { Disk } from "./disk.ts";
import type { Errand, Ledger, Witness } from "./ledger.ts";
import { canaryWord } from "./ledger.ts";
import { Life } from "./life.ts";
import type { Host, Network } from "./network.ts";
import { type Hands, NodeClock } from "./node-clock.ts";
import { addAll, count, type Tally } from "./tally.ts";
import { idempotentChore, type TaskLedger, type TaskWitness } from "./task-ledger.ts";
import type { Plan, Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";

/** What all machines of one simulation stand in. */
export interface Surroundings {
  readonly seed: number;
  readonly timeline: Timeline;
  readonly climate: Climate;
  readonly tally: Tally;
  readonly trace: Trace;
  readonly ledger: Ledger;
  readonly taskLedger: TaskLedger;
  readonly network: Network;
  readonly crypto: CryptoWatch;
  readonly durable: Set<string>;
  readonly report: (violation: unknown) => void;
}

/** What kind of machine it is. */
export interface Character {
  readonly name: string;
  readonly isCallOutOnly: boolean;
  readonly speaksStreams: boolean;
  readonly keepsLinks: boolean;
  readonly versions: readonly ProtocolVersion[];
  readonly isIdempotent: boolean;
  readonly inboxBounds: InboxBounds;
  /** How long after its start it gets a handler. */
  readonly handlerDelayMs: number;
}

interface Run {
  readonly life: Life;
  peer: Peer | undefined;
}

export class SimNode implements Witness, TaskWitness {
  readonly name: string;
  readonly did: string;
  readonly isIdempotent: boolean;
  readonly character: Character;
  readonly inbox: Witness["inbox"] = emptyInbox();
  readonly outbox: Witness["outbox"];
  readonly tasks: MemoryTasksState = emptyTasks();
  readonly disk: Disk;
  readonly hands: Hands = { offMs: 0 };
  crashes = 0;
  readonly #around: Surroundings;
  readonly #identity: Identity;
  readonly #host: Host;
  readonly #trusted = new MemoryTrustStore();
  readonly #offers = new Map<string, KeptOffer>();
  readonly #statuses = emptyStatuses();
  readonly #dice: Dice;
  readonly #fateDice: Dice;
  #savedDice: Uint32Array | undefined;
  #run: Run | undefined;
  #runs = 0;

  constructor(around: Surroundings, character: Character, index: number) {
    const { seed, timeline, climate, tally } = around;
    const { name } = character;
    this.#around = around;
    this.character = character;
    this.name = name;
    this.isIdempotent = character.isIdempotent;
    this.#identity = createIdentity(around.crypto.of(name, 0), new Uint8Array(32).fill(index + 1));
    this.did = this.#identity.did;
    this.outbox = emptyOutbox(`${index + 1}`.padStart(16, "0"));
    this.#dice = new Dice(seed, `machine ${name}`);
    this.#fateDice = new Dice(seed, `fate ${name}`);
    this.disk = new Disk({ timeline, dice: new Dice(seed, `disk ${name}`), climate, tally });
    this.#host = { name, address: character.isCallOutOnly ? undefined : addressOf(name), speaksStreams: character.speaksStreams };
    around.network.add(this.#host);
  }

  get peer(): Peer | undefined {
    return this.#run?.life.isOver === false ? this.#run.peer : undefined;
  }

  /** The life of the program that is running now. */
  get life(): Life | undefined {
    return this.#run?.life;
  }

  get isRunning(): boolean {
    return this.#run?.life.isOver === false;
  }

  /** Makes the other machine known here before anything runs. */
  async know(other: SimNode, addresses: readonly string[]): Promise<void> {
    const known: KnownPeer = {
      did: other.did,
      publicKey: other.#identity.publicKey,
      name: other.name,
      level: "trusted",
      scopes: ["message", "task_delegate"],
      addresses: addresses.map((address) => ({ address, source: "person" })),
      minVersion: "1.0",
      pinnedAt: 0,
    };
    await this.#trusted.put(known);
  }

  start(): void {
    if (this.isRunning) return;
    const { trace, report } = this.#around;
    trace.tell(() => `${this.name} starts`);
    this.#runs += 1;
    const run: Run = { life: new Life(() => this.#bury(run)), peer: undefined };
    this.#run = run;
    Peer.start(this.#needs(run.life), this.#settings()).then((peer) => this.#began(run, peer), report);
  }

  /** Ends the program without a word. Where `actions` is given it happens in the middle of what it does next. */
  crash(actions?: number): void {
    const run = this.#run;
    if (run === undefined || run.life.isOver) return;
    if (actions !== undefined) {
      run.life.dieAfter(actions);
      return;
    }
    run.life.end();
    this.#bury(run);
  }

  /** It need not die any more. */
  spare(): void {
    this.#run?.life.dieAfter(Number.POSITIVE_INFINITY);
  }

  /** Ends the program as a person would. */
  stop(): void {
    const run = this.#run;
    if (run?.peer === undefined || run.life.isOver) return;
    const { report, trace } = this.#around;
    trace.tell(() => `${this.name} is asked to stop`);
    const late = this.#watchClose(run);
    run.peer.close().then(() => {
      late.cancel();
      if (run.life.isOver) return;
      // A handler that was still running when its program ended was cut short as by a crash.
      run.life.end();
      this.#bury(run, "stop");
    }, report);
  }

  /** Time in which all machines slept does not count. */
  #watchClose(run: Run): Plan {
    const { timeline, report } = this.#around;
    const { slept } = timeline;
    let plan = timeline.after(closeMsMax, () => {
      if (run.life.isOver) return;
      if (timeline.slept > slept) plan = this.#watchClose(run);
      else report(new Violation("I8", `${this.name} did not close within ${closeMsMax / 1000} s`));
    });
    return { cancel: () => plan.cancel() };
  }

  /** The machine's clock is set. */
  setClock(offMs: number): void {
    this.#around.trace.tell(() => `${this.name}'s clock is set to ${offMs / 1000} s off`);
    this.hands.offMs = offMs;
  }

  /** A copy of the machine as it is now would roll these dice again. */
  photograph(): void {
    this.#savedDice = this.#dice.save();
  }

  wakeAsClone(): void {
    if (this.#savedDice === undefined) return;
    count(this.#around.tally, "fault: clone");
    this.#dice.restore(this.#savedDice);
    this.#savedDice = undefined;
  }

  /** Its counters so far go to the tally. */
  settleAccounts(): void {
    const { peer } = this;
    if (peer !== undefined) addAll(this.#around.tally, Object.entries(peer.stats()));
  }

  #began(run: Run, peer: Peer): void {
    if (run.life.isOver) return;
    run.peer = peer;
    const { timeline } = this.#around;
    timeline.after(this.character.handlerDelayMs, () => {
      if (run.life.isOver) return;
      peer.on("message", (message) => this.#handle(run, message), { idempotent: this.isIdempotent });
      this.#offer(run, peer, "once", false);
      this.#offer(run, peer, idempotentChore, true);
    });
    followAll(this.#around, this, run.life, peer).catch((error: unknown) => this.#around.report(error));
  }

  /** Full disks are no reason to offer nothing: whoever cannot now tries again. */
  #offer(run: Run, peer: Peer, name: string, idempotent: boolean): void {
    peer
      .capability(name, { idempotent, concurrency: 2 }, (task, context) => doChore(this.#around, this, run.life, task, context))
      .catch(() => {
        this.#around.timeline.after(1_000, () => run.life.isOver || this.#offer(run, peer, name, idempotent));
      });
  }

  #bury(run: Run, cause: "crash" | "stop" = "crash"): void {
    const { network, tally, trace } = this.#around;
    trace.tell(() => `${this.name} is down (${cause})`);
    this.crashes += 1;
    count(tally, `fault: ${cause}`);
    if (run.peer !== undefined) addAll(tally, Object.entries(run.peer.stats()));
    this.#host.program = undefined;
    this.disk.crash();
    network.abandon(this.name);
  }

  #needs(life: Life): Parameters<typeof Peer.start>[0] {
    const { timeline, crypto, network } = this.#around;
    const commit = this.disk.commitOf(life);
    return {
      crypto: crypto.of(this.name, this.#runs),
      identity: this.#identity,
      clock: new NodeClock(timeline, this.hands, life),
      random: this.#dice,
      log: this.#log(),
      dialer: network.dialer(this.#host, life),
      listener: network.listener(this.#host, life),
      trustStore: this.#trustStore(life),
      inbox: new WatchedInbox({ state: this.inbox, commit, bounds: this.character.inboxBounds }, this.#around),
      outbox: new WatchedOutbox({ state: this.outbox, commit }, this, this.#around),
      tasks: new MemoryTaskStore({ state: this.tasks, commit }),
      offers: new MemoryOfferStore({ state: this.#offers, commit }),
      statuses: new MemoryStatusHistory({ state: this.#statuses, commit }),
    };
  }

  #settings(): Settings {
    const { versions, keepsLinks } = this.character;
    return { firstContact: "refuse", abilities: { versions, suites, features: [] }, keepLinks: keepsLinks };
  }

  #trustStore(life: Life): TrustStore {
    const trusted = this.#trusted;
    const commit = this.disk.commitOf(life);
    return {
      load: () => trusted.load(),
      put: async (peer) => await commit(() => trusted.put(peer)),
      remove: async (did) => await commit(() => trusted.remove(did)),
    };
  }

  /** I13: nothing that anybody wrote in a message stands in a log. */
  #log(): Log {
    const { trace, report } = this.#around;
    return {
      write: (level, event, fields) => {
        const line = `${event} ${JSON.stringify(fields ?? {})}`;
        if (line.includes(canaryWord)) report(new Violation("I13", `${this.name} logs a message's text: ${line}`));
        trace.tell(() => `${this.name} logs ${level} ${line}`);
      },
    };
  }

  /** In the middle of a handler, or of the little that comes after it. */
  dieSometimes(): void {
    const { climate, timeline } = this.#around;
    if (climate.isCalm || !this.#fateDice.chance(climate.dyingHandler)) return;
    this.crash(this.#fateDice.between(0, 4));
    timeline.after(this.#fateDice.stretched(1_000, 60_000), () => this.start());
  }

  async #handle(run: Run, message: Incoming): Promise<void> {
    const { ledger, report, timeline, trace, tally } = this.#around;
    if (run.life.isOver) return;
    trace.tell(() => `${this.name} handles ${message.id} of ${message.from.name}`);
    try {
      const entry = ledger.started(this, message);
      const errand = (message.body as { readonly json: Errand }).json;
      this.dieSometimes();
      if (errand.slowMs > 0) {
        count(tally, "fault: slow handler");
        await new Promise<void>((resolve) => timeline.after(errand.slowMs, () => run.life.isOver || resolve()));
      }
      if (errand.answers) void message.reply({ json: errandOf(`${this.name} answers ${errand.canary}`) }).catch(() => undefined);
      if (entry === undefined) return;
      entry.ends += 1;
      if (!errand.fails) return;
      entry.throws += 1;
    } catch (error) {
      report(error);
    }
    count(tally, "fault: handler failed");
    throw new Error(`a handler that fails, with ${canaryWord} in its message`);
  }
}

const closeMsMax = 15_000;

export const addressOf = (name: string): string => `http://${name}:7340`;

/** An errand that asks for nothing; what it says is unique because `text` is. */
export const errandOf = (text: string): Errand => ({
  canary: `${canaryWord} ${text}`,
  slowMs: 0,
  fails: false,
  answers: false,
  filling: "",
});

class WatchedInbox extends MemoryInbox {
  readonly #state: MemoryInboxState;
  readonly #around: Surroundings;

  constructor(options: MemoryInboxOptions & { readonly state: MemoryInboxState }, around: Surroundings) {
    super(options);
    this.#state = options.state;
    this.#around = around;
  }

  override async append(messages: readonly InboxMessage[]): Promise<readonly Arrival[]> {
    const arrivals = await super.append(messages);
    const { tally } = this.#around;
    for (const arrival of arrivals) {
      if (arrival.skipped !== undefined) count(tally, "recovery: gap skipped by floor");
      if (arrival.kind === "full") count(tally, `recovery: inbox full (${arrival.bound})`);
    }
    messages.forEach((message, index) => {
      if (arrivals[index]?.kind === "stored" && this.#waits(message)) count(tally, "recovery: reorder buffer used");
    });
    return arrivals;
  }

  #waits({ from, place }: InboxMessage): boolean {
    if (place === undefined) return false;
    return this.#state.lanes.get(JSON.stringify([from, place.lane]))?.orders.waiting.has(place.order) === true;
  }
}

class WatchedOutbox extends MemoryOutbox {
  readonly #node: SimNode;
  readonly #around: Surroundings;

  constructor(options: MemoryOutboxOptions, node: SimNode, around: Surroundings) {
    super(options);
    this.#node = node;
    this.#around = around;
  }

  override async add(draft: Draft): Promise<QueuedMessage> {
    this.#around.ledger.drafted(this.#node, draft);
    const queued = await super.add(draft);
    this.#around.durable.add(queued.id);
    return queued;
  }

  override async advance(progress: readonly Progress[]): Promise<readonly Progress[]> {
    const risen = await super.advance(progress);
    try {
      this.#around.ledger.advanced(this.#node, risen);
    } catch (error) {
      this.#around.report(error);
    }
    return risen;
  }

  override async remark(remarks: readonly Remark[]): Promise<void> {
    for (const { event } of remarks)
      if (event.detail?.includes("failed too often") === true) count(this.#around.tally, "recovery: breaker opened");
    await super.remark(remarks);
  }
}
