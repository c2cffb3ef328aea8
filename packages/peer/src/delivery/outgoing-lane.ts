/**
 * A lane of ours as its courier sees it (spec LANE-2 to LANE-4): the first messages that the recipient has not stored, by rising order, and which of them are on the way.
 * The rest stays in the outbox, however many there are.
 */
import { limits, type Priority } from "@hikyaku/protocol";
import type { QueuedMessage } from "../ports/outbox.ts";
import type { Flight } from "./flights.ts";

export interface LaneEntry {
  readonly message: QueuedMessage;
  readonly lane: OutgoingLane;
  /** The envelope that it is on its way in. */
  flight?: Flight | undefined;
  /** To be sent by itself: a refusal of many named none. */
  isAlone: boolean;
  /** The last sending, until it has been noted in the outbox. */
  sent?: { readonly at: number; readonly route: string };
  sendings: number;
}

/** The part of the outbox that a lane reads. */
export type ReadLane = (after: number, bounds: { readonly count: number; readonly bytes: number }) => Promise<readonly QueuedMessage[]>;

export class OutgoingLane {
  readonly priority: Priority;
  readonly #unstored = new Map<number, LaneEntry>();
  readonly #byId = new Map<string, LaneEntry>();
  #bytes = 0;
  #resting = 0;
  /** Every queued message up to this order is in memory. */
  #loadedTo = 0;
  /** Whether the outbox may hold queued messages above that. */
  #hasMore = true;
  #loading: Promise<void> | undefined;

  constructor(priority: Priority) {
    this.priority = priority;
  }

  /** Messages in memory that are not on their way. */
  get readyCount(): number {
    return this.#resting;
  }

  get size(): number {
    return this.#unstored.size;
  }

  /** Whether there is nothing left to send, here or in the outbox. */
  isIdle(): boolean {
    return this.#unstored.size === 0 && !this.#hasMore;
  }

  /** Whether there may be something to read and room to read it into. */
  mayHaveMore(): boolean {
    return this.#hasMore && this.#resting === 0 && this.#hasRoom();
  }

  /** LANE-3: the lowest order that may still be sent. */
  get floor(): number {
    const first = this.#unstored.keys().next();
    return first.done === true ? this.#loadedTo + 1 : first.value;
  }

  /** A message that has just become durable. It is taken into memory only where everything before it is. */
  offer(message: QueuedMessage): void {
    if (message.order <= this.#loadedTo) return;
    const isNext = message.order === this.#loadedTo + 1;
    if (!isNext || this.#hasMore || this.#loading !== undefined || !this.#hasRoom()) this.#hasMore = true;
    else this.#admit(message);
  }

  /** Reads on from the outbox where there is room and need. */
  async refill(read: ReadLane): Promise<void> {
    if (!this.mayHaveMore()) return;
    this.#loading ??= this.#load(read).finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  /** The ready messages in order, for whoever loads them; `fly` takes them along. */
  *ready(): Generator<LaneEntry> {
    for (const entry of this.#unstored.values()) if (entry.flight === undefined) yield entry;
  }

  find(id: string): LaneEntry | undefined {
    return this.#byId.get(id);
  }

  fly(entry: LaneEntry, flight: Flight): void {
    if (entry.flight === undefined) this.#resting -= 1;
    entry.flight = flight;
  }

  land(entry: LaneEntry): void {
    if (entry.flight === undefined || this.#byId.get(entry.message.id) !== entry) return;
    entry.flight = undefined;
    this.#resting += 1;
  }

  /** The recipient has stored it, or it will not be sent any more. */
  settle(entry: LaneEntry): void {
    if (!this.#byId.delete(entry.message.id)) return;
    this.#unstored.delete(entry.message.order);
    this.#bytes -= entry.message.body.length;
    if (entry.flight === undefined) this.#resting -= 1;
  }

  #hasRoom(): boolean {
    return this.#unstored.size < limits.laneWindowCountMax && this.#bytes < limits.laneWindowBytesMax;
  }

  async #load(read: ReadLane): Promise<void> {
    const count = limits.laneWindowCountMax - this.#unstored.size;
    const bytes = limits.laneWindowBytesMax - this.#bytes;
    // What is offered meanwhile is above what is read, so it has to be read as well.
    this.#hasMore = false;
    const messages = await read(this.#loadedTo, { count: Math.min(count, laneReadCount), bytes }).catch((error: unknown) => {
      this.#hasMore = true;
      throw error;
    });
    for (const message of messages) if (message.order > this.#loadedTo) this.#admit(message);
    if (messages.length > 0) this.#hasMore = true;
  }

  #admit(message: QueuedMessage): void {
    const entry: LaneEntry = { message, lane: this, isAlone: false, sendings: 0 };
    this.#unstored.set(message.order, entry);
    this.#byId.set(message.id, entry);
    this.#loadedTo = message.order;
    this.#bytes += message.body.length;
    this.#resting += 1;
  }
}

/** As many as one bundle holds. */
const laneReadCount = 1024;
