/**
 * Carries everything to one peer (spec §9 to §11): finds a way, loads what waits, and repeats what was not acknowledged. One courier carries one load at a time, so what
 * has gathered meanwhile goes together. How a load is sealed and leaves is in shipping.ts, in which session in sending-session.ts.
 */
import { type Bytes, type ErrorCode, encodeHex, HikyakuError, limits, type ReceiptStage } from "@hikyaku/protocol";
import { Bag, ephemeral } from "../delivery/bag.ts";
import type { Cargo } from "../delivery/cargo.ts";
import type { Flight } from "../delivery/flights.ts";
import type { LaneEntry } from "../delivery/outgoing-lane.ts";
import { type Overdue, Repetitions } from "../delivery/repetitions.ts";
import type { Contact } from "../links/contact.ts";
import type { Roads } from "../links/roads.ts";
import { Setbacks, type Trouble } from "../links/setbacks.ts";
import type { StreamTable } from "../links/stream-table.ts";
import type { Timer } from "../ports/clock.ts";
import type { Link, Refusal } from "../ports/link.ts";
import type { Outbox, QueuedMessage, Remark } from "../ports/outbox.ts";
import { durably } from "./durably.ts";
import { SendingSession, type SendingSessionParts } from "./sending-session.ts";
import { bundlingVersion, refusalOf, Shipping, type ShippingParts } from "./shipping.ts";

export interface CourierParts extends SendingSessionParts, Pick<ShippingParts, "exchange" | "remark"> {
  readonly outbox: Outbox;
  readonly roads: Roads;
  readonly streams: StreamTable;
  /** Whom to reach; undefined once the peer is not known any more, or blocked. */
  readonly contact: () => Contact | undefined;
  /** Whether a link to this peer is kept up although nothing waits. */
  readonly isKept: () => boolean;
  /** Told when the peer could not be reached, or would not take some messages now. */
  readonly troubled: (error: HikyakuError, ids?: readonly string[]) => void;
  /** The recipient refused this one for good. */
  readonly refused: (id: string, code: ErrorCode) => void;
  readonly background: (work: Promise<void>) => void;
}

export class Courier {
  readonly did: string;
  readonly bag: Bag;
  readonly #parts: CourierParts;
  readonly #session: SendingSession;
  readonly #shipping: Shipping;
  readonly #repetitions: Repetitions;
  readonly #setbacks: Setbacks;
  #isRunning = false;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();
  #retry: Timer | undefined;
  #silentRepeats = 0;
  #renamedAt = Number.NEGATIVE_INFINITY;
  #lanesOpenAt = 0;
  #reopening: Timer | undefined;
  #telling: Timer | undefined;
  #heardAt = Number.NEGATIVE_INFINITY;
  #calledAt = Number.NEGATIVE_INFINITY;
  #beats = 0;
  /** Calls of the peer's that are being taken in. */
  #callsInWork = 0;

