/** What the owner decides about agents (spec §19): their policies, what waits for an approval, and what they did. Agents themselves may confirm, and nothing else of this. */
import type { Peer } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { AgentGate } from "../agents/agent-gate.ts";
import type { KeptAuditEntry } from "../agents/agent-record.ts";
import { type Approval, approvalStates } from "../agents/approvals.ts";
import type { AgentView, OwnerDesk } from "../agents/owner-desk.ts";
import { type AgentPolicy, confirmations } from "../agents/policy.ts";
import { forAgents } from "./agent-access.ts";
import { peerReference, petName } from "./fields.ts";
import { readPart } from "./request-part.ts";

const which = z.object({ agent: petName });
const listOf = (entry: z.ZodType<string>): z.ZodType<"all" | string[]> =>
  z.union([z.literal("all"), z.array(entry).max(limits.agentListMax)], `"all", or a list of at most ${limits.agentListMax}`);
const change = z.strictObject({
  peers: listOf(peerReference).exactOptional(),
  capabilities: listOf(z.string().min(1).max(limits.nameLengthMax)).exactOptional(),
  messageBytesMax: z.int().min(1).max(limits.bodyBytesMax).exactOptional(),
  callsPerMinute: z.int().min(1).max(limits.agentCallsPerMinuteMax).exactOptional(),
  tasksPerDay: z.int().min(0).max(limits.agentTasksPerDayMax).exactOptional(),
  confirm: z.enum(confirmations).exactOptional(),
});

const shortenedId = z.string().regex(/^[0-9a-f]{1,8}$/, "the id of an approval, or its beginning");
const whichApproval = z.object({ id: shortenedId });
const wholeId = z.object({ id: z.string().regex(/^[0-9a-f]{8}$/, "the whole id of an approval") });
const verdict = z.strictObject({ decision: z.enum(["approve", "deny"]) });
const pageSize = z.coerce.number().int().min(1).max(limits.inboxPageMax).default(100);
const approvalQuery = z.strictObject({ state: z.enum(approvalStates).default("waiting"), agent: petName.exactOptional(), limit: pageSize });
const auditQuery = z.strictObject({
  after: z.coerce.number().int().min(0).exactOptional(),
  agent: petName.exactOptional(),
  limit: pageSize,
});
const nothing = z.strictObject({});

export interface AgentParts {
  readonly gate: AgentGate;
  readonly desk: OwnerDesk;
}

export function agentRoutes(app: FastifyInstance, peer: Peer, { gate, desk }: AgentParts): void {
  app.get("/agents", async () => {
    const agents = await desk.agents();
    return { agents: agents.map((agent) => showAgent(agent, namesOf(peer))) };
  });

  app.get("/agents/:agent", async ({ params }) => showAgent(await desk.agent(readPart(params, which).agent), namesOf(peer)));

  app.post("/agents/:agent", async ({ params, body }) => {
    const { agent } = readPart(params, which);
    return showAgent(await desk.setPolicy(agent, policyPart(peer, readPart(body, change))), namesOf(peer));
  });

  app.delete("/agents/:agent", async ({ params }) => {
    await desk.forget(readPart(params, which).agent);
    return {};
  });

  app.get("/approvals", async ({ query }) => {
    const { approvals, more } = await desk.approvals(readPart(query, approvalQuery));
    const nameOf = namesOf(peer);
    return { approvals: approvals.map((approval) => showApproval(approval, nameOf)), more };
  });

  app.post("/approvals/:id", async ({ params, body }) => {
    const { decision } = readPart(body, verdict);
    const decided = await desk.decide(readPart(params, whichApproval).id, decision === "approve" ? "approved" : "denied");
    return showApproval(decided, namesOf(peer));
  });

  app.delete("/approvals/:id", async ({ params }) => {
    await desk.revoke(readPart(params, whichApproval).id);
    return {};
  });

  app.post("/approvals/:id/confirmed", forAgents("open"), async ({ params, body, caller }) => {
    const { id } = readPart(params, wholeId);
    readPart(body, nothing);
    if (caller.kind === "owner") throw new HikyakuError("INVALID_ARGUMENT", "Only an agent's client confirms; the owner decides.");
    return showApproval(await gate.confirm(caller, id), namesOf(peer));
  });

  app.get("/audit", async ({ query }) => {
    const entries = await desk.audit(readPart(query, auditQuery));
    return { entries: entries.map((entry) => showEntry(entry, namesOf(peer))) };
  });
}

/** Names are what people say; what is kept are dids. */
const policyPart = (peer: Peer, { peers, ...rest }: z.infer<typeof change>): Partial<AgentPolicy> => ({
  ...rest,
  ...(peers === undefined ? {} : { peers: peers === "all" ? peers : [...new Set(peers.map((one) => peer.peer(one).did))] }),
});

type NameOf = (did: string) => string;

/** The did where the peer is not known any more. */
function namesOf(peer: Peer): NameOf {
  const names = new Map(peer.peers().map(({ did, name }) => [did, name]));
  return (did) => names.get(did) ?? did;
}

const showAgent = ({ policy, ...agent }: AgentView, nameOf: NameOf): object => ({
  ...agent,
  policy: { ...policy, peers: policy.peers === "all" ? "all" : policy.peers.map(nameOf) },
});

const showApproval = ({ did, ...approval }: Approval, nameOf: NameOf): object => ({ ...approval, peer: { did, name: nameOf(did) } });

const showEntry = ({ did, ...entry }: KeptAuditEntry, nameOf: NameOf): object => ({
  ...entry,
  ...(did === undefined ? {} : { peer: { did, name: nameOf(did) } }),
});
