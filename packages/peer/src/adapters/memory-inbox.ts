/** An inbox in memory: for tests, simulations and peers that shall forget. Its state outlives it where it is given one. */
import { encodeUtf8, limits, type MessageType } from "@hikyaku/protocol";
import type { Arrival, Inbox, InboxMessage, InboxQuery, InboxStage, LaneKey, StageOf, StoredMessage } from "../ports/inbox.ts";
import { type Commit, commitAtOnce } from "./commit.ts";
import { Lane } from "./lane.ts";

export type InboxBounds = Pick<
  typeof limits,
  | "inboxUnreadPerSenderMax"
  | "inboxUnreadBytesPerSenderMax"
  | "inboxBytesPerSenderMax"
  | "inboxBytesMax"
  | "lanesPerSenderMax"
  | "reorderCountMax"
  | "reorderBytesMax"
  | "laneIdleMsMax"
>;

interface LaneBook extends LaneKey {
  readonly orders: Lane;
  /** Keys of its messages that nobody has read or started. */
  readonly unread: Set<string>;
  /** How many of its messages are here. */
  held: number;
  lastAt: number;
  /** It made room for another: it is remembered as long as its messages, and counts no more. */
  isRetired: boolean;
}

interface SenderBook {
  unread: number;
  unreadBytes: number;
  /** Of all its bodies, read ones too. */
  bytes: number;
}

/** What a restarted peer finds again. */
export interface MemoryInboxState {
  position: number;
  bytes: number;
  /** By sender and id; by rising position. */
  readonly messages: Map<string, StoredMessage>;
  readonly lanes: Map<string, LaneBook>;
  readonly senders: Map<string, SenderBook>;
  /** How often the handler of a message was started, where more than once. */
  readonly starts: Map<string, number>;
}

export const emptyInbox = (): MemoryInboxState => ({
  position: 0,
  bytes: 0,
  messages: new Map(),
  lanes: new Map(),
  senders: new Map(),
  starts: new Map(),
});

export interface MemoryInboxOptions {
  readonly state?: MemoryInboxState;
  readonly commit?: Commit;
  readonly bounds?: InboxBounds;
}

export class MemoryInbox implements Inbox {
  readonly #state: MemoryInboxState;
  readonly #commit: Commit;
  readonly #bounds: InboxBounds;

  constructor({ state = emptyInbox(), commit = commitAtOnce, bounds = limits }: MemoryInboxOptions = {}) {
    this.#state = state;
    this.#commit = commit;
    this.#bounds = bounds;
  }

  append(messages: readonly InboxMessage[]): Promise<readonly Arrival[]> {
    return this.#commit(() => messages.map((message) => this.#arrive(message)));
  }

