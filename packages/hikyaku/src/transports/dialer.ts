/**
 * Opens links (spec §9, §12): resolves an address once, asks whether that very IP may be dialled, and calls there for a stream. Where the host speaks none, the link is an
 * exchange over HTTP. Holds the connections of all links.
 */
import {
  type Clock,
  type Dialer,
  type DialOptions,
  type Link,
  type Log,
  OpenStreams,
  type Stream,
  type StreamBounds,
  type StreamHolder,
  systemClock,
  WebSocketStream,
} from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import { guardHolder } from "./guarded-holder.ts";
import { type ChosenHost, chooseHost, type Resolve, systemResolve } from "./host-choice.ts";
import { defaultPoolBounds, type PoolBounds } from "./http-pool-bounds.ts";
import type { HttpPools } from "./http-pools.ts";
import { ipPrefix, urlHost } from "./ip-text.ts";
import { canceled, linkFailure } from "./link-failure.ts";
import { measuredSocket } from "./measured-socket.ts";
import { callForStream, type StreamCall } from "./stream-call.ts";
import { StreamlessHosts } from "./streamless-hosts.ts";

export interface DialerSettings {
  readonly log: Log;
  /** Whether to call for streams; true unless told. */
  readonly streams?: boolean;
  /** Instead of the system's name service, for tests. */
  readonly resolve?: Resolve;
  /** Tighter bounds than the protocol's, for tests. */
  readonly bounds?: Partial<PoolBounds>;
  readonly streamBounds?: Partial<StreamBounds>;
  /** For streams; the machine's unless told. */
  readonly clock?: Clock;
}

export const createDialer = (settings: DialerSettings): Dialer => new NodeDialer(settings);

type OpenedCall = Extract<StreamCall, { kind: "opened" }>;

class NodeDialer implements Dialer {
  readonly #settings: DialerSettings;
  readonly #clock: Clock;
  readonly #bounds: PoolBounds;
  /** Once there is a host that speaks no streams. */
  #pools: Promise<HttpPools> | undefined;
  readonly #streams = new OpenStreams();
  readonly #streamless: StreamlessHosts;
  readonly #closing = new AbortController();

  constructor(settings: DialerSettings) {
    this.#settings = settings;
    this.#clock = settings.clock ?? systemClock;
    this.#bounds = { ...defaultPoolBounds, ...settings.bounds };
    this.#streamless = new StreamlessHosts(this.#clock);
  }

  async dial(address: string, { isAllowed, signal, holder }: DialOptions): Promise<Link> {
    const closing = this.#closing.signal;
    const overdue = AbortSignal.timeout(this.#bounds.connectMsMax);
    const stop = AbortSignal.any([signal, closing, overdue]);
    let host: ChosenHost | undefined;
    try {
      host = await chooseHost(address, { resolve: this.#settings.resolve ?? systemResolve, isAllowed, signal: stop });
      return (await this.#openStream(address, host, { holder, signal: stop })) ?? (await this.#openExchange(address, host));
    } catch (error) {
      if (error instanceof HikyakuError) throw error;
      if (signal.aborted || closing.aborted) throw canceled(address, error);
      if (overdue.aborted) throw this.#overdue(address, host, error);
      throw linkFailure(address, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#pools?.then((pools) => pools.destroy()), this.#streams.leave("the dialer closes")]);
  }

  /** What speaks HTTP is loaded only here: it is the largest part of the program, and among peers that stream nobody needs it. */
  async #openExchange(address: string, host: ChosenHost): Promise<Link> {
    const { HttpLink } = await import("./http-link.ts");
    this.#pools ??= import("./http-pools.ts").then(({ HttpPools }) => new HttpPools(this.#bounds));
    const pools = await this.#pools;
    const settings = { address, host, answerMsMax: this.#bounds.answerMsMax, closing: this.#closing.signal };
    return new HttpLink({ pools, log: this.#settings.log }, settings);
  }

  /** Undefined where the host speaks no streams. */
  async #openStream(
    address: string,
    host: ChosenHost,
    { holder, signal }: Pick<DialOptions, "holder" | "signal">,
  ): Promise<Stream | undefined> {
    const place = `${urlHost(host.ip)}:${host.port}`;
    if (this.#settings.streams === false || this.#streamless.has(place)) return undefined;
    const call = await callForStream(host, signal);
    if (call.kind === "opened") return this.#hold(address, host, { call, holder });
    this.#settings.log.write("debug", "dialer.streamless", { address });
    if (call.isLasting) this.#streamless.add(place);
    return undefined;
  }

  #hold(address: string, { ip }: ChosenHost, { call, holder }: { readonly call: OpenedCall; readonly holder: StreamHolder }): Stream {
    const { log, streamBounds } = this.#settings;
    const needs = { socket: measuredSocket(call.webSocket, call.socket), clock: this.#clock, holder: guardHolder(holder, log) };
    const origin = { host: ip, prefix: ipPrefix(ip) };
    const stream = new WebSocketStream(needs, { origin, route: address.replace(/^http/, "ws"), isOurs: true, bounds: streamBounds });
    this.#streams.add(stream);
    // Whoever dialled has the stream in hand before a frame comes out of it.
    setImmediate(() => call.webSocket.resume());
    return stream;
  }

  #overdue(address: string, host: ChosenHost | undefined, cause: unknown): HikyakuError {
    const what =
      host === undefined
        ? `The name in ${address} was not resolved in time.`
        : `${address} gave no answer within ${this.#bounds.connectMsMax} ms.`;
    return new HikyakuError("TIMED_OUT", what, { cause });
  }
}
