/**
 * Hands messages to their handler (spec §11): in the order of their lane, one of a lane at a time, each at most once. That a handler is about to start is durable before it
 * starts, so that after a crash nobody runs it again unasked; what it leaves behind then is told to the sender as INTERRUPTED.
 */
import { audienceOf, type ErrorCode, HikyakuError, limits, type MessageType } from "@hikyaku/protocol";
import type { Inbox, LaneKey, StoredMessage } from "../ports/inbox.ts";
import type { Couriers } from "./couriers.ts";
import { durably } from "./durably.ts";
import type { Ground } from "./needs.ts";
import { type Transient, TransientQueue } from "./transient-queue.ts";

/** What is done with a message. Rejects where it fails: its sender then learns that it did, and nothing of how. */
export type Handle = (message: StoredMessage) => Promise<void> | void;

export interface HandlerManner {
  /** Whether running it twice does no harm: then what a crash cut short is run again. */
  readonly idempotent?: boolean;
  /** How often it is started for one message in all, where a crash cut it short each time; three times unless told. */
  readonly startsMax?: number;
}

/** For parts of this peer, not for programs: what those throw stays here. */
export interface PartManner extends HandlerManner {
  /** Whether the sender is told the code of a HikyakuError. */
  readonly tellsCode?: boolean;
  /** Whether messages of a lane need not wait for each other: they are begun in their order, as many as are read at once, and each step of all of them is one commit. */
  readonly together?: boolean;
}

export interface HandlingParts {
  readonly ground: Ground;
  readonly inbox: Inbox;
  readonly couriers: () => Couriers;
  readonly background: (work: Promise<void>) => void;
  readonly closing: AbortSignal;
}

/** The messages of one type in one lane: what a handler gets in order. */
interface Line extends LaneKey {
  readonly type: MessageType;
}

interface Handler extends Required<PartManner> {
  readonly handle: Handle;
}

export class Handling {
  readonly #parts: HandlingParts;
  readonly #handlers = new Map<MessageType, Handler>();
  /** Lines at work, and whether something came while they were. */
  readonly #working = new Map<string, { readonly type: MessageType; hasMore: boolean }>();
  /** Lines that wait until fewer of their type are at work: a slow handler holds up its own type alone. */
  readonly #waiting: Line[] = [];
  readonly #transient = new TransientQueue();
  #isDraining = false;
  /** While above zero, what was cut short when the peer ended last is being looked up: nothing of its lanes may overtake it. */
  #resuming = 0;

  constructor(parts: HandlingParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#working.size + this.#waiting.length;
  }

  /** What is kept of messages that nobody keeps, until their turn. */
  get transientBytes(): number {
    return this.#transient.bytes;
  }

  has(type: MessageType): boolean {
    return this.#handlers.has(type);
  }

  /** One handler for a type. What was cut short when the peer ended last is settled first, then everything that waits is handed over. */
  async handle(
    type: MessageType,
    handle: Handle,
    { idempotent = false, startsMax = limits.handlerStartsMax, tellsCode = false, together = false }: PartManner = {},
  ): Promise<void> {
    if (this.#handlers.has(type)) throw new HikyakuError("INVALID_ARGUMENT", `There is a handler for ${JSON.stringify(type)} already.`);
    this.#handlers.set(type, { handle, idempotent, startsMax, tellsCode, together });
    this.#resuming += 1;
    await this.#resume(type, idempotent).finally(() => {
      this.#resuming -= 1;
    });
    // What came for others while this one was looked up was not handed over either.
    if (this.#resuming === 0) for (const each of this.#handlers.keys()) await this.#wakeAll(each);
  }

