/**
 * What was really sent and what really happened to it, kept by somebody who sees all machines: the judge of I1, I2, I3, I8 and I14. Peers know nothing of it.
 */
import type { Draft, Incoming, MemoryInboxState, MemoryOutboxState, Progress } from "@hikyaku/peer";
import { count, type Tally } from "./tally.ts";
import { Violation } from "./violation.ts";

/** What a message asks of its handler. */
export interface Errand {
  /** Unique in the simulation; the canary is in every body. */
  readonly canary: string;
  readonly slowMs: number;
  readonly fails: boolean;
  readonly answers: boolean;
  readonly filling: string;
}

export interface Entry {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly type: string;
  readonly body: string;
  readonly lifeMs: number;
  starts: number;
  /** Handlers that came to their end, and how many of those threw. */
  ends: number;
  throws: number;
}

/** A node as the ledger sees it. */
export interface Witness {
  readonly name: string;
  readonly did: string;
  readonly isIdempotent: boolean;
  readonly inbox: MemoryInboxState;
  readonly outbox: MemoryOutboxState;
  /** How often its program ended without being asked to. */
  crashes: number;
}

export const canaryWord = "CANARY";

export class Ledger {
  readonly #witnesses = new Map<string, Witness>();
  readonly #entries = new Map<string, Entry>();
  /** Bodies that nobody keeps, and how often they were handled. */
  readonly #told = new Map<string, { readonly from: string; readonly to: string; starts: number }>();
  /** The last order that was handed over, by recipient, sender and lane. */
  readonly #orders = new Map<string, number>();
  readonly #tally: Tally;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  add(witness: Witness): void {
    this.#witnesses.set(witness.did, witness);
  }

  get size(): number {
    return this.#entries.size;
  }

  drafted(from: Witness, draft: Draft): void {
    const { id, to, type, body, sentAt, exp } = draft;
    const toName = this.#nameOf(to);
    this.#entries.set(id, { id, from: from.name, to: toName, type, body, lifeMs: exp - sentAt, starts: 0, ends: 0, throws: 0 });
  }

  told(from: Witness, to: string, body: string): void {
    this.#told.set(body, { from: from.name, to, starts: 0 });
  }

  /** A handler begins. */
  started(at: Witness, message: Incoming): Entry | undefined {
    const body = JSON.stringify(message.body);
    const from = this.#witnesses.get(message.from.did);
    if (from === undefined) throw new Violation("I2", `${at.name} was handed a message of somebody who is not there`);
    const entry = this.#entries.get(message.id);
    if (entry === undefined) {
      this.#startedTransient(at, from, body);
      return undefined;
    }
    const isGenuine = entry.from === from.name && entry.to === at.name && entry.body === body;
    if (!isGenuine) throw new Violation("I2", `${at.name} was handed ${message.id} of ${from.name}, which was not sent so`);
    entry.starts += 1;
    if (entry.starts > 1 && !at.isIdempotent)
      throw new Violation("I1", `${at.name} handled ${message.id} of ${from.name} ${entry.starts} times`);
    this.#requireOrder(at, from, message.id);
    return entry;
  }

  /** A sender's outbox has taken in a recipient's word. */
  advanced(from: Witness, risen: readonly Progress[]): void {
    for (const step of risen) this.#requireTruth(from, step);
  }

  /** Messages whose way is not at its end, as their senders see it. */
  unsettled(): readonly { readonly entry: Entry; readonly stage: string }[] {
    const waiting: { entry: Entry; stage: string }[] = [];
    for (const { outbox } of this.#witnesses.values())
      for (const [id, { stations }] of outbox.messages) {
        const entry = this.#entries.get(id);
        if (entry !== undefined && stations.settledAt === undefined) waiting.push({ entry, stage: stations.stage });
      }
    return waiting;
  }

  /** Whether there is none of them. */
  isSettled(): boolean {
    for (const { outbox } of this.#witnesses.values())
      for (const [id, { stations }] of outbox.messages) if (stations.settledAt === undefined && this.#entries.has(id)) return false;
    return true;
  }

  /** Why a message does not arrive, as far as one can see from above. */
  explain({ id, from, to, starts, ends }: Entry): string {
    const of = (name: string): Witness | undefined => [...this.#witnesses.values()].find((witness) => witness.name === name);
    const kept = of(from)?.outbox.messages.get(id);
    const held = of(to)?.inbox.messages.get(JSON.stringify([of(from)?.did, id]));
    const lane = [...(of(to)?.inbox.lanes.values() ?? [])].find((book) => book.from === of(from)?.did);
    const reached = lane === undefined ? "no lane" : `reached ${lane.orders.reached}, floor ${lane.orders.floor}`;
    return `${id} from ${from} to ${to}, order ${kept?.message.order}: ${kept?.stations.stage ?? "nowhere"} here, ${held?.stage ?? "nowhere"} there (${reached}); ${starts} handlers began, ${ends} ended`;
  }

  /** I14, I8: everything that was ever durable is settled, with a reason that is true. */
  judgeEnd(durable: ReadonlySet<string>): void {
    const ids = new Set(durable);
    for (const { outbox } of this.#witnesses.values()) for (const id of outbox.messages.keys()) ids.add(id);
    for (const id of ids) {
      const entry = this.#entries.get(id);
      const sender = entry && [...this.#witnesses.values()].find(({ name }) => name === entry.from);
      const held = sender?.outbox.messages.get(id);
      if (entry === undefined || sender === undefined || held === undefined)
        throw new Violation("I14", `${id} was durable and is in no outbox any more`);
      const { stage, reason } = held.stations;
      count(this.#tally, `end: ${stage}${reason === undefined ? "" : ` ${reason}`}`);
      this.#requireTruth(sender, { id, to: held.message.to, stage, ...(reason === undefined ? {} : { reason }) });
    }
  }

  #startedTransient(at: Witness, from: Witness, body: string): void {
    const told = this.#told.get(body);
    if (told === undefined || told.from !== from.name || told.to !== at.name)
      throw new Violation("I2", `${at.name} was handed something that ${from.name} never sent to it`);
    told.starts += 1;
    if (told.starts > 1) throw new Violation("I1", `${at.name} was handed one transient message of ${from.name} ${told.starts} times`);
  }

  #requireOrder(at: Witness, from: Witness, id: string): void {
    const message = from.outbox.messages.get(id)?.message;
    if (message === undefined) throw new Violation("I14", `${at.name} handles ${id}, which is in no outbox any more`);
    const lane = `${at.name} ${from.name} ${message.priority}`;
    const last = this.#orders.get(lane) ?? 0;
    const isNext = message.order > last || (at.isIdempotent && message.order === last);
    if (!isNext) throw new Violation("I3", `${at.name} was handed order ${message.order} of ${from.name} after ${last}`);
    this.#orders.set(lane, message.order);
  }

  #requireTruth(from: Witness, { id, to, stage, reason }: Pick<Progress, "id" | "to" | "reason"> & { readonly stage: string }): void {
    const entry = this.#entries.get(id);
    const recipient = this.#witnesses.get(to);
    if (entry === undefined || recipient === undefined) return;
    const lie = lieOf(entry, recipient, { did: from.did, stage, reason });
    if (lie !== undefined)
      throw new Violation(
        lie.invariant,
        `${from.name} believes ${id} to ${recipient.name} is ${stage} ${reason ?? ""}, but ${lie.truth}: ${this.explain(entry)}`,
      );
  }

  #nameOf(did: string): string {
    return this.#witnesses.get(did)?.name ?? did;
  }
}

const shortLifeMs = 3_600_000;

function lieOf(
  entry: Entry,
  recipient: Witness,
  { did, stage, reason }: { readonly did: string; readonly stage: string; readonly reason: string | undefined },
): { readonly invariant: string; readonly truth: string } | undefined {
  const held = recipient.inbox.messages.get(JSON.stringify([did, entry.id]));
  const isRead = held !== undefined && held.stage !== "stored";
  switch (stage) {
    case "stored":
      return held === undefined ? { invariant: "I14", truth: "it is not in the inbox there" } : undefined;
    case "delivered":
      // Its time may be over before its handler is: then nobody waits for the last word.
      return isRead ? undefined : { invariant: "I14", truth: "nobody read it" };
    case "handled":
      // What the bodies of tasks do is judged by the ledger of tasks.
      if (entry.type !== "message") return held?.stage === "handled" ? undefined : { invariant: "I8", truth: "nobody acted upon it" };
      return entry.ends > entry.throws && held?.stage === "handled" ? undefined : { invariant: "I8", truth: "no handler finished" };
    case "expired":
      return entry.lifeMs <= shortLifeMs ? undefined : { invariant: "I8", truth: "it had days to live" };
    case "refused":
      return isTrueReason(entry, recipient, reason) ? undefined : { invariant: "I8", truth: "that is not so" };
    default:
      return undefined;
  }
}

function isTrueReason(entry: Entry, recipient: Witness, reason: string | undefined): boolean {
  switch (reason) {
    case "INTERNAL_ERROR":
      return entry.throws > 0;
    case "INTERRUPTED":
      return recipient.crashes > 0;
    case "MESSAGE_EXPIRED":
      return entry.lifeMs <= shortLifeMs;
    case "UNAUTHORIZED":
      // Its program had offered nothing yet.
      return entry.type === "task_delegate";
    default:
      return false;
  }
}
