/**
 * How frames move (spec §9). A frame is one encoded envelope; a link knows nothing of what is in it. The same shape stands at both ends: a frame
 * goes in, a `Reception` comes out, so that HTTP, WebSocket and an overlay stream are all driven by one engine.
 */
import type { Bytes, ErrorCode } from "@hikyaku/protocol";

/** Where a frame came from, as far as the transport itself can tell. Never taken from the frame. */
export interface Origin {
  /** The address of the other end of the connection, without a port; `memory` where there is none. */
  readonly host: string;
  /** The network that limits count this host under: its /24 or /64, or the host itself where there are no networks. */
  readonly prefix: string;
}

/** What the receiving side answered on the same connection. Unauthenticated: the caller treats it as a hint (spec ERR-2). */
export type Reception =
  | {
      readonly kind: "received";
      /** Frames that the other side has for us now, oldest first. */
      readonly replies: readonly Bytes[];
      /** Whether more are waiting than fitted. */
      readonly more: boolean;
    }
  | {
      readonly kind: "refused";
      readonly code: ErrorCode;
      readonly retryAfterS?: number;
      /** The receiver's versions, beside INVALID_VERSION. */
      readonly versions?: readonly string[];
      /** Names an internal error in the receiver's log. */
      readonly correlationId?: string;
    };

/** Takes a frame from a listener. Resolves only when the answer may be given: what must be durable before it is. Never rejects. */
export type Receiver = (frame: Bytes, origin: Origin) => Promise<Reception>;

/** A way to one peer. */
export interface Link {
  /** Moves one frame. Rejects with a HikyakuError: UNREACHABLE (naming address and cause), TIMED_OUT or CANCELED; then nobody knows whether it arrived. */
  deliver(frame: Bytes, signal: AbortSignal): Promise<Reception>;
  /** Where the link leads; `host` is the dialled IP address. */
  readonly origin: Origin;
}

export type AddressKind = "public" | "private" | "loopback" | "link-local" | "multicast" | "unspecified" | "reserved";

/** Opens links. Holds the pool of connections; one for the whole peer. */
export interface Dialer extends AsyncDisposable {
  /** Resolves the address once and returns a link to that host. Rejects as `Link.deliver` does. */
  dial(
    address: string,
    options: { readonly isAllowed: (host: string, kind: AddressKind) => boolean; readonly signal: AbortSignal },
  ): Promise<Link>;
}

/** A place where frames arrive. */
export interface Listener extends AsyncDisposable {
  /** Starts to listen and hands every frame to `receiver`. Rejects with ADDRESS_IN_USE or another HikyakuError naming the address. */
  start(receiver: Receiver): Promise<void>;
  /** The addresses a peer could dial, known once started: `http://127.0.0.1:7340`. */
  readonly addresses: readonly string[];
}
