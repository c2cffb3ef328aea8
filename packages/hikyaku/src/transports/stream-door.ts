/**
 * Where the peer listener takes streams in (spec §9): `GET /ws` with the subprotocol `pcp.v1`. The connection was counted and capped like any other before; whatever is no
 * such call gets the plain HTTP answer that it would have got anyway, or a constant 400.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type Clock, type Log, OpenStreams, type StreamBounds, type StreamHolder, WebSocketStream } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { ipPrefix, plainIp } from "./ip-text.ts";
import { measuredSocket } from "./measured-socket.ts";
import { socketBounds, streamPath, streamProtocol } from "./stream-socket.ts";

export interface StreamDoorNeeds {
  readonly holder: StreamHolder;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whether a request asks for a stream at all; anything else is ordinary HTTP, whatever it would like to be upgraded to. */
export const isStreamCall = ({ method, url, headers }: IncomingMessage): boolean =>
  method === "GET" && url === streamPath && headers.upgrade?.toLowerCase() === "websocket";

/** The streams that come in through it, until the server ends. */
export function openStreamDoor(server: Server, needs: StreamDoorNeeds, bounds: Partial<StreamBounds>): OpenStreams {
  const streams = new OpenStreams();
  const sockets = new WebSocketServer({
    ...socketBounds,
    noServer: true,
    clientTracking: false,
    handleProtocols: () => streamProtocol,
  });
  sockets.on("wsClientError", (_error, socket) => refuseCall(socket));
  const admit = (webSocket: WebSocket, { socket }: IncomingMessage): void => {
    const host = plainIp(socket.remoteAddress ?? "");
    const settings = { origin: { host, prefix: ipPrefix(host) }, route: `its call from ${host}`, isOurs: false, bounds };
    const stream = new WebSocketStream({ ...needs, socket: measuredSocket(webSocket, socket) }, settings);
    boundPings(webSocket, () => stream.close("it only pings"));
    streams.add(stream);
    needs.holder.opened(stream);
  };
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (isForUs(request)) sockets.handleUpgrade(request, socket, head, admit);
    else {
      needs.log.write("debug", "listener.stream.refused", { prefix: ipPrefix(plainIp(request.socket.remoteAddress ?? "")) });
      refuseCall(socket);
    }
  });
  return streams;
}

/**
 * A browser names the page that calls in `Origin` and no page can leave it out, so refusing it keeps every page in every browser of this machine and network away from a
 * listener that trusts nobody by address but answers anybody. Peers send none.
 */
function isForUs({ headers }: IncomingMessage): boolean {
  const isPage = headers.origin !== undefined || headers["sec-websocket-origin"] !== undefined;
  const offered = headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
  return !isPage && headers["sec-websocket-version"] === "13" && offered.includes(streamProtocol);
}

function refuseCall(socket: Duplex): void {
  socket.once("finish", () => socket.destroy());
  socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

/** RFC 6455 wants pings answered, and libraries in other languages hang up where they are not; but nobody needs many between two frames. */
function boundPings(webSocket: WebSocket, end: () => void): void {
  let pings = 0;
  webSocket.on("message", () => {
    pings = 0;
  });
  webSocket.on("ping", () => {
    pings += 1;
    if (pings > limits.streamPingsMax) end();
  });
}
