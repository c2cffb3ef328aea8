/** The connections to all hosts (spec §11): at most three to each, kept while they are used, and a bounded number of hosts. */
import { limits } from "@hikyaku/protocol";
import { Pool } from "undici";
import type { PoolBounds } from "./http-pool-bounds.ts";

export class HttpPools {
  readonly #bounds: PoolBounds;
  /** By origin, the least recently used first. */
  readonly #pools = new Map<string, Pool>();

  constructor(bounds: PoolBounds) {
    this.#bounds = bounds;
  }

  /** `origin` names an IP address, so nothing is resolved again behind our back. */
  poolOf(origin: string): Pool {
    const pool = this.#pools.get(origin) ?? this.#open(origin);
    this.#pools.delete(origin);
    this.#pools.set(origin, pool);
    this.#evict();
    return pool;
  }

  /** Breaks off whatever is under way. */
  async destroy(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #open(origin: string): Pool {
    return new Pool(origin, {
      connections: limits.linksPerPeerMax,
      connectTimeout: this.#bounds.connectMsMax,
      // A listener says how long it keeps an idle connection; one that does not gets our own measure, one that exaggerates is not believed.
      keepAliveTimeout: limits.linkKeepAliveMs,
      keepAliveMaxTimeout: limits.linkIdleMsMax,
      headersTimeout: this.#bounds.answerMsMax,
      bodyTimeout: this.#bounds.answerMsMax,
      maxResponseSize: limits.answerBytesMax,
    });
  }

  /** An evicted pool finishes what it carries. */
  #evict(): void {
    const [oldest] = this.#pools;
    if (oldest === undefined || this.#pools.size <= this.#bounds.poolsMax) return;
    const [origin, pool] = oldest;
    this.#pools.delete(origin);
    void pool.close();
  }
}
