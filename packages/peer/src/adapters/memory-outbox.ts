/** An outbox in memory: for tests, simulations and peers that shall forget. Its state outlives it where it is given one. */
import { encodeUtf8, limits } from "@hikyaku/protocol";
import type { Draft, LaneOut, Outbox, OutboxEvent, OutboxRecord, OutboxStage, Progress, QueuedMessage, Remark } from "../ports/outbox.ts";
import { type Commit, commitAtOnce } from "./commit.ts";
import { type OutboxBounds, type OutboxFill, outboxIdTaken, requireOutboxRoom } from "./outbox-bounds.ts";
import { remarkToDrop, type Stations, stationEventsMax, tellEvents } from "./outbox-history.ts";

interface Kept {
  readonly message: QueuedMessage;
  readonly bytes: number;
  readonly remarks: OutboxEvent[];
  stations: Stations;
}

interface LaneBook extends LaneOut {
  lastOrder: number;
  /** By rising order. */
  readonly queued: Map<number, Kept>;
}

interface Holding {
  readonly count: number;
  readonly bytes: number;
}

/** What a restarted peer finds again. */
export interface MemoryOutboxState {
  readonly epoch: string;
  /** Of recipients whose lanes were renamed. */
  readonly epochs: Map<string, string>;
  /** Bytes of unsettled messages and dead letters. */
  bytes: number;
  readonly messages: Map<string, Kept>;
  readonly lanes: Map<string, LaneBook>;
  /** Unsettled messages and dead letters, by recipient. */
  readonly kept: Map<string, Holding>;
}

/** `epoch`: 16 hex digits, never those of another outbox. */
export const emptyOutbox = (epoch: string): MemoryOutboxState => ({
  epoch,
  epochs: new Map(),
  bytes: 0,
  messages: new Map(),
  lanes: new Map(),
  kept: new Map(),
});

export interface MemoryOutboxOptions {
  readonly state: MemoryOutboxState;
  readonly commit?: Commit;
  readonly bounds?: OutboxBounds;
}

export class MemoryOutbox implements Outbox {
  readonly #state: MemoryOutboxState;
  readonly #commit: Commit;
  readonly #bounds: OutboxBounds;

  constructor({ state, commit = commitAtOnce, bounds = limits }: MemoryOutboxOptions) {
    this.#state = state;
    this.#commit = commit;
    this.#bounds = bounds;
  }

  async epochOf(to: string): Promise<string> {
    return this.#state.epochs.get(to) ?? this.#state.epoch;
  }

  renewEpoch(to: string, epoch: string): Promise<void> {
    return this.#commit(() => void this.#state.epochs.set(to, epoch));
  }

  add(draft: Draft): Promise<QueuedMessage> {
    return this.#commit(() => this.#add(draft));
  }

  async next(lane: LaneOut, after: number, bounds: { readonly count: number; readonly bytes: number }): Promise<readonly QueuedMessage[]> {
    const taken: QueuedMessage[] = [];
    let bytes = 0;
    for (const kept of this.#laneBook(lane).queued.values()) {
      if (kept.message.order <= after) continue;
      if (taken.length >= bounds.count || (taken.length > 0 && bytes + kept.bytes > bounds.bytes)) break;
      bytes += kept.bytes;
      taken.push(kept.message);
    }
    return taken;
  }

  async floor(lane: LaneOut): Promise<number> {
    const { queued, lastOrder } = this.#laneBook(lane);
    const [first] = queued.keys();
    return first ?? lastOrder + 1;
  }

