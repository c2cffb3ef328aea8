/**
 * The node:http server under the peer listener: every time-out and cap that holds before a request is read (spec §7, first step). Node checks the
 * two request clocks itself and answers 408; a connection that never says a word is on the same clocks.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { Log } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { boundConnections, type ConnectionBounds, type Connections } from "./connections.ts";

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

export interface HttpServerNeeds {
  readonly handler: RequestListener;
  /** Which requests leave HTTP behind. */
  readonly isUpgrade: (request: IncomingMessage) => boolean;
  readonly log: Log;
}

export function createHttpServer({ handler, isUpgrade, log }: HttpServerNeeds, bounds: ServerBounds): Server {
  let connections: Connections | undefined;
  const server = createServer(
    {
      headersTimeout: bounds.headersMsMax,
      requestTimeout: bounds.requestMsMax,
      connectionsCheckingInterval: bounds.checkIntervalMs,
      keepAliveTimeout: bounds.keepAliveMs,
      // An answer that is still to come would end up between the frames of the stream.
      shouldUpgradeCallback: (request) => isUpgrade(request) && connections?.isAtWork(request.socket) === false,
    },
    handler,
  );
  server.setTimeout(bounds.stallMsMax);
  connections = boundConnections(server, bounds, log);
  return server;
}