  /** Something new of these types may be due in this lane, or of any where none are named. */
  wake(lane: LaneKey, types: Iterable<MessageType> = this.#handlers.keys()): void {
    for (const type of types) if (this.#handlers.has(type)) this.#wake({ ...lane, type });
  }

  async #wakeAll(type: MessageType): Promise<void> {
    for (const lane of await this.#parts.inbox.lanesDue(type, limits.knownPeersMax)) this.#wake({ ...lane, type });
  }

  #wake(line: Line): void {
    if (this.#resuming > 0 || this.#parts.closing.aborted) return;
    const key = keyOf(line);
    const working = this.#working.get(key);
    if (working !== undefined) {
      working.hasMore = true;
      return;
    }
    if (this.#countAtWork(line.type) >= limits.handlersAtOnceMax) {
      if (!this.#waiting.some((waiting) => keyOf(waiting) === key)) this.#waiting.push(line);
      return;
    }
    this.#begin(line, []);
  }

  /** Runs a message for the handler that is here now; nobody keeps it. Whether there was room. */
  runTransient(transient: Transient): boolean {
    if (!this.#transient.put(transient)) return false;
    if (!this.#isDraining) this.#parts.background(this.#drain());
    return true;
  }

  /** Messages of this type whose handler had started when the peer last ended and whose sender must be told so (spec BOX-5). */
  async settleInterrupted(type: MessageType): Promise<void> {
    for (;;) {
      const messages = await this.#parts.inbox.interrupted(type, limits.laneReadMax);
      if (messages.length === 0) return;
      for (const message of messages) await this.#interrupt(message);
    }
  }

  async #resume(type: MessageType, idempotent: boolean): Promise<void> {
    if (!idempotent) return await this.settleInterrupted(type);
    const cutShort = await this.#parts.inbox.interrupted(type, limits.inboxPageMax);
    const lines = new Map(cutShort.map((message) => [keyOf(lineOf(message)), lineOf(message)]));
    for (const [key, line] of lines)
      this.#begin(
        line,
        cutShort.filter((message) => keyOf(lineOf(message)) === key),
      );
  }

  #begin(line: Line, cutShort: readonly StoredMessage[]): void {
    this.#working.set(keyOf(line), { type: line.type, hasMore: false });
    this.#parts.background(this.#work(line, cutShort));
  }

  /** Whether a line of this type waits for a place. */
  #isAwaited(type: MessageType): boolean {
    return this.#waiting.some((waiting) => waiting.type === type);
  }

  #countAtWork(type: MessageType): number {
    let count = 0;
    for (const working of this.#working.values()) if (working.type === type) count += 1;
    return count;
  }

