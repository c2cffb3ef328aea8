/** Whole peers in one process, on a network in memory, with a tap on the wire: what engine tests stand on. */
import {
  type AddressKind,
  type Clock,
  createMemoryNetwork,
  type Dialer,
  type Exchange,
  emptyOutbox,
  emptyTasks,
  type Link,
  type Listener,
  type LogLevel,
  MemoryInbox,
  type MemoryNetwork,
  MemoryOfferStore,
  MemoryOutbox,
  MemoryStatusHistory,
  MemoryTaskStore,
  MemoryTrustStore,
  type Needs,
  Peer,
  type Receiver,
  type Reception,
  type Settings,
  type Stream,
  type StreamHolder,
  systemClock,
  webRandom,
} from "@hikyaku/peer";
import {
  type Bytes,
  type Crypto,
  createIdentity,
  decodeBinaryFrame,
  decodeEnvelope,
  type Envelope,
  HikyakuError,
  limits,
  protocolVersions,
  pureCrypto,
  suites,
} from "@hikyaku/protocol";
import { ManualClock } from "./manual-clock.ts";
import { rememberingCrypto } from "./remembering-crypto.ts";

/** One frame of an exchange, and what the receiver answered. */
export interface Passage {
  /** The name of the peer that called. */
  readonly from: string;
  readonly to: string;
  readonly frame: Bytes;
  readonly envelope: Envelope | undefined;
  readonly reception: Reception;
}

/** One frame on a stream. */
export interface Carried {
  readonly from: string;
  /** The name of the peer at the other end. */
  readonly to: string;
  readonly frame: Bytes;
  readonly isBinary: boolean;
  readonly envelope: Envelope | undefined;
}

export interface Weather {
  /** Called before a frame goes out on a stream: it may hold it up, or answer `lost` to lose it although the stream stays. */
  onStream?: (carried: Carried) => Promise<"lost" | undefined> | "lost" | undefined;
  /** Called before a frame is delivered; it may wait, throw, or answer `lost` to lose the answer after the frame arrived. */
  before?: (to: string, frame: Bytes) => Promise<"lost" | undefined> | "lost" | undefined;
  /** Called when a frame has arrived, before its answer goes back: it may hold it up, throw, or put another in its place. */
  after?: (to: string, frame: Bytes, reception: Reception) => Promise<Reception | undefined> | Reception | undefined;
}

export interface PeerOptions {
  readonly settings?: Partial<Settings>;
  readonly clock?: Clock;
  readonly seed?: number;
  readonly needs?: Partial<Needs>;
  readonly isCallOutOnly?: boolean;
  /** Whether it speaks streams; unless told, each frame is an exchange of its own. */
  readonly speaksStreams?: boolean;
}

export interface LogLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** A peer with the parts that a test may want to look at. */
export interface Resident {
  readonly name: string;
  readonly peer: Peer;
  readonly needs: Needs;
  readonly settings: Settings;
  readonly log: readonly LogLine[];
  /** Hands a frame to this peer as a stranger on the network would. */
  readonly poke: (frame: Bytes, host?: string) => Promise<Reception>;
}

export const everyAbility: Settings["abilities"] = { versions: protocolVersions, suites, features: [] };

/** One for all worlds, so that each question is computed once. */
const quickCrypto: Crypto = rememberingCrypto(pureCrypto);

export class World implements AsyncDisposable {
  readonly network: MemoryNetwork = createMemoryNetwork();
  readonly passages: Passage[] = [];
  readonly carried: Carried[] = [];
  readonly weather: Weather = {};
  /** What kind of place a host is; public unless told. */
  readonly places: Map<string, AddressKind> = new Map();
  readonly #crashing = new Set<string>();
  readonly #streams = new Map<Stream, { readonly from: string; readonly to: string }>();
  readonly #crypto: Crypto;
  readonly #residents: { readonly peer: Peer; readonly clock: Clock }[] = [];
  #seeds = 0;

