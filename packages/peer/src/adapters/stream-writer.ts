/**
 * The writing side of a stream (spec §9): frames go to the socket while little is unsent; beyond it their senders wait, in order, and their frames with them. So a reader
 * that stops reading costs a bounded amount, however many would write to it.
 */
import { type Bytes, HikyakuError, limits } from "@hikyaku/protocol";
import type { Clock, Timer } from "../ports/clock.ts";
import type { SocketLike } from "./socket-like.ts";
import type { StreamBounds } from "./stream-bounds.ts";

export interface StreamWriterNeeds {
  readonly socket: SocketLike;
  readonly clock: Clock;
  readonly bounds: StreamBounds;
  /** Errors name it. */
  readonly route: string;
}

interface Waiter {
  /** Undefined once it is written. */
  frame: Bytes | undefined;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

const openState = 1;
const brace = 0x7b;
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class StreamWriter {
  readonly #needs: StreamWriterNeeds;
  /** In the order of their calls. */
  readonly #waiting: Waiter[] = [];
  #poll: Timer | undefined;
  #pollMs = 1;
  #downReason: string | undefined;
  #writtenBytes = 0;
  /** Bytes that have left, and when that was last seen to grow. */
  #left = 0;
  #leftAt: number;
  #inFlight = 0;

  constructor(needs: StreamWriterNeeds) {
    this.#needs = needs;
    this.#leftAt = needs.clock.elapsed();
  }

  async send(frame: Bytes, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw this.#canceled(signal.reason);
    if (frame.length > limits.envelopeBytesMax)
      throw new HikyakuError("MESSAGE_TOO_LARGE", `A frame holds at most ${limits.envelopeBytesMax} bytes; this one has ${frame.length}.`);
    const isNext = this.#waiting.length === 0 && this.#hasRoom();
    if (isNext) this.#write(frame);
    if (isNext && this.#hasRoom()) return;
    await this.#wait(isNext ? undefined : frame, signal);
  }

  /** Writes what may as well get lost. */
  tell(message: string): void {
    if (this.#isUp() && this.#waiting.length === 0 && this.#hasRoom()) this.#hand(message, message.length);
  }

  /** Whether bytes wait to be written and none has left for too long. To be asked now and then. */
  isStalled(): boolean {
    const { socket, clock, bounds } = this.#needs;
    const unsent = socket.bufferedAmount;
    const inFlight = socket.bytesInFlight?.() ?? 0;
    const left = this.#writtenBytes - unsent;
    const now = clock.elapsed();
    if (unsent === 0 || left > this.#left || inFlight < this.#inFlight) this.#leftAt = now;
    this.#left = Math.max(this.#left, left);
    this.#inFlight = inFlight;
    return now - this.#leftAt >= bounds.stallMsMax;
  }

  /** Nothing is written after this. */
  end(reason: string): void {
    this.#downReason ??= reason;
    this.#poll?.cancel();
    for (const { reject } of this.#waiting.splice(0)) reject(this.#unreachable());
  }

  async #wait(frame: Bytes | undefined, signal: AbortSignal): Promise<void> {
    if (!this.#isUp()) throw this.#unreachable();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { frame, resolve, reject };
    const cancel = (): void => {
      const place = this.#waiting.indexOf(waiter);
      if (place === -1) return;
      this.#waiting.splice(place, 1);
      reject(this.#canceled(signal.reason));
      // Whoever stood behind a frame that is not sent after all may be next.
      this.#release();
    };
    this.#waiting.push(waiter);
    this.#pollLater();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** Writes and lets go, in order, as far as there is room. Also what a socket calls that tells when something has left. */
  readonly #release = (): void => {
    for (let first = this.#waiting[0]; first !== undefined && this.#hasRoom(); first = this.#waiting[0]) {
      if (first.frame === undefined) {
        this.#waiting.shift();
        this.#pollMs = 1;
        first.resolve();
      } else if (!this.#writeFor(first)) break;
    }
    this.#pollLater();
  };

  #writeFor(waiter: Waiter): boolean {
    try {
      if (waiter.frame !== undefined) this.#write(waiter.frame);
      waiter.frame = undefined;
      return true;
    } catch (error) {
      this.#waiting.shift();
      waiter.reject(error);
      return false;
    }
  }

  #write(frame: Bytes): void {
    if (!this.#isUp()) throw this.#unreachable();
    this.#hand(frame[0] === brace ? text.decode(frame) : frame, frame.length);
  }

  #hand(message: string | Bytes, length: number): void {
    // What is written to an idle stream has its full time from now on.
    if (this.#needs.socket.bufferedAmount === 0) this.#leftAt = this.#needs.clock.elapsed();
    this.#writtenBytes += length;
    this.#needs.socket.send(message, this.#release);
  }

  /** Not every socket tells when something has left, and none tells it surely. */
  #pollLater(): void {
    if (this.#poll !== undefined || this.#waiting.length === 0) return;
    const delayMs = this.#pollMs;
    this.#pollMs = Math.min(delayMs * 2, limits.streamPollMsMax);
    this.#poll = this.#needs.clock.after(delayMs, () => {
      this.#poll = undefined;
      this.#release();
    });
  }

  #hasRoom(): boolean {
    return this.#needs.socket.bufferedAmount <= this.#needs.bounds.unsentBytesMax;
  }

  #isUp(): boolean {
    return this.#downReason === undefined && this.#needs.socket.readyState === openState;
  }

  #unreachable(): HikyakuError {
    return new HikyakuError("UNREACHABLE", `${this.#needs.route} is down: ${this.#downReason ?? "the connection is closing"}.`);
  }

  #canceled(cause: unknown): HikyakuError {
    return new HikyakuError("CANCELED", `The call to ${this.#needs.route} was called off.`, { cause });
  }
}
