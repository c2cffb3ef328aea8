/** A stream between two simulated machines: in order, until it breaks. */
import type { Origin, Refusal, Stream, StreamHolder } from "@hikyaku/peer";
import { type Bytes, HikyakuError, limits } from "@hikyaku/protocol";
import { type Life, never } from "./life.ts";
import type { Network } from "./network.ts";
import { count } from "./tally.ts";

type Item =
  | FrameItem
  | { readonly kind: "refusal"; readonly refusal: Refusal; readonly ref: string | undefined }
  | { readonly kind: "end"; readonly reason: string };

interface FrameItem {
  readonly kind: "frame";
  readonly frame: Bytes;
  /** A copy may follow; behind a frame that was bent, its untouched twin may. */
  readonly place: "first" | "copy" | "twin";
  /** Where somebody bent it. */
  readonly original?: Bytes;
}

/** What both ends of a stream share. */
export class Wire {
  readonly network: Network;
  isBroken = false;
  #ends: readonly [SimStream, SimStream] | undefined;

  constructor(network: Network) {
    this.network = network;
  }

  join(near: SimStream, far: SimStream): void {
    this.#ends = [near, far];
  }

  joins(name: string): boolean {
    return this.endOf(name) !== undefined;
  }

  endOf(name: string): SimStream | undefined {
    return this.#ends?.find((end) => end.name === name);
  }

  otherOf(end: SimStream): SimStream {
    const other = this.#ends?.find((one) => one !== end);
    if (other === undefined) throw new Error("this wire has one end only");
    return other;
  }

