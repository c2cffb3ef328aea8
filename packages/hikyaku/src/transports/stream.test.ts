import { type Dialer, OpenStreams, silentLog, systemClock, WebSocketStream } from "@hikyaku/peer";
import { HikyakuError, isPeerAddress } from "@hikyaku/protocol";
import { streamContract } from "@hikyaku/testkit";
import { createDialer } from "./dialer.ts";
import { createHttpListener } from "./http-listener.ts";

const createListener = () =>
  createHttpListener({
    listen: { host: "127.0.0.1", port: 0 },
    advertise: [],
    did: "did:key:zDesk",
    publicKey: new Uint8Array(32),
    log: silentLog,
  });

const place = { dialerHost: "127.0.0.1", kind: "loopback" } as const;

streamContract("ws", () => ({ ...place, listener: createListener(), dialer: createDialer({ log: silentLog }), dialerPauses: true }));

streamContract("the platform's own WebSocket", () => ({
  ...place,
  listener: createListener(),
  dialer: createWebDialer(),
  dialerPauses: false,
}));

/** As a program in a browser would write it. */
function createWebDialer(): Dialer {
  const streams = new OpenStreams();
  const closing = new AbortController();
  return {
    async dial(address, { isAllowed, signal, holder }) {
      if (signal.aborted || closing.signal.aborted) throw new HikyakuError("CANCELED", `The call to ${address} was called off.`);
      const { hostname: host } = new URL(address);
      if (!isPeerAddress(address) || !isAllowed(host, "loopback")) throw new HikyakuError("UNREACHABLE", `${address} is not dialled.`);
      const route = address.replace("http:", "ws:");
      const socket = new WebSocket(`${route}/ws`, "pcp.v1");
      await new Promise((resolve, reject) => {
        socket.addEventListener("open", resolve);
        socket.addEventListener("error", () => reject(new Error("no stream")));
      });
      const settings = { origin: { host, prefix: host }, route, isOurs: true };
      const stream = new WebSocketStream({ socket, clock: systemClock, holder }, settings);
      streams.add(stream);
      return stream;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await streams.leave("the dialer closes");
    },
  };
}