  constructor(did: string, parts: CourierParts) {
    this.did = did;
    this.#parts = parts;
    this.bag = new Bag();
    const { clock, random } = parts.ground;
    this.#setbacks = new Setbacks(clock, random);
    this.#session = new SendingSession(did, parts, (sessionId) => this.#sessionRetired(sessionId));
    this.#shipping = new Shipping(did, {
      ...parts,
      bag: this.bag,
      session: this.#session,
      setOut: () => this.#repetitions.watch(),
      cameBack: () => this.stir(),
      moreWaits: () => this.#fetchMore(),
    });
    this.#repetitions = new Repetitions(clock, this.#shipping.flights, (overdue) => this.#repeat(overdue));
  }

  /** Whether there is nothing to remember about this peer. */
  isIdle(): boolean {
    const lanes = [...this.bag.lanes.values()];
    return (
      !this.#isRunning &&
      this.#shipping.flights.size === 0 &&
      this.bag.room.size === 0 &&
      this.bag.receipts.size === 0 &&
      lanes.every((lane) => lane.isIdle())
    );
  }

  /** How full its tables are. */
  get load(): { readonly waiting: number; readonly flights: number } {
    const unstored = [...this.bag.lanes.values()].reduce((sum, lane) => sum + lane.size, 0);
    return { waiting: this.bag.room.size + this.bag.receipts.size + unstored, flights: this.#shipping.flights.size };
  }

  /** What keeps it from its peer. */
  get trouble(): Trouble | undefined {
    return this.#setbacks.trouble;
  }

  /** A message of ours has just become durable. */
  queued(message: QueuedMessage): void {
    this.bag.lanes.get(message.priority)?.offer(message);
    this.stir();
  }

  /** There is something to send. Waits for the next attempt where the peer could not be reached a moment ago. */
  stir(): void {
    if (this.#isRunning || this.#isStopped || this.#callsInWork > 0 || this.#parts.closing.aborted || !this.#hasWork()) return;
    if (this.#setbacks.waitMs > 0) return this.#retryLater();
    this.#isRunning = true;
    this.#running = this.#run();
    this.#parts.background(this.#running);
  }

  /** What became of messages of the peer's. In a moment there may be more to say of them, or of others: it goes together (spec DLV-10). */
  note(ids: readonly string[], stage: ReceiptStage, reason?: string): void {
    if (this.#isStopped) return;
    this.bag.receipts.note(ids, stage, reason);
    this.#telling ??= this.#parts.ground.clock.after(limits.receiptWaitMs, () => this.tell());
  }

  /** What has been noted is said now. */
  tell(): void {
    this.#telling?.cancel();
    this.#telling = undefined;
    this.bag.receipts.ripen();
    this.stir();
  }

  /** The peer was heard of (spec DLV-5). */
  heard(): void {
    this.#heardAt = this.#elapsed();
    this.#silentRepeats = 0;
    this.renew();
  }

  /** What kept us from the peer may be over, or a person said something new of it: nothing has failed yet. */
  renew(): void {
    this.#setbacks.clear();
    this.stir();
  }

  /** The peer calls over an exchange: until the call is taken in, nothing sets out, as the answer to the call takes it along (spec HTTP-7). */
  takeCall(): Disposable {
    this.#calledAt = this.#elapsed();
    this.#callsInWork += 1;
    return {
      [Symbol.dispose]: () => {
        this.#callsInWork -= 1;
      },
    };
  }

  /** Somebody waits for an answer now: the peer is tried at once, whatever failed before. The circuits of its addresses keep that from becoming too often (DLV-6). */
  hurry(): void {
    this.#setbacks.hurry();
    this.stir();
  }

  /** A sign of life, which over an exchange also fetches what waits there for us. */
  beat(): void {
    if (!this.bag.room.has("low")) this.bag.room.put(this.#heartbeat());
    this.stir();
  }

  /** Something that the peer's word drew from us. */
  answer(cargo: Cargo): void {
    this.#shipping.answer(cargo);
    this.stir();
  }

  /** The peer has these: they need no repetition. */
  arrived(ids: readonly string[]): void {
    this.#repetitions.reset();
    for (const id of ids) {
      const entry = this.bag.find(id);
      if (entry === undefined) continue;
      this.#shipping.flights.arrive(entry);
      entry.lane.settle(entry);
    }
    this.stir();
  }

  /**
   * LANE-7: the peer knows other messages by the orders of these, as it does when our outbox is older than what we sent. Returns those that are not refused for good,
   * as they go again in lanes of another name; or have gone already, and this word was late.
   */
  misplaced(ids: readonly string[]): ReadonlySet<string> {
    const unstored = ids.filter((id) => this.bag.find(id) !== undefined);
    const sinceMs = this.#elapsed() - this.#renamedAt;
    const isLate = sinceMs < limits.repeatAfterMsMax;
    if (unstored.length === 0 || !(isLate || sinceMs >= limits.laneRenameMsMin)) return new Set();
    if (!isLate) {
      this.#renamedAt = this.#elapsed();
      this.#parts.background(this.#renameLanes());
    }
    return new Set(unstored);
  }

  /** Everything that was sent on this link and has no receipt goes again. Whoever sends something meanwhile is told why it waits. */
  linkEnded(link: Link, reason: string, livedMs: number): void {
    const { streams, contact, isKept } = this.#parts;
    this.#remark(
      this.#shipping.flights.turnBackAll((flight) => flight.link === link),
      reason,
    );
    if (streams.of(this.did) === undefined) this.#setbacks.linkEnded(contact()?.name ?? this.did, reason, livedMs);
    if (isKept() && !this.bag.room.has("low")) this.beat();
    else this.stir();
  }

  /** An envelope was refused on the transport: unsigned, so it is a hint (spec HS-13). */
  refusedOnWay(ref: string, refusal: Refusal): void {
    if (this.#isStopped) return;
    const flight = this.#shipping.flights.get(ref);
    if (refusal.code === "REJECTED") this.#shipping.rejected(ref);
    else if (flight !== undefined) {
      this.#remark(this.#shipping.flights.turnBack(flight), refusal.code);
      this.#parts.troubled(refusalOf({ name: this.#parts.contact()?.name ?? this.did }, refusal));
      // ERR-2: whoever is on the line could say this, so it does not hold for an hour.
      this.#rest(Math.min(refusal.retryAfterS ?? restSDefault, limits.retryMsMax / 1000));
    }
  }

  /** The peer itself refused an envelope, sealed and signed. Of several messages in one nobody knows which it meant, so they go again one by one. */
  refusedByPeer(ref: string, error: HikyakuError, retryAfterS: number | undefined): void {
    const { code } = error;
    const flight = this.#shipping.flights.get(ref);
    if (flight === undefined) return;
    const entries = this.#shipping.flights.turnBack(flight);
    if (isPassing(code)) {
      this.#remark(entries, code);
      this.#parts.troubled(
        error,
        entries.map(({ message }) => message.id),
      );
      return this.#rest(retryAfterS);
    }
    const [only, ...others] = entries;
    if (only !== undefined && others.length === 0) {
      this.#parts.refused(only.message.id, code);
      only.lane.settle(only);
    }
    for (const entry of entries) entry.isAlone = true;
    this.stir();
  }

  /** Resolves when nothing is being carried any more. */
  async rested(): Promise<void> {
    await this.#running;
  }

  /** What waits for a peer that has called over an exchange goes back with its answer, as far as it fits beside `beside` (spec HTTP-7). */
  async takeReplies(beside: readonly Bytes[]): Promise<{ readonly frames: readonly Bytes[]; readonly more: boolean }> {
    this.#calledAt = this.#elapsed();
    const frames = [...beside];
    let bytes = beside.reduce((sum, frame) => sum + frame.length, 0);
    if (this.#parts.streams.of(this.did) !== undefined) return { frames, more: false };
    this.bag.receipts.ripen();
    await this.#refill();
    for (;;) {
      const session = this.#session.current();
      if (session === undefined) return { frames, more: false };
      if (frames.length >= limits.repliesCountMax || bytes > limits.repliesBytesMax - largestReplyBytes)
        return { frames, more: this.bag.hasCargo(this.#rules()) };
      const load = this.bag.load({ isBundling: false, ...this.#rules() });
      if (load === undefined) return { frames, more: false };
      const frame = this.#shipping.seal(session, load, undefined);
      frames.push(frame);
      bytes += frame.length;
    }
  }

  /** The peer is gone for good: nothing more is sent to it. */
  stop(error: HikyakuError): void {
    this.#isStopped = true;
    this.#retry?.cancel();
    this.#repetitions.stop();
    this.#reopening?.cancel();
    this.#telling?.cancel();
    this.#shipping.stop();
    this.bag.room.failAll(error);
    this.bag.receipts.clear();
  }

  async #run(): Promise<void> {
    const { roads, contact: findContact, closing } = this.#parts;
    try {
      while (!closing.aborted && this.#hasWork()) {
        await this.#refill();
        if (!this.bag.hasCargo(this.#rules())) break;
        const contact = findContact();
        if (contact === undefined) throw new HikyakuError("UNKNOWN_PEER", "This peer is not known any more, or blocked.");
        await roads.tryEach(contact, closing, (link) => this.#carryOver(link, contact));
        this.#setbacks.clear();
      }
    } catch (error) {
      if (closing.aborted) return;
      this.#setBack(error instanceof HikyakuError ? error : ownMistake(error));
      // A mistake of ours is loud; it has been set back as well, so that it is not made again at once, and for ever.
      if (!(error instanceof HikyakuError)) throw error;
    } finally {
      this.#isRunning = false;
      if (!closing.aborted && this.trouble === undefined) this.stir();
    }
  }

  /** Uses one link until nothing is left to send. */
  async #carryOver(link: Link, contact: Contact): Promise<void> {
    const { closing } = this.#parts;
    while (!closing.aborted) {
      if (link.kind === "stream") await this.#gather();
      const session = await this.#session.on(link, contact);
      const isBundling = link.kind === "stream" && session.facts.version === bundlingVersion;
      const load = this.bag.load({ isBundling, ...this.#rules() });
      if (load === undefined) return;
      await this.#shipping.ship(link, session, load, contact);
      await this.#refill();
      if (!this.bag.hasCargo(this.#rules())) return;
    }
  }

  /** Whoever speaks at length is let go on while every few steps bring more: what has gathered goes together. Nothing is waited for, so whoever says one thing pays nothing. */
  async #gather(): Promise<void> {
    const { room } = this.bag;
    for (let before = -1; room.size > before && !room.isFull(); ) {
      before = room.size;
      for (let step = 0; step < gatheringSteps; step += 1) await Promise.resolve();
    }
  }

  #heartbeat(): Cargo {
    this.#beats += 1;
    return ephemeral("heartbeat", { seq: this.#beats }, "low");
  }

  /** Fetches what did not fit in the peer's answer. */
  #fetchMore(): void {
    if (!this.bag.room.has("low")) this.answer(this.#heartbeat());
  }

  /** What went in it goes again in the next one. */
  #sessionRetired(retired: string): void {
    this.#shipping.flights.turnBackAll(({ sessionId }) => sessionId === retired);
    this.stir();
  }

  async #renameLanes(): Promise<void> {
    const { outbox, ground, closing } = this.#parts;
    const epoch = encodeHex(ground.random.bytes(epochBytes));
    await durably(ground, closing, () => outbox.renewEpoch(this.did, epoch));
    this.bag.epoch = epoch;
    ground.counters.add("lane.renamed");
    this.#remark(
      this.#shipping.flights.turnBackAll(() => true),
      "SEQUENCE_ERROR",
    );
    this.stir();
  }

  /** DLV-3: what has had no receipt in time is sealed anew. */
  #repeat({ oldest, entries, afterMs }: Overdue): void {
    if (this.#parts.closing.aborted) return;
    this.#remark(entries, `no receipt within ${Math.round(afterMs / 1000)} s`);
    this.#parts.ground.counters.add("message.repeated");
    if (this.#heardAt < oldest.sentAt) this.#missWord(oldest);
    this.stir();
  }

  /** Nothing at all came back since then: after three times the way and the session are given up. */
  #missWord({ link, sessionId }: Flight): void {
    this.#silentRepeats += 1;
    if (this.#silentRepeats < limits.silentRepeatsMax) return;
    this.#silentRepeats = 0;
    this.#session.doubt(sessionId);
    if (link?.kind === "stream") link.close("no word came back");
  }

  /** The peer could not be reached, or did not take what we brought. What nobody keeps is not kept here either, unless the peer could not be reached and calls us. */
  #setBack(error: HikyakuError): void {
    this.#setbacks.failed(error);
    const isOutOfReach = error.code === "UNREACHABLE" || error.code === "TIMED_OUT";
    if (!isOutOfReach || !this.#isCalling()) {
      this.bag.room.failAll(error);
      this.bag.receipts.clear();
    }
    const heads = [...this.bag.lanes.values()].flatMap((lane) => {
      const head = lane.ready().next();
      return head.done === true ? [] : [head.value];
    });
    this.#remark(heads, error.message);
    this.#parts.troubled(error);
    this.#retryLater();
  }

  #retryLater(): void {
    this.#retry?.cancel();
    this.#retry = this.#parts.ground.clock.after(this.#setbacks.waitMs, () => {
      this.#retry = undefined;
      if (this.#parts.isKept() && this.#parts.streams.of(this.did) === undefined) this.beat();
      else this.stir();
    });
  }

  /** The peer wants a moment before the next message; never none, or the two would refuse and repeat as fast as the line carries. */
  #rest(retryAfterS = restSDefault): void {
    const waitMs = Math.max(limits.retryMsMin, Math.min(retryAfterS, limits.retryAfterSMax) * 1000);
    this.#lanesOpenAt = Math.max(this.#lanesOpenAt, this.#elapsed() + waitMs);
    this.#reopening?.cancel();
    this.#reopening = this.#parts.ground.clock.after(this.#lanesOpenAt - this.#elapsed(), () => this.stir());
  }

  #remark(entries: readonly LaneEntry[], reason: string): void {
    const at = this.#parts.ground.clock.now();
    const remarks = entries
      .slice(0, limits.eventsPerMessageMax)
      .map(({ message }): Remark => ({ id: message.id, to: this.did, event: { at, kind: "failed", detail: reason } }));
    if (remarks.length > 0) this.#parts.remark(remarks);
  }

  async #refill(): Promise<void> {
    const { outbox } = this.#parts;
    this.bag.epoch ??= await outbox.epochOf(this.did);
    for (const lane of this.bag.lanes.values())
      if (lane.mayHaveMore()) await lane.refill((after, bounds) => outbox.next({ to: this.did, priority: lane.priority }, after, bounds));
  }

  #rules(): { readonly isOpenForLanes: boolean } {
    return { isOpenForLanes: this.#elapsed() >= this.#lanesOpenAt };
  }

  #hasWork(): boolean {
    const rules = this.#rules();
    return this.bag.hasCargo(rules) || (rules.isOpenForLanes && [...this.bag.lanes.values()].some((lane) => lane.mayHaveMore()));
  }

  /** Whether a peer that we cannot dial has called lately enough to expect its next call. */
  #isCalling(): boolean {
    return this.#elapsed() - this.#calledAt < limits.heartbeatIntervalMs * limits.heartbeatsMissedMax;
  }

  #elapsed(): number {
    return this.#parts.ground.clock.elapsed();
  }
}

const ownMistake = (cause: unknown): HikyakuError =>
  new HikyakuError("INTERNAL_ERROR", "This peer could not send what waits, by a mistake of its own; its log says more.", { cause });

/** A body of the largest size in base64, with the rest of its envelope. */
const largestReplyBytes = Math.ceil(limits.bodyBytesMax / 3) * 4 + 1024;

const epochBytes = 8;

/** Where a peer does not say how long it wants to be left alone. */
const restSDefault = limits.repeatAfterMsMin / 1000;

/** More than `tell` takes between two calls that wait for each other. */
const gatheringSteps = 8;

/** A condition that time may mend. */
const isPassing = (code: ErrorCode): boolean =>
  code === "RATE_LIMITED" || code === "OVERLOADED" || code === "QUOTA_EXCEEDED" || code === "INTERNAL_ERROR";