  break(noticeMs: () => number): void {
    if (this.isBroken) return;
    this.isBroken = true;
    this.network.drop(this);
    for (const end of this.#ends ?? []) end.loseLater(noticeMs());
  }

  heal(): void {
    for (const end of this.#ends ?? []) end.heal();
  }
}

export interface SimStreamParts {
  readonly name: string;
  readonly life: Life;
  readonly holder: StreamHolder;
  readonly origin: Origin;
  readonly route: string;
  readonly isOurs: boolean;
}

interface Sender {
  readonly resolve: () => void;
  readonly reject: (error: HikyakuError) => void;
}

/** How often a bent frame is followed by its untouched twin. */
export const genuineFollows = 0.6;
/** Small, so that back-pressure is everyday weather. */
const unreadBytesMax = 16 * 1024;

export class SimStream implements Stream {
  readonly kind = "stream";
  readonly name: string;
  readonly origin: Origin;
  readonly route: string;
  readonly isOurs: boolean;
  readonly #wire: Wire;
  readonly #parts: SimStreamParts;
  #state: "open" | "closing" | "down" = "open";
  /** Came in and is not yet handed over. */
  readonly #inbound: Item[] = [];
  #inWork = 0;
  /** What this side sent and the other has not begun to take in. */
  #unread = 0;
  readonly #senders = new Set<Sender>();
  #lastArrival = 0;

  constructor(wire: Wire, parts: SimStreamParts) {
    this.#wire = wire;
    this.#parts = parts;
    this.name = parts.name;
    this.origin = parts.origin;
    this.route = parts.route;
    this.isOurs = parts.isOurs;
  }

  send(frame: Bytes, signal: AbortSignal): Promise<void> {
    if (!this.#parts.life.acts()) return never();
    if (signal.aborted) return Promise.reject(new HikyakuError("CANCELED", "The sending was called off."));
    if (this.#state !== "open") return Promise.reject(this.#down());
    const { observer, trace } = this.#wire.network.parts;
    const other = this.#wire.otherOf(this);
    observer.sent(this.name, other.name, frame);
    trace.frame(`${this.name} -> ${other.name}`, frame);
    this.#unread += frame.length;
    this.#push({ kind: "frame", frame: frame.slice(), place: "first" });
    if (this.#wire.network.chance("duplication") && this.#wire.network.parts.dice.chance(1 / 4)) {
      count(this.#wire.network.parts.tally, "fault: duplicated");
      this.#unread += frame.length;
      this.#push({ kind: "frame", frame: frame.slice(), place: "copy" });
    }
    if (this.#unread > unreadBytesMax) return this.#heldUp(signal);
    const { climate, dice, timeline } = this.#wire.network.parts;
    if (climate.writeMsMax === 0) return Promise.resolve();
    return new Promise((resolve) => timeline.after(dice.between(0, climate.writeMsMax), () => this.#parts.life.isOver || resolve()));
  }

  refuse(refusal: Refusal, ref: string | undefined): void {
    this.#wire.network.parts.trace.tell(
      () => `${this.name} -> ${this.#wire.otherOf(this).name}  refuses: ${refusal.code} ${ref?.slice(0, 8) ?? ""}`,
    );
    if (this.#parts.life.acts() && this.#state === "open") this.#push({ kind: "refusal", refusal, ref });
  }

  close(reason: string): void {
    if (this.#state !== "open" || !this.#parts.life.acts()) return;
    this.#state = "closing";
    this.#inbound.length = 0;
    this.#failSenders();
    this.#push({ kind: "end", reason });
    const { timeline, dice } = this.#wire.network.parts;
    timeline.after(dice.between(0, limits.streamCloseMsMax), () => this.#fall(reason));
  }

  /** The connection is gone, and this side will know by then. */
  loseLater(ms: number): void {
    this.#wire.network.parts.timeline.after(ms, () => this.#fall("the connection was cut"));
  }

  heal(): void {
    this.#lastArrival = Math.min(this.#lastArrival, this.#wire.network.parts.timeline.now + 1_000);
  }

  #push(item: Item): void {
    const { network } = this.#wire;
    const { timeline, dice, tally } = network.parts;
    const other = this.#wire.otherOf(this);
    if (this.#wire.isBroken) return;
    if (network.chance("streamBreak")) return network.breakAtRandom(this.#wire);
    if (network.isCut(this.name, other.name)) {
      count(tally, "fault: cut off");
      return network.breakAtRandom(this.#wire);
    }
    if (network.chance("stall")) {
      count(tally, "fault: stream stalled");
      this.#lastArrival = Math.max(this.#lastArrival, timeline.now) + dice.stretched(100, limits.streamStallMsMax);
    }
    this.#lastArrival = Math.max(this.#lastArrival, timeline.now + network.delay());
    const isBent = item.kind === "frame" && item.place === "first" && network.chance("flip");
    const arriving: Item = isBent ? { ...item, frame: network.bend(item.frame), original: item.frame } : item;
    timeline.at(this.#lastArrival, () => {
      if (!this.#wire.isBroken) other.#arrive(arriving);
    });
    if (!isBent || !dice.chance(genuineFollows)) return;
    this.#unread += item.frame.length;
    this.#push({ ...item, place: "twin" });
  }

  #arrive(item: Item): void {
    if (this.#parts.life.isOver || this.#state !== "open") return;
    this.#inbound.push(item);
    this.#read();
  }

  #read(): void {
    while (this.#state === "open" && this.#inWork < limits.streamFramesInWorkMax) {
      const item = this.#inbound.shift();
      if (item === undefined) return;
      if (item.kind === "refusal") this.#parts.holder.refused(this, item.refusal, item.ref);
      else if (item.kind === "end") this.#fall(`the other side closed it: ${item.reason}`);
      else this.#take(item);
    }
  }

  #take({ frame, original, place }: FrameItem): void {
    this.#wire.otherOf(this).#letGo(frame.length);
    const { observer } = this.#wire.network.parts;
    if (original !== undefined) observer.bent(this.name, original);
    if (place === "twin") observer.genuine(this.name, frame);
    observer.arrived(this.name);
    this.#inWork += 1;
    void this.#parts.holder.frame(this, frame).then(() => {
      this.#inWork -= 1;
      if (!this.#parts.life.isOver) this.#read();
    });
  }

  #heldUp(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sender: Sender = { resolve, reject };
    this.#senders.add(sender);
    const cancel = (): void => reject(new HikyakuError("CANCELED", "The sending was called off."));
    signal.addEventListener("abort", cancel, { once: true });
    return promise.finally(() => {
      this.#senders.delete(sender);
      signal.removeEventListener("abort", cancel);
    });
  }

  #letGo(bytes: number): void {
    this.#unread -= bytes;
    if (this.#unread > unreadBytesMax || this.#parts.life.isOver) return;
    for (const { resolve } of this.#senders) resolve();
  }

  #failSenders(): void {
    for (const { reject } of this.#senders) reject(this.#down());
  }

  #fall(reason: string): void {
    if (this.#state === "down" || this.#parts.life.isOver) return;
    this.#state = "down";
    this.#failSenders();
    this.#wire.network.drop(this.#wire);
    this.#parts.holder.closed(this, reason);
  }

  #down(): HikyakuError {
    return new HikyakuError("UNREACHABLE", `${this.route} is down.`);
  }
}
