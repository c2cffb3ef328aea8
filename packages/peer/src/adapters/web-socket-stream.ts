/**
 * A stream over a WebSocket (spec §9): one message is one frame or one error. This file is the stream's life: open, closing, down, and the clocks that end it. How writing
 * and reading are held up is in stream-writer.ts and stream-reader.ts, what a message says in stream-message.ts.
 */
import type { Bytes } from "@hikyaku/protocol";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Origin, Refusal, Stream, StreamHolder } from "../ports/link.ts";
import { encodeRefusal } from "./refusal-text.ts";
import type { SocketLike } from "./socket-like.ts";
import { defaultStreamBounds, type StreamBounds } from "./stream-bounds.ts";
import { readMessage } from "./stream-message.ts";
import { StreamReader } from "./stream-reader.ts";
import { StreamWriter } from "./stream-writer.ts";

export interface WebSocketStreamNeeds {
  /** Open already. */
  readonly socket: SocketLike;
  readonly clock: Clock;
  readonly holder: StreamHolder;
}

export interface WebSocketStreamSettings {
  readonly origin: Origin;
  readonly route: string;
  readonly isOurs: boolean;
  /** Tighter bounds than the protocol's, for tests. */
  readonly bounds?: Partial<StreamBounds> | undefined;
}

/** RFC 6455 §7.4.1. */
const closeCodes = { done: 1000, leaving: 1001, lost: 1006, flooded: 1008 } as const;

export class WebSocketStream implements Stream {
  readonly kind = "stream";
  readonly origin: Origin;
  readonly route: string;
  readonly isOurs: boolean;
  readonly #needs: WebSocketStreamNeeds;
  readonly #bounds: StreamBounds;
  readonly #writer: StreamWriter;
  readonly #reader: StreamReader;
  readonly #openedAt: number;
  readonly #ended = Promise.withResolvers<void>();
  /** Emptying: the connection is gone, and frames that came before are still being handed over. */
  #state: "open" | "closing" | "emptying" | "down" = "open";
  #reason: string | undefined;
  #failure: string | undefined;
  /** The last sign that frames come in and are taken in. */
  #lastInAt: number;
  #timer: Timer;

  constructor(needs: WebSocketStreamNeeds, { origin, route, isOurs, bounds }: WebSocketStreamSettings) {
    const { socket, clock, holder } = needs;
    this.origin = origin;
    this.route = route;
    this.isOurs = isOurs;
    this.#needs = needs;
    this.#bounds = { ...defaultStreamBounds, ...bounds };
    this.#openedAt = clock.elapsed();
    this.#lastInAt = this.#openedAt;
    this.#writer = new StreamWriter({ socket, clock, bounds: this.#bounds, route });
    this.#reader = new StreamReader({
      socket,
      inWorkMax: this.#bounds.framesInWorkMax,
      take: (frame) => holder.frame(this, frame),
      settled: () => this.#settle(),
    });
    this.#timer = this.#watchLater();
    this.#listen(socket);
  }

  /** Resolves when `closed` has been told. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  send(frame: Bytes, signal: AbortSignal): Promise<void> {
    return this.#writer.send(frame, signal);
  }

  refuse(refusal: Refusal, ref: string | undefined): void {
    this.#writer.tell(encodeRefusal(refusal, ref));
  }

  close(reason: string): void {
    this.#close(closeCodes.done, reason);
  }

  /** Closes because this side goes away as a whole. */
  leave(reason: string): void {
    this.#close(closeCodes.leaving, reason);
  }

  #listen(socket: SocketLike): void {
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#take(data));
    socket.addEventListener("error", (event) => {
      this.#failure ??= failureOf(event);
    });
    socket.addEventListener("close", ({ code }) => this.#lose(code));
  }

  #take(data: unknown): void {
    if (this.#state !== "open") return;
    this.#lastInAt = this.#needs.clock.elapsed();
    const message = readMessage(data);
    if (message.kind === "broken") this.#close(message.code, message.why);
    else if (message.kind === "refusal") this.#needs.holder.refused(this, message.refusal, message.ref);
    else if (!this.#reader.push(message.frame)) this.#close(closeCodes.flooded, "more came in than may wait");
  }

  #settle(): void {
    this.#lastInAt = this.#needs.clock.elapsed();
    if (this.#state === "emptying" && this.#reader.isEmpty) this.#fall();
  }

  #close(code: number, reason: string): void {
    if (this.#state === "emptying") this.#fall();
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#reason = reason;
    this.#writer.end(reason);
    this.#reader.end();
    this.#needs.socket.close(this.#codeFor(code), shownPart(reason));
    this.#cutLater();
  }

  /** Scripts of the web may send 1000 and private codes only. */
  #codeFor(code: number): number {
    return code === closeCodes.done || this.#needs.socket.terminate !== undefined ? code : code + privateCodes;
  }

  /** The connection is gone. Frames that came before it went are still handed over. */
  #lose(code: number): void {
    this.#reason ??= this.#failure ?? lossOf(code);
    if (this.#state !== "open" || this.#reader.isEmpty) {
      this.#fall();
      return;
    }
    this.#state = "emptying";
    this.#writer.end(this.#reason);
    this.#cutLater();
  }

  #cutLater(): void {
    this.#timer.cancel();
    this.#timer = this.#needs.clock.after(this.#bounds.closeMsMax, () => this.#cut());
  }

  #cut(): void {
    this.#needs.socket.terminate?.();
    this.#fall();
  }

  #fall(): void {
    if (this.#state === "down") return;
    this.#state = "down";
    this.#timer.cancel();
    const reason = this.#reason ?? "it was cut";
    this.#writer.end(reason);
    this.#reader.end();
    this.#needs.holder.closed(this, reason);
    this.#ended.resolve();
  }

  #watchLater(): Timer {
    const { stallMsMax } = this.#bounds;
    const looksPerStall = 4;
    const dueMs = Math.max(0, Math.min(this.#ageLeftMs(), this.#idleLeftMs(), stallMsMax / looksPerStall));
    return this.#needs.clock.after(dueMs, () => this.#watch());
  }

  #watch(): void {
    if (this.#ageLeftMs() <= 0) this.close("it was open for as long as a stream may be");
    else if (this.#idleLeftMs() <= 0) this.close("nothing came in for too long");
    else if (this.#writer.isStalled()) {
      this.#reason = "the other side stopped reading";
      this.#cut();
    } else this.#timer = this.#watchLater();
  }

  #ageLeftMs(): number {
    return this.#openedAt + this.#bounds.ageMsMax - this.#needs.clock.elapsed();
  }

  #idleLeftMs(): number {
    return this.#lastInAt + this.#bounds.idleMsMax - this.#needs.clock.elapsed();
  }
}

const shownLengthMax = 100;
const privateCodes = 3000;

/** A close message holds 123 bytes. */
const shownPart = (reason: string): string => reason.slice(0, shownLengthMax).replaceAll(/[^\x20-\x7e]/g, "?");

/** The other side's sentence is not told on: whoever answers at an address may close, and its words would stand among ours. */
const lossOf = (code: number): string => (code === closeCodes.lost ? "the connection was cut" : `the other side closed it (${code})`);

/** `ws` hands an error with a system's or its own code on; the standard tells nothing. */
function failureOf(event: object): string {
  const { error } = event as { readonly error?: { readonly code?: unknown } };
  return typeof error?.code === "string" ? `the connection failed (${error.code})` : "the connection failed";
}
