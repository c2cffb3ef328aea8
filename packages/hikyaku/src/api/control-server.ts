/**
 * The control listener (spec CTL-1 to CTL-5): how the owner of this machine's peer commands it. Loopback only; every request carries the token; a page that a
 * browser shows can neither read it nor be talked into using it, because foreign names and origins are refused before anything else.
 */
import type { AddressInfo } from "node:net";
import type { Log, Peer } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import { type FastifyError, type FastifyInstance, type FastifyReply, fastify, type RouteOptions } from "fastify";
import { AgentGate } from "../agents/agent-gate.ts";
import type { AgentGround } from "../agents/agent-ground.ts";
import { ApprovalRequired } from "../agents/approval-required.ts";
import { OwnerDesk } from "../agents/owner-desk.ts";
import { isLoopbackAddress } from "../loopback/address.ts";
import { endBrokenRequest } from "../loopback/broken-request.ts";
import { listenFailure } from "../loopback/listen-failure.ts";
import { admitAgents } from "./agent-access.ts";
import { agentRoutes } from "./agents.ts";
import { changeRoutes } from "./changes.ts";
import { controlStatusOf } from "./error-status.ts";
import { GuardRefusal, guardRequest } from "./guard.ts";
import { inboxRoutes } from "./inbox.ts";
import { messageRoutes } from "./messages.ts";
import { reportMistake, type Shown } from "./mistake.ts";
import { pairingRoutes } from "./pairings.ts";
import { peerRoutes } from "./peers.ts";
import { selfRoutes } from "./self.ts";
import { servingRoutes } from "./servings.ts";
import { supervisionRoutes } from "./supervision.ts";
import { taskRoutes } from "./tasks.ts";

export interface ControlSettings {
  /** A loopback host; port 0 lets the system choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Whether an offered token is the right one, in constant time. */
  readonly isToken: (offered: string) => boolean;
  /** What this peer is called here. */
  readonly name: string;
  /** What is known of agents and may be done by them; without it no agent is let in. */
  readonly agents?: AgentGround;
  readonly log: Log;
}

export interface ControlServer extends AsyncDisposable {
  readonly port: number;
}

const bodyBytesMax = 2 * limits.bodyBytesMax;
/** A few agents, each with a few dozen questions that hang, beside the owner. */
const connectionsMax = 256;
const requestMsMax = 30_000;

/** Starts to listen. Rejects with ADDRESS_IN_USE or INVALID_ARGUMENT, naming the address. */
export async function startControlServer(peer: Peer, settings: ControlSettings): Promise<ControlServer> {
  const app = createControlApp(peer, settings);
  const close = async (): Promise<void> => {
    app.server.closeAllConnections();
    await app.close();
  };
  try {
    await app.listen(settings.listen);
    // CTL-1: what counts is where we ended up.
    if (!boundTo(app).every(({ address }) => isLoopbackAddress(address))) throw new Error("this is no loopback address");
  } catch (error) {
    await close();
    throw listenFailure({ ...settings.listen, whom: "commands", flag: "--control" }, error);
  }
  return { port: boundTo(app)[0]?.port ?? settings.listen.port, [Symbol.asyncDispose]: close };
}

const boundTo = (app: FastifyInstance): readonly AddressInfo[] => app.addresses().filter((bound) => typeof bound === "object");

/** Every route with the hooks before it. `onRoute` is told of each, for tests that look at all of them. */
export function createControlApp(
  peer: Peer,
  { isToken, name, agents, log }: Omit<ControlSettings, "listen">,
  onRoute: (route: RouteOptions) => void = () => undefined,
): FastifyInstance {
  const refuse = (error: FastifyError | HikyakuError, reply: FastifyReply): FastifyReply => {
    const { code, message } = toRefusal(error, log);
    const approval = error instanceof ApprovalRequired ? { approval: error.approval } : {};
    return reply.code(error instanceof GuardRefusal ? error.status : controlStatusOf(code)).send({ error: { code, message, ...approval } });
  };
  const app = fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: requestMsMax,
    forceCloseConnections: true,
    clientErrorHandler: endBrokenRequest,
    // A path that cannot be decoded comes here, past every hook, so the guard is asked once more.
    frameworkErrors: (error, request, reply) => void refuse(guardFailure(() => guardRequest(request, isToken)) ?? error, reply),
  });
  app.server.maxConnections = connectionsMax;
  app.addHook("onRoute", onRoute);
  app.addHook("onRequest", async (request) => guardRequest(request, isToken));
  const gate = agents === undefined ? undefined : new AgentGate(agents);
  admitAgents(app, gate, log);
  app.setNotFoundHandler((request) => {
    throw new HikyakuError("INVALID_ARGUMENT", `The control interface has no ${request.method} ${request.url.slice(0, 100)}.`);
  });
  app.setErrorHandler<FastifyError | HikyakuError>((error, _request, reply) => refuse(error, reply));
  selfRoutes(app, peer, name);
  changeRoutes(app, peer);
  peerRoutes(app, peer);
  supervisionRoutes(app, peer);
  messageRoutes(app, peer);
  inboxRoutes(app, peer);
  pairingRoutes(app, peer, log);
  taskRoutes(app, peer);
  servingRoutes(app, peer);
  if (agents !== undefined && gate !== undefined) agentRoutes(app, peer, { gate, desk: new OwnerDesk(agents) });
  return app;
}

function guardFailure(guard: () => void): HikyakuError | undefined {
  try {
    guard();
    return undefined;
  } catch (error) {
    return error as HikyakuError;
  }
}

/** The framework's own refusals are about the request's form; anything else is a mistake of ours and keeps its text to itself. */
function toRefusal(error: FastifyError | HikyakuError, log: Log): Shown {
  if (error instanceof HikyakuError) return error;
  const { statusCode = 500 } = error;
  if (statusCode === 415) return { code: "UNSUPPORTED_MEDIA", message: "The control interface takes application/json." };
  if (statusCode === 413)
    return { code: "MESSAGE_TOO_LARGE", message: `The control interface takes at most ${bodyBytesMax} bytes at once.` };
  if (statusCode < 500) return { code: "INVALID_ARGUMENT", message: "The request is not well-formed." };
  return reportMistake(error, log);
}
