/** A `ws` socket as a stream needs it, with a closer look at what is still unsent. */
import type { Socket } from "node:net";
import type { SocketLike } from "@hikyaku/peer";
import type { WebSocket } from "ws";

/** Node's own time-outs for sockets look at this; it is in no type. */
interface HandleHolder {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/** A slow line takes a batch of frames in one long write, during which only the system's own queue shows that bytes leave. */
export function measuredSocket(webSocket: WebSocket, socket: Socket): SocketLike {
  const { _handle: handle } = socket as HandleHolder;
  return Object.assign(webSocket, { bytesInFlight: () => handle?.writeQueueSize ?? 0 });
}
