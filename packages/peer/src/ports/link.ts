/**
 * How frames move (spec §9, §10). A frame is one encoded envelope: canonical JSON, which begins with `{`, or a binary frame, which does not. A link knows nothing of
 * what is in it. There are two kinds: an exchange carries one frame and brings back an answer (HTTP); a stream carries frames both ways at any time (WebSocket, an
 * overlay). One engine drives both.
 */
import type { Bytes, ErrorCode } from "@hikyaku/protocol";

/** Where a frame came from, as far as the transport itself can tell. Never taken from the frame. */
export interface Origin {
  /** The address of the other end of the connection, without a port; `memory` where there is none. */
  readonly host: string;
  /** The network that limits count this host under: its /24 or /64, or the host itself where there are no networks. */
  readonly prefix: string;
}

/** Why the other side did not take a frame. Unauthenticated: whoever gets it treats it as a hint (spec ERR-2). */
export interface Refusal {
  readonly code: ErrorCode;
  readonly retryAfterS?: number;
  /** The receiver's versions, beside INVALID_VERSION. */
  readonly versions?: readonly string[];
  /** Names an internal error in the receiver's log. */
  readonly correlationId?: string;
}

/** What the receiving side answered on the same connection. */
export type Reception =
  | {
      readonly kind: "received";
      /** Frames that the other side has for us now, oldest first. */
      readonly replies: readonly Bytes[];
      /** Whether more are waiting than fitted. */
      readonly more: boolean;
    }
  | ({ readonly kind: "refused" } & Refusal);

/** Takes a frame from a listener. Resolves only when the answer may be given: what must be durable before it is. Never rejects. */
export type Receiver = (frame: Bytes, origin: Origin) => Promise<Reception>;

/** A way to one peer that brings an answer to each frame. Only JSON travels here. */
export interface Exchange {
  readonly kind: "exchange";
  /** Moves one frame. Rejects with a HikyakuError: UNREACHABLE (naming address and cause), TIMED_OUT or CANCELED; then nobody knows whether it arrived. */
  deliver(frame: Bytes, signal: AbortSignal): Promise<Reception>;
  /** Where the link leads; `host` is the dialled IP address. */
  readonly origin: Origin;
  /** For people: `http://127.0.0.1:7340`. */
  readonly route: string;
}

/** A way to one peer on which frames go both ways at any time, in order, for as long as it is up. */
export interface Stream {
  readonly kind: "stream";
  readonly origin: Origin;
  /** For people: `ws://127.0.0.1:7340`, or `its call from 127.0.0.1`. */
  readonly route: string;
  /** Whether this side dialled. */
  readonly isOurs: boolean;
  /**
   * Writes one frame. Resolves when the stream takes the next one, so that whoever awaits it never holds more than a bounded amount for a slow reader. Rejects with
   * UNREACHABLE once the stream is down, or CANCELED; then nobody knows whether the frame arrived.
   */
  send(frame: Bytes, signal: AbortSignal): Promise<void>;
  /** Tells the other side that one of its frames was refused; `ref` is that frame's nonce in hex, where it has one. Dropped where the stream is congested. */
  refuse(refusal: Refusal, ref: string | undefined): void;
  /** Ends the stream; what was sent before still arrives where the other side is there. Closing twice is harmless. */
  close(reason: string): void;
}

/** What a stream tells whoever holds it. None of these throws or rejects. */
export interface StreamHolder {
  /** Somebody dialled us. Not called for streams that we dialled. */
  opened(stream: Stream): void;
  /** A frame came in. The stream reads on while few of these promises are pending, and no further: that is the back-pressure of the reading side. */
  frame(stream: Stream, frame: Bytes): Promise<void>;
  /** The other side refused one of our frames. */
  refused(stream: Stream, refusal: Refusal, ref: string | undefined): void;
  /** The stream is down; called once, and nothing after it. */
  closed(stream: Stream, reason: string): void;
}

export type Link = Exchange | Stream;

export type AddressKind = "public" | "private" | "loopback" | "link-local" | "multicast" | "unspecified" | "reserved";

export interface DialOptions {
  readonly isAllowed: (host: string, kind: AddressKind) => boolean;
  readonly signal: AbortSignal;
  /** Who holds the stream, if a stream it becomes. */
  readonly holder: StreamHolder;
}

/** Opens links. Holds the pool of connections; one for the whole peer. */
export interface Dialer extends AsyncDisposable {
  /** Resolves the address once and opens a stream to that host, or an exchange where the host speaks no streams. Rejects as `Exchange.deliver` does. */
  dial(address: string, options: DialOptions): Promise<Link>;
}

/** A place where frames arrive. */
export interface Listener extends AsyncDisposable {
  /** Starts to listen; frames of exchanges go to `receiver`, streams to `holder`. Rejects with ADDRESS_IN_USE or another HikyakuError naming the address. */
  start(receiver: Receiver, holder: StreamHolder): Promise<void>;
  /** The addresses a peer could dial, known once started: `http://127.0.0.1:7340`. */
  readonly addresses: readonly string[];
}