  async lanesQueued(): Promise<readonly LaneOut[]> {
    const lanes = [...this.#state.lanes.values()].filter(({ queued }) => queued.size > 0);
    return lanes.map(({ to, priority }) => ({ to, priority }));
  }

  advance(progress: readonly Progress[]): Promise<readonly Progress[]> {
    return this.#commit(() => progress.filter((step) => this.#advance(step)));
  }

  remark(remarks: readonly Remark[]): Promise<void> {
    return this.#commit(() => {
      for (const remark of remarks) this.#remark(remark);
    });
  }

  async unsettled(to: string, after: string | undefined, limit: number): Promise<readonly string[]> {
    const stored = this.#keptWhere(({ message, stations }) => message.to === to && isUnsettled(stations) && stations.stage !== "queued");
    return pageOf(stored, after, limit).map(({ message }) => message.id);
  }

  expire(now: number, limit: number): Promise<readonly OutboxRecord[]> {
    return this.#commit(() => {
      const over = this.#keptWhere(({ message, stations }) => message.exp < now && isUnsettled(stations)).sort(byExp);
      const isDelivered = ({ stations }: Kept): boolean => stations.stage === "delivered";
      for (const kept of over.filter(isDelivered).slice(0, Math.max(0, limit))) this.#settle(kept, { settledAt: now });
      const dead = over.filter((kept) => !isDelivered(kept)).slice(0, Math.max(0, limit));
      for (const kept of dead) this.#move(kept, { stage: "expired", settledAt: now, reason: "MESSAGE_EXPIRED" });
      return dead.map(recordOf);
    });
  }

  async find(id: string): Promise<OutboxRecord | undefined> {
    const kept = this.#state.messages.get(id);
    return kept && recordOf(kept);
  }

  async findByPrefix(prefix: string, limit: number): Promise<readonly OutboxRecord[]> {
    return pageOf(
      this.#keptWhere(({ message }) => message.id.startsWith(prefix)),
      undefined,
      limit,
    ).map(recordOf);
  }

  async dead(after: string | undefined, limit: number): Promise<readonly OutboxRecord[]> {
    return pageOf(this.#keptWhere(isDead), after, limit).map(recordOf);
  }

  async deadLetter(id: string): Promise<Draft | undefined> {
    const kept = this.#state.messages.get(id);
    if (kept === undefined || !isDead(kept)) return undefined;
    const { order: _, ...draft } = kept.message;
    return draft;
  }

  bury(id: string, asNew?: Draft): Promise<"buried" | QueuedMessage | undefined> {
    return this.#commit(() => {
      const kept = this.#state.messages.get(id);
      if (kept === undefined || !isDead(kept)) return undefined;
      if (asNew !== undefined) this.#refuse(asNew, kept);
      this.#account(kept, -1);
      this.#state.messages.delete(id);
      return asNew === undefined ? "buried" : this.#add(asNew);
    });
  }

  async usage(): Promise<{ readonly count: number; readonly bytes: number }> {
    const unsettled = this.#keptWhere(({ stations }) => isUnsettled(stations));
    return { count: unsettled.length, bytes: unsettled.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  sweep(settledBefore: number, limit: number): Promise<number> {
    return this.#commit(() => {
      const settled = this.#keptWhere((kept) => !isDead(kept) && (kept.stations.settledAt ?? settledBefore) < settledBefore);
      const gone = settled.slice(0, Math.max(0, limit));
      for (const { message } of gone) this.#state.messages.delete(message.id);
      return gone.length;
    });
  }

  #add(draft: Draft): QueuedMessage {
    this.#refuse(draft);
    const lane = this.#laneBook(draft);
    lane.lastOrder += 1;
    const message: QueuedMessage = { ...draft, order: lane.lastOrder };
    const kept: Kept = { message, bytes: sizeOf(draft), remarks: [], stations: { stage: "queued", queuedAt: draft.sentAt } };
    this.#account(kept, 1);
    lane.queued.set(message.order, kept);
    this.#state.messages.set(draft.id, kept);
    return message;
  }

  /** Before anything changes. `freed` is what goes in the same change. */
  #refuse(draft: Draft, freed?: Kept): void {
    if (this.#state.messages.has(draft.id)) throw outboxIdTaken(draft);
    const held = this.#holding(draft.to);
    const goes = freed?.message.to === draft.to ? freed : undefined;
    const bytes = sizeOf(draft);
    const fill: OutboxFill = {
      bytes: this.#state.bytes - (freed?.bytes ?? 0) + bytes,
      recipientBytes: held.bytes - (goes?.bytes ?? 0) + bytes,
      recipientCount: held.count - (goes === undefined ? 0 : 1) + 1,
    };
    requireOutboxRoom(draft, fill, this.#bounds);
  }

  #advance({ id, to, stage, at, reason, sent }: Progress): boolean {
    const kept = this.#state.messages.get(id);
    if (kept === undefined || kept.message.to !== to || !mayRise(kept.stations, stage)) return false;
    const change = { stage, ...(sent === undefined ? {} : { sent }) };
    if (stage === "stored") this.#move(kept, { ...change, storedAt: at });
    else if (stage === "delivered") this.#move(kept, { ...change, deliveredAt: at });
    else this.#move(kept, { ...change, settledAt: at, ...(reason === undefined ? {} : { reason }) });
    if (stage === "handled") this.#settle(kept, {});
    return true;
  }

  #move(kept: Kept, change: Partial<Stations>): void {
    kept.stations = { ...kept.stations, ...change };
    this.#laneBook(kept.message).queued.delete(kept.message.order);
  }

  #settle(kept: Kept, more: Partial<Stations>): void {
    kept.stations = { ...kept.stations, ...more };
    this.#account(kept, -1);
    this.#state.messages.set(kept.message.id, { ...kept, message: { ...kept.message, body: "" } });
  }

  #remark({ id, to, event }: Remark): void {
    const kept = this.#state.messages.get(id);
    if (kept === undefined || kept.message.to !== to) return;
    kept.remarks.push(event);
    if (kept.remarks.length > this.#bounds.eventsPerMessageMax - stationEventsMax) kept.remarks.splice(remarkToDrop(kept.remarks), 1);
  }

  #account({ message, bytes }: Kept, sign: 1 | -1): void {
    this.#state.bytes += sign * bytes;
    const held = this.#holding(message.to);
    this.#state.kept.set(message.to, { count: held.count + sign, bytes: held.bytes + sign * bytes });
  }

  #holding(to: string): Holding {
    return this.#state.kept.get(to) ?? { count: 0, bytes: 0 };
  }

  #laneBook({ to, priority }: LaneOut): LaneBook {
    const key = JSON.stringify([to, priority]);
    const book = this.#state.lanes.get(key) ?? { to, priority, lastOrder: 0, queued: new Map() };
    this.#state.lanes.set(key, book);
    return book;
  }

  #keptWhere(isMeant: (kept: Kept) => boolean): Kept[] {
    return [...this.#state.messages.values()].filter(isMeant);
  }
}

