/** What both ends of a stream over WebSocket agree on (spec §9), and how tightly the `ws` package is held on both. */
import { limits } from "@hikyaku/protocol";

export const streamPath = "/ws";
export const streamProtocol = "pcp.v1";

/** As `ws` names them; its types do not know all of them yet. */
export interface SocketBounds {
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly perMessageDeflate: false;
  readonly closeTimeout: number;
}

export const socketBounds: SocketBounds = {
  maxPayload: limits.envelopeBytesMax,
  maxFragments: limits.streamFragmentsMax,
  maxBufferedChunks: limits.streamChunksMax,
  // Payloads are encrypted, so packing them would cost memory and win nothing.
  perMessageDeflate: false,
  closeTimeout: limits.streamCloseMsMax,
};