  async list({ after = 0, from, type, unread = false, limit }: InboxQuery): Promise<readonly StoredMessage[]> {
    return [...this.#state.messages.values()]
      .filter((message) => message.position > after)
      .filter((message) => message.type === type && (from === undefined || message.from === from))
      .filter((message) => !unread || (message.stage === "stored" && this.#isDue(message)))
      .slice(0, pageOf(limit));
  }

  raiseFloor({ from, lane }: LaneKey, floor: number): Promise<number> {
    return this.#commit(() => {
      const book = this.#state.lanes.get(keyOf(from, lane));
      return book === undefined || book.isRetired ? 0 : (this.#raiseFloor(book, floor).skipped ?? 0);
    });
  }

  async lanesDue(type: MessageType, limit: number): Promise<readonly LaneKey[]> {
    return [...this.#state.lanes.values()]
      .filter((lane) => this.#dueIn(lane, type).length > 0)
      .slice(0, pageOf(limit))
      .map(({ from, lane }) => ({ from, lane }));
  }

  async due({ from, lane }: LaneKey, type: MessageType, limit: number): Promise<readonly StoredMessage[]> {
    const book = this.#state.lanes.get(keyOf(from, lane));
    return book === undefined ? [] : this.#dueIn(book, type).slice(0, pageOf(limit));
  }

  advance(from: string, ids: readonly string[], stage: Exclude<InboxStage, "stored">, reason?: string): Promise<readonly string[]> {
    return this.#commit(() => ids.filter((id) => this.#raise(keyOf(from, id), stage, reason)));
  }

  async stagesOf(from: string, ids: readonly string[]): Promise<readonly StageOf[]> {
    return ids.flatMap((id) => {
      const message = this.#state.messages.get(keyOf(from, id));
      return message === undefined ? [] : [{ id, ...wordOn(message) }];
    });
  }

  async interrupted(type: MessageType, limit: number): Promise<readonly StoredMessage[]> {
    const isCutShort = (message: StoredMessage): boolean => message.stage === "started" && message.type === type;
    return [...this.#state.messages.values()].filter(isCutShort).slice(0, pageOf(limit));
  }

  startAgain(from: string, id: string): Promise<number> {
    const key = keyOf(from, id);
    return this.#commit(() => {
      if (this.#state.messages.get(key)?.stage !== "started") return 0;
      const starts = (this.#state.starts.get(key) ?? 1) + 1;
      this.#state.starts.set(key, starts);
      return starts;
    });
  }

  sweep(now: number, bounds: { readonly readBefore: number; readonly graceMs: number; readonly limit: number }): Promise<number> {
    return this.#commit(() => {
      for (const lane of this.#state.lanes.values()) if (isIdle(lane, now, this.#bounds)) this.#skipAll(lane);
      const isLeft = (message: StoredMessage): boolean => message.stage !== "stored" && message.stage !== "started" && this.#isDue(message);
      const gone = [...this.#state.messages.values()]
        .filter((message) => message.receivedAt < bounds.readBefore && isLeft(message))
        .filter((message) => this.#isKnownWithoutRow(message, now - bounds.graceMs))
        .slice(0, Math.max(0, bounds.limit));
      for (const message of gone) this.#forget(message);
      return gone.length;
    });
  }

  #arrive(message: InboxMessage): Arrival {
    const held = this.#state.messages.get(keyOf(message.from, message.id));
    const lane = held === undefined ? this.#laneFor(message) : this.#liveLane(message);
    const skipped = lane === undefined || message.place === undefined ? {} : this.#raiseFloor(lane, message.place.floor);
    if (held !== undefined) return { kind: "duplicate", ...wordOn(held), ...skipped };
    if (lane === undefined) return { kind: "full", bound: "lanes" };
    const bytes = sizeOf(message);
    const standing = message.place === undefined ? "due" : lane.orders.judge(message.place.order, bytes, this.#bounds);
    if (standing === "outdated" || standing === "ahead") return { kind: standing, ...skipped };
    const bound = this.#boundReached(message.from, bytes);
    if (bound !== undefined) return { kind: "full", bound, ...skipped };
    return { kind: "stored", ...skipped, ...(this.#store(message, lane, bytes) ? { releases: true } : {}) };
  }

  #raiseFloor(lane: LaneBook, floor: number): { readonly skipped?: number } {
    const skipped = lane.orders.raiseFloor(floor);
    this.#release(lane);
    return skipped === 0 ? {} : { skipped };
  }

  #liveLane({ from, place }: InboxMessage): LaneBook | undefined {
    const lane = this.#state.lanes.get(keyOf(from, place?.lane ?? ""));
    return lane?.isRetired ? undefined : lane;
  }

  #laneFor(message: InboxMessage): LaneBook | undefined {
    const { from, place, receivedAt } = message;
    const name = place?.lane ?? "";
    const live = this.#liveLane(message);
    if (live !== undefined) return live;
    if (name !== "" && !this.#makeRoom(from, receivedAt)) return undefined;
    const retired = this.#state.lanes.get(keyOf(from, name));
    const lane = retired ?? { from, lane: name, orders: new Lane(), unread: new Set(), held: 0, lastAt: receivedAt, isRetired: false };
    lane.isRetired = false;
    this.#state.lanes.set(keyOf(from, name), lane);
    return lane;
  }

  #makeRoom(from: string, now: number): boolean {
    const lanes = [...this.#state.lanes.values()].filter((lane) => lane.from === from && lane.lane !== "" && !lane.isRetired);
    if (lanes.length < this.#bounds.lanesPerSenderMax) return true;
    const [idlest] = lanes.sort((left, right) => left.lastAt - right.lastAt);
    if (idlest === undefined || !isIdle(idlest, now, this.#bounds)) return false;
    this.#skipAll(idlest);
    idlest.isRetired = true;
    this.#dropIfEmpty(idlest);
    return true;
  }

  #boundReached(from: string, bytes: number): "sender" | "inbox" | undefined {
    const { unread, unreadBytes, bytes: held } = this.#senderBook(from);
    const { inboxUnreadPerSenderMax, inboxUnreadBytesPerSenderMax, inboxBytesPerSenderMax, inboxBytesMax } = this.#bounds;
    if (unread >= inboxUnreadPerSenderMax || unreadBytes + bytes > inboxUnreadBytesPerSenderMax) return "sender";
    if (held + bytes > inboxBytesPerSenderMax) return "sender";
    return this.#state.bytes + bytes > inboxBytesMax ? "inbox" : undefined;
  }

  /** Whether others waited for it. */
  #store(message: InboxMessage, lane: LaneBook, bytes: number): boolean {
    const key = keyOf(message.from, message.id);
    this.#state.position += 1;
    this.#state.bytes += bytes;
    this.#state.messages.set(key, { ...message, position: this.#state.position, stage: "stored" });
    const sender = this.#senderBook(message.from);
    sender.unread += 1;
    sender.unreadBytes += bytes;
    sender.bytes += bytes;
    lane.unread.add(key);
    lane.held += 1;
    lane.lastAt = Math.max(lane.lastAt, message.receivedAt);
    if (message.place === undefined) return false;
    lane.orders.take(message.place.order, bytes);
    return this.#release(lane);
  }

  #skipAll(lane: LaneBook): void {
    lane.orders.skipAll();
    this.#release(lane);
  }

  /** What waited until now takes a new position, by rising order, so that no reader's cursor has passed it by. Whether anything did. */
  #release(lane: LaneBook): boolean {
    const released = lane.orders.takeReleased();
    if (released.length === 0) return false;
    const places = [...this.#state.messages.values()].filter(({ from, place }) => from === lane.from && place?.lane === lane.lane);
    const byPlace = new Map(places.map((message) => [message.place?.order, message]));
    for (const order of released) {
      const message = byPlace.get(order);
      if (message !== undefined) this.#repose(message);
    }
    return true;
  }

  #repose(message: StoredMessage): void {
    const key = keyOf(message.from, message.id);
    this.#state.position += 1;
    this.#state.messages.delete(key);
    this.#state.messages.set(key, { ...message, position: this.#state.position });
  }

  #raise(key: string, stage: Exclude<InboxStage, "stored">, reason: string | undefined): boolean {
    const message = this.#state.messages.get(key);
    if (message === undefined || !mayRise(message.stage, stage)) return false;
    this.#state.messages.set(key, { ...message, stage, ...(reason === undefined ? {} : { reason }) });
    if (message.stage !== "stored") return true;
    const sender = this.#senderBook(message.from);
    sender.unread -= 1;
    sender.unreadBytes -= sizeOf(message);
    this.#state.lanes.get(laneKeyOf(message))?.unread.delete(key);
    return true;
  }

  #isDue({ from, place }: StoredMessage): boolean {
    const lane = place === undefined ? undefined : this.#state.lanes.get(keyOf(from, place.lane));
    return place === undefined || lane === undefined || place.order <= lane.orders.reached;
  }

  #dueIn(lane: LaneBook, type: MessageType): readonly StoredMessage[] {
    const unread = [...lane.unread].flatMap((key) => this.#state.messages.get(key) ?? []);
    return unread.filter((message) => message.type === type && this.#isDue(message)).sort(byOrder);
  }

  /** Its repetition would be outdated, or past its exp for so long that nobody takes it in. */
  #isKnownWithoutRow({ from, place, exp }: StoredMessage, expiredBefore: number): boolean {
    const floor = place === undefined ? 0 : (this.#state.lanes.get(keyOf(from, place.lane))?.orders.floor ?? 0);
    return exp < expiredBefore || (place !== undefined && place.order < floor);
  }

  #forget(message: StoredMessage): void {
    this.#state.messages.delete(keyOf(message.from, message.id));
    this.#state.starts.delete(keyOf(message.from, message.id));
    this.#state.bytes -= sizeOf(message);
    this.#senderBook(message.from).bytes -= sizeOf(message);
    const lane = this.#state.lanes.get(laneKeyOf(message));
    if (lane === undefined) return;
    lane.held -= 1;
    this.#dropIfEmpty(lane);
  }

  #dropIfEmpty({ from, lane, held, isRetired }: LaneBook): void {
    if (isRetired && held === 0) this.#state.lanes.delete(keyOf(from, lane));
  }

  #senderBook(from: string): SenderBook {
    const book = this.#state.senders.get(from) ?? { unread: 0, unreadBytes: 0, bytes: 0 };
    this.#state.senders.set(from, book);
    return book;
  }
}

function mayRise(held: InboxStage, stage: Exclude<InboxStage, "stored">): boolean {
  if (stage === "delivered" || stage === "started") return held === "stored";
  return held !== "handled" && held !== "refused";
}

const isIdle = ({ lastAt }: LaneBook, now: number, { laneIdleMsMax }: InboxBounds): boolean => lastAt <= now - laneIdleMsMax;

const wordOn = ({ stage, reason }: StoredMessage): { readonly stage: InboxStage; readonly reason?: string } =>
  reason === undefined ? { stage } : { stage, reason };

/** A negative limit is none, and no page is larger than a page. */
const pageOf = (limit: number): number => Math.max(0, Math.min(limit, limits.inboxPageMax));

const byOrder = (left: StoredMessage, right: StoredMessage): number =>
  (left.place?.order ?? 0) - (right.place?.order ?? 0) || left.position - right.position;

const sizeOf = ({ body }: InboxMessage): number => encodeUtf8(body).length;

/** A JSON list, so that no two pairs have the same key. */
const keyOf = (from: string, rest: string): string => JSON.stringify([from, rest]);

const laneKeyOf = ({ from, place }: InboxMessage): string => keyOf(from, place?.lane ?? "");
