/** One call for a stream (spec §9, HTTP-5): to the very IP that was judged, under the name that was announced, without redirects. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { ChosenHost } from "./host-choice.ts";
import { urlHost } from "./ip-text.ts";
import { socketBounds, streamPath, streamProtocol } from "./stream-socket.ts";

export type StreamCall =
  | { readonly kind: "opened"; readonly webSocket: WebSocket; readonly socket: Socket }
  /** There is a server, and it speaks no streams of ours. */
  | { readonly kind: "streamless"; readonly isLasting: boolean };

/** Rejects with a system error, or with the signal's reason. An opened socket is paused: nothing is read before somebody listens. */
export async function callForStream({ ip, port, authority }: ChosenHost, signal: AbortSignal): Promise<StreamCall> {
  const { promise, resolve, reject } = Promise.withResolvers<StreamCall>();
  const headers = { host: authority };
  const webSocket = new WebSocket(`ws://${urlHost(ip)}:${port}${streamPath}`, streamProtocol, { ...socketBounds, headers });
  const giveUp = (): void => webSocket.terminate();
  webSocket.on("upgrade", ({ socket }) => {
    webSocket.once("open", () => {
      webSocket.pause();
      resolve({ kind: "opened", webSocket, socket });
    });
  });
  webSocket.on("unexpected-response", (_request, response) => {
    resolve({ kind: "streamless", isLasting: isLasting(response) });
    giveUp();
  });
  webSocket.on("error", (error: NodeJS.ErrnoException) => {
    if (signal.aborted) reject(signal.reason);
    // What the system or the parser of HTTP did not like has a code. Without one it was an answer, to somebody who wanted something else.
    else if (error.code === undefined) resolve({ kind: "streamless", isLasting: true });
    else reject(error);
  });
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

const momentary: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** A server that is only overloaded may speak streams in a moment. */
const isLasting = ({ statusCode = 0 }: IncomingMessage): boolean => !momentary.has(statusCode);
