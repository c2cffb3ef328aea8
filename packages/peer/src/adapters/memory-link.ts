/**
 * A network inside one process: listeners and dialers that keep the promises of real links (see ports/link.ts) without a socket. For tests,
 * examples and peers that live together.
 */
import { type Bytes, HikyakuError, isPeerAddress } from "@hikyaku/protocol";
import type { Dialer, Link, Listener, Origin, Receiver, Reception } from "../ports/link.ts";

export interface MemoryNetwork {
  /** A place to listen at; `address` looks like any peer's: `http://desk:7340`. */
  listener(address: string): Listener;
  /** Whoever dials with it is seen as coming from `fromHost`. */
  dialer(fromHost?: string): Dialer;
}

export function createMemoryNetwork(): MemoryNetwork {
  const receivers = new Map<string, Receiver>();
  return {
    listener: (address) => new MemoryListener(receivers, address),
    dialer: (fromHost = "memory") => new MemoryDialer(receivers, { host: fromHost, prefix: fromHost }),
  };
}

class MemoryListener implements Listener {
  readonly #receivers: Map<string, Receiver>;
  readonly #address: string;
  #isListening = false;

  constructor(receivers: Map<string, Receiver>, address: string) {
    this.#receivers = receivers;
    this.#address = address;
  }

  get addresses(): readonly string[] {
    return this.#isListening ? [this.#address] : [];
  }

  async start(receiver: Receiver): Promise<void> {
    if (this.#receivers.has(this.#address)) {
      throw new HikyakuError("ADDRESS_IN_USE", `Cannot listen at ${this.#address}: another listener is there.`);
    }
    this.#receivers.set(this.#address, receiver);
    this.#isListening = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isListening) this.#receivers.delete(this.#address);
    this.#isListening = false;
  }
}

class MemoryDialer implements Dialer {
  readonly #receivers: ReadonlyMap<string, Receiver>;
  readonly #self: Origin;
  readonly #closing = new AbortController();

  constructor(receivers: ReadonlyMap<string, Receiver>, self: Origin) {
    this.#receivers = receivers;
    this.#self = self;
  }

  async dial(address: string, { isAllowed, signal }: Parameters<Dialer["dial"]>[1]): Promise<Link> {
    if (!isPeerAddress(address)) throw new HikyakuError("UNREACHABLE", "A peer's address looks like http://host:port; this one does not.");
    const host = new URL(address).hostname;
    if (signal.aborted || this.#closing.signal.aborted) throw canceled(address);
    // There is nothing behind these addresses that a stranger could be after.
    if (!isAllowed(host, "public")) throw new HikyakuError("UNREACHABLE", `${address} is not dialled: nobody permitted it.`);
    return {
      origin: { host, prefix: host },
      deliver: (frame, stop) => this.#deliver(address, frame, AbortSignal.any([stop, this.#closing.signal])),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
  }

  async #deliver(address: string, frame: Bytes, signal: AbortSignal): Promise<Reception> {
    const receiver = this.#receivers.get(address);
    if (signal.aborted) throw canceled(address);
    if (receiver === undefined) throw new HikyakuError("UNREACHABLE", `${address} cannot be reached: nothing listens there.`);
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = (): void => reject(canceled(address));
    signal.addEventListener("abort", stop, { once: true });
    try {
      // A copy, as a wire would make one: neither side may reach into the other's bytes.
      return await Promise.race([receiver(frame.slice(), this.#self), promise]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

const canceled = (address: string): HikyakuError => new HikyakuError("CANCELED", `The call to ${address} was called off.`);
