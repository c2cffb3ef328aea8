/** Opens HTTP links (spec §9, §12): resolves an address once, asks whether that very IP may be dialled, and holds the connections of all links. */
import type { Dialer, Link, Log } from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import { chooseHost, type Resolve, systemResolve } from "./host-choice.ts";
import { canceled, HttpLink } from "./http-link.ts";
import { defaultPoolBounds, HttpPools, type PoolBounds } from "./http-pools.ts";
import { linkFailure } from "./link-failure.ts";

export interface HttpDialerSettings {
  readonly log: Log;
  /** Instead of the system's name service, for tests. */
  readonly resolve?: Resolve;
  /** Tighter bounds than the protocol's, for tests. */
  readonly bounds?: Partial<PoolBounds>;
}

export const createHttpDialer = (settings: HttpDialerSettings): Dialer => new HttpDialer(settings);

class HttpDialer implements Dialer {
  readonly #log: Log;
  readonly #resolve: Resolve;
  readonly #bounds: PoolBounds;
  readonly #pools: HttpPools;
  readonly #closing = new AbortController();

  constructor({ log, resolve = systemResolve, bounds }: HttpDialerSettings) {
    this.#log = log;
    this.#resolve = resolve;
    this.#bounds = { ...defaultPoolBounds, ...bounds };
    this.#pools = new HttpPools(this.#bounds);
  }

  async dial(address: string, { isAllowed, signal }: Parameters<Dialer["dial"]>[1]): Promise<Link> {
    const closing = this.#closing.signal;
    const overdue = AbortSignal.timeout(this.#bounds.connectMsMax);
    const stop = AbortSignal.any([signal, closing, overdue]);
    try {
      const host = await chooseHost(address, { resolve: this.#resolve, isAllowed, signal: stop });
      const settings = { address, host, answerMsMax: this.#bounds.answerMsMax, closing };
      return new HttpLink({ pools: this.#pools, log: this.#log }, settings);
    } catch (error) {
      if (error instanceof HikyakuError) throw error;
      if (signal.aborted || closing.aborted) throw canceled(address, error);
      if (overdue.aborted) throw new HikyakuError("TIMED_OUT", `The name in ${address} was not resolved in time.`, { cause: error });
      throw linkFailure(address, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#pools.destroy();
  }
}
