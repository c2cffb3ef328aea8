/** What keeps us from one peer for now (spec DLV-5, STREAM-7): failures and links that ended too soon, how long to wait for them, and why, for whoever asks. */
import { type HikyakuError, limits } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import { afterFailure, type Backoff } from "./backoff.ts";

/** What keeps us from a peer, for people. */
export interface Trouble {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
  /** Milliseconds from now until the next attempt. */
  readonly retryInMs: number;
}

export class Setbacks {
  readonly #clock: Clock;
  readonly #random: Random;
  #backoff: Backoff | undefined;
  /** Links that ended one soon after the other. */
  #ends: Backoff | undefined;
  #last: { readonly at: number; readonly reason: string } | undefined;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get trouble(): Trouble | undefined {
    return this.#last === undefined || this.#backoff === undefined
      ? undefined
      : { ...this.#last, retryInMs: Math.max(0, Math.round(this.waitMs)) };
  }

  /** Until the next attempt; not above zero where it may be made now. */
  get waitMs(): number {
    return (this.#backoff?.retryAt ?? 0) - this.#clock.elapsed();
  }

  /** An attempt failed. */
  failed({ message }: HikyakuError): void {
    this.#backoff = afterFailure(this.#backoff, this.#clock.elapsed(), this.#dice());
    this.#last = { at: this.#clock.now(), reason: message };
  }

  /** The last link to a peer ended. Links that end soon after they came up come back ever more slowly. One that ended since it was of no use has told its reason already. */
  linkEnded(name: string, reason: string, livedMs: number): void {
    if (this.#last !== undefined) return;
    this.#ends = afterFailure(livedMs < limits.steadyLinkMs ? this.#ends : undefined, this.#clock.elapsed(), this.#dice());
    this.#backoff = this.#ends;
    this.#last = { at: this.#clock.now(), reason: `The connection to ${name} ended: ${reason}.` };
  }

  /** Somebody waits for an answer: the next attempt may be made now. */
  hurry(): void {
    if (this.#backoff !== undefined) this.#backoff = { ...this.#backoff, retryAt: this.#clock.elapsed() };
  }

  /** Nothing keeps us any more. */
  clear(): void {
    this.#backoff = undefined;
    this.#last = undefined;
  }

  #dice(): number {
    const [byte = 0] = this.#random.bytes(1);
    return byte / 256;
  }
}