  async #interrupt({ from, id }: StoredMessage): Promise<void> {
    this.#parts.ground.counters.add("message.interrupted");
    await this.#advance(from, id, "refused", "INTERRUPTED");
    this.#tell(from, id, "refused", "INTERRUPTED");
  }

  /** First what is to run again, then what is due. */
  async #work(line: Line, cutShort: readonly StoredMessage[]): Promise<void> {
    const key = keyOf(line);
    try {
      const state = this.#working.get(key);
      if (state === undefined) return;
      for (const message of cutShort) await this.#runAgain(message);
      do {
        state.hasMore = false;
        if (await this.#workPage(line)) state.hasMore = true;
      } while (state.hasMore && !this.#isAwaited(line.type) && !this.#parts.closing.aborted);
      // A line that never ends would otherwise keep its place for ever.
      if (state.hasMore) this.#waiting.push(line);
    } finally {
      this.#working.delete(key);
      const next = this.#waiting.findIndex(({ type }) => type === line.type);
      for (const waiting of next < 0 ? [] : this.#waiting.splice(next, 1)) this.#wake(waiting);
    }
  }

  /** What ended the program may be this very message, so it is not run again for ever. */
  async #runAgain(message: StoredMessage): Promise<void> {
    const { ground, inbox, closing } = this.#parts;
    const starts = await durably(ground, closing, () => inbox.startAgain(message.from, message.id));
    if (starts > (this.#handlers.get(message.type)?.startsMax ?? 0)) await this.#interrupt(message);
    else if (starts > 0) await this.#end(message, await this.#run(message));
  }

  /** Whether there may be more. */
  async #workPage(line: Line): Promise<boolean> {
    const { inbox, couriers, closing } = this.#parts;
    const messages = await inbox.due(line, line.type, limits.laneReadMax);
    if (messages.length === 0) return false;
    if (this.#handlers.get(line.type)?.together === true) await Promise.all(messages.map((message) => this.#workOne(message)));
    else await this.#workInTurn(messages);
    couriers().of(line.from).tell();
    return !closing.aborted;
  }

  /** The end of one message and the start of the next share a commit. */
  async #workInTurn(messages: readonly StoredMessage[]): Promise<void> {
    let ending: Promise<void> = Promise.resolve();
    for (const message of messages) {
      if (this.#parts.closing.aborted) break;
      const [isOurs] = await Promise.all([this.#start(message), ending]);
      if (isOurs) ending = this.#end(message, await this.#run(message));
    }
    await ending;
  }

  async #workOne(message: StoredMessage): Promise<void> {
    if (await this.#start(message)) await this.#end(message, await this.#run(message));
  }

  /** Whether this message is ours to handle now. */
  async #start(message: StoredMessage): Promise<boolean> {
    const { from, id, exp } = message;
    if (exp < this.#parts.ground.clock.now()) {
      await this.#advance(from, id, "refused", "MESSAGE_EXPIRED");
      this.#tell(from, id, "refused", "MESSAGE_EXPIRED");
      return false;
    }
    const risen = await this.#advance(from, id, "started");
    if (risen.length === 0) return false;
    this.#tell(from, id, "delivered");
    return true;
  }

  /** `refusal` is the code that its sender is told; none where all went well. What closing cut short has no end yet: it runs again at the next start, or is interrupted. */
  async #end({ from, id }: StoredMessage, refusal: ErrorCode | undefined): Promise<void> {
    if (refusal === "CLOSED") return;
    const outcome = refusal === undefined ? "handled" : "refused";
    await this.#advance(from, id, outcome, refusal);
    this.#parts.ground.counters.add(`message.${outcome}`);
    this.#tell(from, id, outcome, refusal);
  }

  /** A full disk holds up a lane, and ends nothing: what a handler has done must be noted before the lane goes on. */
  #advance(from: string, id: string, stage: Parameters<Inbox["advance"]>[2], reason?: string): Promise<readonly string[]> {
    const { ground, inbox, closing } = this.#parts;
    return durably(ground, closing, () => inbox.advance(from, [id], stage, reason));
  }

  #run(message: StoredMessage): Promise<ErrorCode | undefined> {
    const handler = this.#handlers.get(message.type);
    return this.#try(message, () => handler?.handle(message), handler?.tellsCode);
  }

  /** KEY-6: of what a handler throws the log tells the kind alone. */
  async #try(
    { from, id }: Pick<StoredMessage, "from" | "id">,
    run: () => Promise<void> | void,
    tellsCode = false,
  ): Promise<ErrorCode | undefined> {
    try {
      await run();
      return undefined;
    } catch (error) {
      if (tellsCode && error instanceof HikyakuError && audienceOf(error.code) !== "local") return error.code;
      // A condition of this machine is no answer to a sender.
      if (tellsCode && this.#parts.closing.aborted) return "CLOSED";
      const reason = error instanceof Error ? error.name : "thrown";
      this.#parts.ground.log.write("error", "handler.failed", { peer: from, id, reason });
      return "INTERNAL_ERROR";
    }
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    for (let next = this.#transient.take(); next !== undefined; next = this.#transient.take()) await this.#try(next, next.run);
    this.#isDraining = false;
  }

  #tell(did: string, id: string, stage: "delivered" | "handled" | "refused", reason?: string): void {
    this.#parts.couriers().of(did).note([id], stage, reason);
  }
}

const lineOf = ({ from, place, type }: StoredMessage): Line => ({ from, lane: place?.lane ?? "", type });

const keyOf = ({ from, lane, type }: Line): string => JSON.stringify([from, lane, type]);
