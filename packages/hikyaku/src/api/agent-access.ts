/**
 * Agents at the control interface (spec AGENT-1): a request that names an agent is judged before any route sees it. A route says itself what it is to agents; one that says nothing
 * is closed to them.
 */

import { type Log, traceOf } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { FastifyInstance, FastifyRequest, RouteShorthandOptions } from "fastify";
import { z } from "zod";
import type { AgentGate } from "../agents/agent-gate.ts";
import type { Outcome } from "../agents/agent-record.ts";
import type { Addressee, Deed } from "../agents/deed.ts";
import type { Caller } from "./caller.ts";
import { petName } from "./fields.ts";

/** Open without more ado, since the route itself looks at who asks; or what an agent does by asking, which the gate judges. */
type AgentRoute = "open" | ((request: FastifyRequest) => Deed | Promise<Deed>);

declare module "fastify" {
  interface FastifyContextConfig {
    agent?: AgentRoute;
  }
  interface FastifyRequest {
    caller: Caller;
    /** What the gate let through. */
    admitted: { readonly deed: Deed; readonly position: number } | undefined;
  }
}

export const forAgents = (agent: AgentRoute): Pick<RouteShorthandOptions, "config"> => ({ config: { agent } });

/** The peer that the gate judged, by its did, since its name may mean another by now; of an owner's request, what it says. */
export const judgedPeer = ({ admitted }: FastifyRequest, said: string): string => addressedBy(admitted?.deed)?.did ?? said;

const addressedBy = (deed: Deed | undefined): Addressee | undefined => (deed !== undefined && "to" in deed ? deed.to : undefined);

const header = "x-hikyaku-agent";

export function admitAgents(app: FastifyInstance, gate: AgentGate | undefined, log: Log): void {
  app.decorateRequest("caller");
  app.decorateRequest("admitted");

  app.addHook("onRequest", async (request) => {
    const name = agentOf(request);
    request.caller = { kind: "owner" };
    if (name === undefined) return;
    if (gate === undefined) throw new HikyakuError("UNAUTHORIZED", "This control interface serves no agents.");
    const caller = await gate.enter(name);
    request.caller = { kind: "agent", ...caller };
    if (request.routeOptions.config.agent === undefined) await gate.turnAway(caller, placeOf(request));
  });

  app.addHook("preHandler", async (request) => {
    const { caller, routeOptions } = request;
    const { agent } = routeOptions.config;
    if (gate === undefined || caller.kind === "owner" || typeof agent !== "function") return;
    const deed = await agent(request);
    request.admitted = { deed, position: await gate.admit(caller, deed) };
  });

  app.addHook("preSerialization", async ({ admitted }, { statusCode }, answer) => {
    if (gate === undefined || admitted === undefined) return answer;
    // What a route answers is no refusal, whatever fields it has: it may be the word of another peer.
    const outcome = statusCode < 400 ? madeBy(admitted.deed, answer) : { code: (answer as Refusal).error.code };
    if (outcome !== undefined) await conclude(gate, admitted.position, outcome, log);
    return answer;
  });
}

/** Two headers of this name come as one with a comma, which is no name. */
function agentOf({ headers }: FastifyRequest): string | undefined {
  const said = headers[header];
  if (said === undefined) return undefined;
  const name = petName.safeParse(said);
  if (name.success) return name.data;
  throw new HikyakuError("INVALID_ARGUMENT", `${header} wants one name of at most 64 letters, digits, dots, dashes or underscores.`);
}

/** The route, never what the request says in it. */
const placeOf = ({ method, routeOptions }: FastifyRequest): string => `${method} ${routeOptions.url ?? "what is not there"}`;

interface Refusal {
  readonly error: { readonly code: string };
}

/** The message or task that came of a deed; its id is ours. Of other deeds nothing that is answered is written down. */
const made = z.object({ id: z.string().max(limits.idLengthMax) });

function madeBy({ kind }: Deed, answer: unknown): Outcome | undefined {
  return kind === "send" || kind === "wake" || kind === "delegate" ? { ref: made.parse(answer).id } : undefined;
}

/** What was done is done: that its end could not be written down does not make it undone. */
async function conclude(gate: AgentGate, position: number, outcome: Outcome, log: Log): Promise<void> {
  await gate.conclude(position, outcome).catch((failure: unknown) => log.write("error", "agent.unrecorded", { reason: traceOf(failure) }));
}