  constructor(crypto: Crypto = quickCrypto) {
    this.#crypto = crypto;
  }

  /** Starts a peer that listens at `http://<name>:7340`. The same seed is the same identity. */
  async peer(name: string, options: PeerOptions = {}): Promise<Resident> {
    this.#seeds += 1;
    const log: LogLine[] = [];
    const address = addressOf(name);
    const needs: Needs = {
      crypto: this.#crypto,
      identity: createIdentity(this.#crypto, new Uint8Array(32).fill(options.seed ?? this.#seeds)),
      clock: options.clock ?? systemClock,
      random: webRandom,
      log: { write: (level, event, fields) => log.push({ level, event, fields }) },
      dialer: this.#tapped(name),
      listener: options.isCallOutOnly === true ? deafListener : this.#listener(name, options.speaksStreams === true),
      trustStore: new MemoryTrustStore(),
      inbox: new MemoryInbox(),
      outbox: new MemoryOutbox({ state: emptyOutbox(epochOf(this.#seeds)) }),
      tasks: new MemoryTaskStore({ state: emptyTasks() }),
      offers: new MemoryOfferStore(),
      statuses: new MemoryStatusHistory(),
      ...options.needs,
    };
    const settings: Settings = { firstContact: "refuse", abilities: everyAbility, keepLinks: false, ...options.settings };
    const peer = await Peer.start(needs, settings);
    this.#residents.push({ peer, clock: needs.clock });
    return { name, peer, needs, settings, log, poke: (frame, host = "stranger") => this.#poke(address, frame, host) };
  }

  /** Ends a peer as a crash would, without a word to anybody, and starts it anew with what is durable: its key and its stores. */
  async restart({ name, peer, needs, settings }: Resident, options: PeerOptions = {}): Promise<Resident> {
    this.#crashing.add(name);
    await peer.close();
    this.#crashing.delete(name);
    const { identity, clock, trustStore, inbox, outbox, tasks, offers, statuses } = needs;
    const durable = { identity, clock, trustStore, inbox, outbox, tasks, offers, statuses };
    return await this.peer(name, { settings, ...options, needs: { ...durable, ...options.needs } });
  }

  /** Two peers that trust each other with messages, as if paired by hand. */
  async introduce(left: Resident, right: Resident): Promise<void> {
    for (const [one, other] of [
      [left, right],
      [right, left],
    ] as const) {
      await one.peer.trust({ peer: other.peer.did, name: other.name, allow: ["message"], addresses: other.peer.addresses });
    }
  }

  /** The frames of one message type that were delivered to a peer. */
  framesTo(name: string, msgType: string): readonly Passage[] {
    return this.passages.filter(({ to, envelope }) => to === addressOf(name) && envelope?.msgType === msgType);
  }

  /** Ends every stream between two peers, as a router between them might. */
  cut(one: string, other: string): void {
    for (const [stream, { from, to }] of this.#streams) if (from === one && to === other) stream.close("cut");
    this.#streams.clear();
  }

  /** The envelopes of one message type that a peer got from another, on whichever way: as a call, as the answer to its own call, or on a stream; by way, oldest first. */
  envelopes(from: string, to: string, msgType: string): readonly Envelope[] {
    const calls = this.passages.filter((passage) => passage.from === from && passage.to === addressOf(to)).map(({ envelope }) => envelope);
    const answers = this.passages
      .filter((passage) => passage.from === to && passage.to === addressOf(from))
      .flatMap(({ reception }) => (reception.kind === "received" ? reception.replies.map((reply) => decodeEnvelope(reply)) : []));
    const carried = this.carried.filter((frame) => frame.from === from && frame.to === to).map(({ envelope }) => envelope);
    return [...calls, ...answers, ...carried].filter((envelope) => envelope !== undefined && envelope.msgType === msgType) as Envelope[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { peer, clock } of this.#residents) {
      const closing = peer.close();
      // Whoever waits for the end of something, a handshake for instance, waits on a clock that nobody turns any more.
      if (clock instanceof ManualClock) await clock.pass(limits.goodbyeMsMax + limits.closeMsMax);
      await closing;
    }
  }

  async #poke(address: string, frame: Bytes, host: string): Promise<Reception> {
    const dialer = this.network.dialer(host);
    const link = await dialer.dial(address, { isAllowed: () => true, signal: new AbortController().signal, holder: nobody });
    if (link.kind === "stream") throw new Error("a stranger pokes over exchanges");
    return await link.deliver(frame, new AbortController().signal);
  }

  #tapped(fromHost: string): Dialer {
    const dialer = this.network.dialer(fromHost);
    return {
      dial: async (address, { isAllowed, ...options }) => {
        const judge = (host: string, kind: AddressKind): boolean => isAllowed(host, this.places.get(host) ?? kind);
        if (this.#crashing.has(fromHost)) throw new HikyakuError("UNREACHABLE", `${fromHost} is crashing.`);
        return this.#tap(fromHost, address, await dialer.dial(address, { isAllowed: judge, ...options }));
      },
      [Symbol.asyncDispose]: () => dialer[Symbol.asyncDispose](),
    };
  }

  #listener(name: string, streams: boolean): Listener {
    const listener = this.network.listener(addressOf(name), { streams });
    return {
      get addresses() {
        return listener.addresses;
      },
      start: (receiver, holder) =>
        listener.start(receiver, {
          opened: (stream) => holder.opened(this.#tapStream({ from: name, to: stream.origin.host }, stream)),
          frame: (stream, frame) => holder.frame(stream, frame),
          refused: (stream, refusal, ref) => holder.refused(stream, refusal, ref),
          closed: (stream, reason) => holder.closed(stream, reason),
        }),
      [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
    };
  }

  #tap(from: string, to: string, link: Link): Link {
    return link.kind === "stream" ? this.#tapStream({ from, to: new URL(to).hostname }, link) : this.#tapExchange(from, to, link);
  }

  /** The stream itself, as whoever holds it knows it by its identity. */
  #tapStream({ from, to }: { readonly from: string; readonly to: string }, stream: Stream): Stream {
    this.#streams.set(stream, { from, to });
    const send = stream.send.bind(stream);
    stream.send = async (frame, signal) => {
      if (this.#crashing.has(from)) throw new HikyakuError("UNREACHABLE", `${from} is crashing.`);
      const isBinary = frame[0] !== openingBrace;
      const carried: Carried = { from, to, frame, isBinary, envelope: isBinary ? decodeBinaryFrame(frame) : decodeEnvelope(frame) };
      if ((await this.weather.onStream?.(carried)) === "lost") return;
      this.carried.push(carried);
      await send(frame, signal);
    };
    return stream;
  }

  #tapExchange(from: string, to: string, link: Exchange): Exchange {
    return {
      ...link,
      deliver: async (frame, signal) => {
        if (this.#crashing.has(from)) throw new HikyakuError("UNREACHABLE", `${from} is crashing.`);
        const fate = await this.weather.before?.(to, frame);
        const reception = await link.deliver(frame, signal);
        this.passages.push({ from, to, frame, envelope: decodeEnvelope(frame), reception });
        const changed = await this.weather.after?.(to, frame, reception);
        return fate === "lost" ? { kind: "received", replies: [], more: false } : (changed ?? reception);
      },
    };
  }
}

const addressOf = (name: string): string => `http://${name}:7340`;

const openingBrace = 0x7b;

const epochOf = (seed: number): string => seed.toString(16).padStart(16, "0");

const nobody: StreamHolder = { opened: () => undefined, frame: async () => undefined, refused: () => undefined, closed: () => undefined };

/** A peer behind a wall that lets nobody in. */
const deafListener: Listener = {
  addresses: [],
  start: async (_receiver: Receiver) => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};