/** `handled` and `refused` are final, and so is the end of a message's time, which does not concern what was delivered. */
const ranks: Readonly<Record<OutboxStage, number>> = { queued: 0, stored: 1, delivered: 2, expired: 2, handled: 3, refused: 3 };

const mayRise = (held: Stations, stage: OutboxStage): boolean => held.settledAt === undefined && ranks[held.stage] < ranks[stage];

const isUnsettled = ({ settledAt }: Stations): boolean => settledAt === undefined;

const isDead = ({ stations: { stage } }: Kept): boolean => stage === "refused" || stage === "expired";

function recordOf({ message, stations, remarks }: Kept): OutboxRecord {
  const { body: _, ...facts } = message;
  const { stage, reason } = stations;
  return { ...facts, stage, events: tellEvents(stations, remarks), ...(reason === undefined ? {} : { reason }) };
}

const byExp = (left: Kept, right: Kept): number => left.message.exp - right.message.exp;

/** By rising id. */
function pageOf(all: readonly Kept[], after: string | undefined, limit: number): readonly Kept[] {
  return all
    .filter(({ message }) => after === undefined || message.id > after)
    .sort((left, right) => (left.message.id < right.message.id ? -1 : 1))
    .slice(0, Math.max(0, limit));
}

const sizeOf = ({ body }: Draft): number => encodeUtf8(body).length;
