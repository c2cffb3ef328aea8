import { silentLog } from "@hikyaku/peer";
import { linkContract } from "@hikyaku/testkit";
import { createDialer } from "./dialer.ts";
import { createHttpListener } from "./http-listener.ts";

linkContract("HTTP", () => ({
  listener: createHttpListener({
    listen: { host: "127.0.0.1", port: 0 },
    advertise: [],
    did: "did:key:zDesk",
    publicKey: new Uint8Array(32),
    log: silentLog,
  }),
  dialer: createDialer({ log: silentLog, streams: false }),
  dialerHost: "127.0.0.1",
  kind: "loopback",
}));
