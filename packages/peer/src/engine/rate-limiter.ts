/**
 * Buckets by name: one for each network prefix, or for each identity and message type (spec LIM-2, LIM-3). Bounded: where it is full, buckets that
 * have filled up again go first, and if there are none the newcomer shares one bucket with all other newcomers, so that a flood of names starves only itself.
 */
import type { limits } from "@hikyaku/protocol";
import { type Bucket, fullBucket, isFull, returnToken, takeToken } from "./token-bucket.ts";

export class RateLimiter {
  readonly #namesMax: number;
  readonly #buckets = new Map<string, { bucket: Bucket; rate: limits.Rate }>();

  constructor(namesMax: number) {
    this.#namesMax = namesMax;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one token under `name`: undefined where there was one, else the seconds until there is. */
  take(name: string, rate: limits.Rate, now: number): number | undefined {
    const key = this.#roomFor(name, now) ? name : overflow;
    const held = this.#buckets.get(key) ?? { bucket: fullBucket(rate, now), rate };
    const taken = takeToken(held.bucket, rate, now);
    if (taken.kind === "empty") return taken.waitS;
    this.#buckets.set(key, { bucket: taken.bucket, rate });
    return undefined;
  }

  /** Gives back a token: who turned out to be known does not count against its neighbours. */
  giveBack(name: string): void {
    const held = this.#buckets.get(name) ?? this.#buckets.get(overflow);
    if (held !== undefined) held.bucket = returnToken(held.bucket, held.rate);
  }

  /** Forgets the buckets that have filled up. */
  sweep(now: number): void {
    for (const [name, { bucket, rate }] of this.#buckets) if (isFull(bucket, rate, now)) this.#buckets.delete(name);
  }

  #roomFor(name: string, now: number): boolean {
    if (this.#buckets.has(name) || this.#buckets.size < this.#namesMax) return true;
    this.sweep(now);
    return this.#buckets.size < this.#namesMax;
  }
}

/** No real name is empty. */
const overflow = "";
