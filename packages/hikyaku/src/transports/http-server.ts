/**
 * The node:http server under the peer listener: every time-out and cap that holds before a request is read (spec §7, first step). Node checks the
 * two request clocks itself and answers 408; a connection that never says a word is on the same clocks.
 */
import { createServer, type RequestListener, type Server } from "node:http";
import type { Log } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { boundConnections, type ConnectionBounds } from "./connections.ts";

export interface ServerBounds extends ConnectionBounds {
  readonly headersMsMax: number;
  readonly requestMsMax: number;
  readonly checkIntervalMs: number;
  readonly keepAliveMs: number;
  readonly stallMsMax: number;
}

export const defaultServerBounds: ServerBounds = {
  headersMsMax: limits.listenerHeadersMsMax,
  requestMsMax: limits.listenerRequestMsMax,
  checkIntervalMs: limits.listenerCheckIntervalMs,
  keepAliveMs: limits.linkKeepAliveMs,
  stallMsMax: limits.listenerStallMsMax,
  connectionsMax: limits.listenerConnectionsMax,
  connectionsPerPrefixMax: limits.listenerConnectionsPerPrefixMax,
};

export function createHttpServer(handler: RequestListener, bounds: ServerBounds, log: Log): Server {
  const server = createServer(
    {
      headersTimeout: bounds.headersMsMax,
      requestTimeout: bounds.requestMsMax,
      connectionsCheckingInterval: bounds.checkIntervalMs,
      keepAliveTimeout: bounds.keepAliveMs,
    },
    handler,
  );
  server.setTimeout(bounds.stallMsMax);
  boundConnections(server, bounds, log);
  return server;
}
