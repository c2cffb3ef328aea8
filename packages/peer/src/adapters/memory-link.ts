/**
 * A network inside one process: listeners and dialers that keep the promises of real links (see ports/link.ts) without a socket. For tests,
 * examples and peers that live together.
 */
import { type Bytes, HikyakuError, isPeerAddress } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";
import type { Dialer, DialOptions, Link, Listener, Origin, Receiver, Reception, Stream, StreamHolder } from "../ports/link.ts";
import { MemorySocket } from "./memory-socket.ts";
import { OpenStreams } from "./open-streams.ts";
import { systemClock } from "./system-clock.ts";
import { WebSocketStream } from "./web-socket-stream.ts";

export interface MemoryListenerSettings {
  /** Whether it speaks streams; otherwise dialling it gives exchanges. */
  readonly streams: boolean;
}

export interface MemoryNetwork {
  /** A place to listen at; `address` looks like any peer's: `http://desk:7340`. */
  listener(address: string, settings?: MemoryListenerSettings): Listener;
  /** Whoever dials with it is seen as coming from `fromHost`. */
  dialer(fromHost?: string): Dialer;
}

/** What a listener has at its address while it listens. */
interface Place {
  readonly receiver: Receiver;
  /** Takes in streams, where it speaks them. */
  readonly holder: StreamHolder | undefined;
  readonly streams: OpenStreams;
}

type Places = Map<string, Place>;

/** The clock ends streams on which nothing happens. */
export function createMemoryNetwork(clock: Clock = systemClock): MemoryNetwork {
  const places: Places = new Map();
  return {
    listener: (address, { streams } = { streams: false }) => new MemoryListener(places, { address, streams }),
    dialer: (fromHost = "memory") => new MemoryDialer({ places, clock }, { host: fromHost, prefix: fromHost }),
  };
}

class MemoryListener implements Listener {
  readonly #places: Places;
  readonly #settings: { readonly address: string; readonly streams: boolean };
  #place: Place | undefined;

  constructor(places: Places, settings: { readonly address: string; readonly streams: boolean }) {
    this.#places = places;
    this.#settings = settings;
  }

  get addresses(): readonly string[] {
    return this.#place === undefined ? [] : [this.#settings.address];
  }

  async start(receiver: Receiver, holder: StreamHolder): Promise<void> {
    const { address, streams } = this.#settings;
    if (this.#places.has(address)) throw new HikyakuError("ADDRESS_IN_USE", `Cannot listen at ${address}: another listener is there.`);
    this.#place = { receiver, holder: streams ? holder : undefined, streams: new OpenStreams() };
    this.#places.set(address, this.#place);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const place = this.#place;
    if (place === undefined) return;
    this.#places.delete(this.#settings.address);
    this.#place = undefined;
    await place.streams.leave("the listener closes");
  }
}

interface MemoryDialerNeeds {
  readonly places: ReadonlyMap<string, Place>;
  readonly clock: Clock;
}

class MemoryDialer implements Dialer {
  readonly #needs: MemoryDialerNeeds;
  readonly #self: Origin;
  readonly #streams = new OpenStreams();
  readonly #closing = new AbortController();

  constructor(needs: MemoryDialerNeeds, self: Origin) {
    this.#needs = needs;
    this.#self = self;
  }

  async dial(address: string, { isAllowed, signal, holder }: DialOptions): Promise<Link> {
    if (!isPeerAddress(address)) throw new HikyakuError("UNREACHABLE", "A peer's address looks like http://host:port; this one does not.");
    const host = new URL(address).hostname;
    if (signal.aborted || this.#closing.signal.aborted) throw canceled(address);
    // There is nothing behind these addresses that a stranger could be after.
    if (!isAllowed(host, "public")) throw new HikyakuError("UNREACHABLE", `${address} is not dialled: nobody permitted it.`);
    const origin = { host, prefix: host };
    const place = this.#needs.places.get(address);
    if (place?.holder !== undefined) return this.#openStream(address, { origin, place, near: holder, far: place.holder });
    return {
      kind: "exchange",
      origin,
      route: address,
      deliver: (frame, stop) => this.#deliver(address, frame, AbortSignal.any([stop, this.#closing.signal])),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#streams.leave("the dialer closes");
  }

  #openStream(address: string, { origin, place, near, far }: StreamEnds): Stream {
    const { clock } = this.#needs;
    const [ourSocket, theirSocket] = MemorySocket.pair();
    const route = address.replace(/^http/, "ws");
    const ours = new WebSocketStream({ socket: ourSocket, clock, holder: near }, { origin, route, isOurs: true });
    this.#streams.add(ours);
    const settings = { origin: this.#self, route: `its call from ${this.#self.host}`, isOurs: false };
    theirSocket.pause();
    void introduce(() => {
      const theirs = new WebSocketStream({ socket: theirSocket, clock, holder: far }, settings);
      place.streams.add(theirs);
      far.opened(theirs);
      theirSocket.resume();
    });
    return ours;
  }

  async #deliver(address: string, frame: Bytes, signal: AbortSignal): Promise<Reception> {
    const place = this.#needs.places.get(address);
    if (signal.aborted) throw canceled(address);
    if (place === undefined) throw new HikyakuError("UNREACHABLE", `${address} cannot be reached: nothing listens there.`);
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = (): void => reject(canceled(address));
    signal.addEventListener("abort", stop, { once: true });
    try {
      // A copy, as a wire would make one: neither side may reach into the other's bytes.
      return await Promise.race([place.receiver(frame.slice(), this.#self), promise]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

interface StreamEnds {
  readonly origin: Origin;
  readonly place: Place;
  readonly near: StreamHolder;
  readonly far: StreamHolder;
}

/** Whoever dialled has the stream in hand before its other end says a word, as on a network that takes time. */
async function introduce(open: () => void): Promise<void> {
  const turns = 16;
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  open();
}

const canceled = (address: string): HikyakuError => new HikyakuError("CANCELED", `The call to ${address} was called off.`);
