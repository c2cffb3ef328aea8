/**
 * The control listener (spec CTL-1 to CTL-5): how the owner of this machine's peer commands it. Loopback only; every request carries the token; a page that a
 * browser shows can neither read it nor be talked into using it, because foreign names and origins are refused before anything else.
 */
import type { Peer } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import { type FastifyError, type FastifyInstance, fastify } from "fastify";
import { errorStatusOf } from "./error-status.ts";
import { guardRequest } from "./guard.ts";
import { inboxRoutes } from "./inbox.ts";
import { messageRoutes } from "./messages.ts";
import { pairingRoutes } from "./pairings.ts";
import { peerRoutes } from "./peers.ts";
import { selfRoutes } from "./self.ts";

export interface ControlSettings {
  /** A loopback host; port 0 lets the system choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Whether an offered token is the right one, in constant time. */
  readonly isToken: (offered: string) => boolean;
  /** What this peer is called here. */
  readonly name: string;
}

export interface ControlServer extends AsyncDisposable {
  readonly port: number;
}

const bodyBytesMax = 2 * limits.bodyBytesMax;
const connectionsMax = 64;
const requestMsMax = 30_000;

/** Starts to listen. Rejects with ADDRESS_IN_USE or INVALID_ARGUMENT, naming the address. */
export async function startControlServer(peer: Peer, settings: ControlSettings): Promise<ControlServer> {
  const app = createControlApp(peer, settings);
  try {
    await app.listen(settings.listen);
  } catch (error) {
    throw listenFailure(settings.listen, error);
  }
  const bound = app.server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : settings.listen.port,
    [Symbol.asyncDispose]: async () => {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

function createControlApp(peer: Peer, { isToken, name }: ControlSettings): FastifyInstance {
  const app = fastify({ bodyLimit: bodyBytesMax, requestTimeout: requestMsMax, forceCloseConnections: true });
  app.server.maxConnections = connectionsMax;
  app.addHook("onRequest", async (request) => guardRequest(request, isToken));
  app.setNotFoundHandler((request) => {
    throw new HikyakuError("INVALID_ARGUMENT", `The control interface has no ${request.method} ${request.url.slice(0, 100)}.`);
  });
  app.setErrorHandler<FastifyError | HikyakuError>((error, _request, reply) => {
    const { code, message } = toRefusal(error);
    return reply.code(errorStatusOf(code)).send({ error: { code, message } });
  });
  selfRoutes(app, peer, name);
  peerRoutes(app, peer);
  messageRoutes(app, peer);
  inboxRoutes(app, peer);
  pairingRoutes(app, peer);
  return app;
}

/** The framework's own refusals are about the request's form; anything else is a mistake of ours and keeps its text to itself. */
function toRefusal(error: FastifyError | HikyakuError): Pick<HikyakuError, "code" | "message"> {
  if (error instanceof HikyakuError) return error;
  const { statusCode = 500 } = error;
  if (statusCode === 415) return { code: "UNSUPPORTED_MEDIA", message: "The control interface takes application/json." };
  if (statusCode === 413)
    return { code: "MESSAGE_TOO_LARGE", message: `The control interface takes at most ${bodyBytesMax} bytes at once.` };
  if (statusCode < 500) return { code: "INVALID_ARGUMENT", message: "The request is not well-formed." };
  return { code: "INTERNAL_ERROR", message: "Something went wrong inside; the log says more." };
}

function listenFailure({ host, port }: ControlSettings["listen"], cause: unknown): HikyakuError {
  const at = `${host}:${port}`;
  if (cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE")
    return new HikyakuError(
      "ADDRESS_IN_USE",
      `Cannot listen for commands at ${at}: another program is there. Use --control with another port.`,
      { cause },
    );
  return new HikyakuError(
    "INVALID_ARGUMENT",
    `Cannot listen for commands at ${at}. Use --control with a loopback address of this machine.`,
    { cause },
  );
}
