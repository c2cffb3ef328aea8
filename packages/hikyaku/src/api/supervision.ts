/** Looking after other peers: how they are, what they said of it, and calling them to come up. */
import type { Peer } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Deed } from "../agents/deed.ts";
import { forAgents, judgedPeer } from "./agent-access.ts";
import { addresseeOf, peerSeen } from "./caller.ts";
import { peerReference, stage, timeoutMs } from "./fields.ts";
import { goneSignal } from "./gone-signal.ts";
import { readPart } from "./request-part.ts";
import { saidBytes } from "./said-bytes.ts";

const peerParameter = z.object({ peer: peerReference });
const call = z.strictObject({
  reason: z.string().max(limits.reasonLengthMax).exactOptional(),
  until: stage.exactOptional(),
  timeoutMs: timeoutMs.exactOptional(),
});
const statusQuery = z.strictObject({
  after: z.coerce.number().int().nonnegative().exactOptional(),
  limit: z.coerce.number().int().min(1).max(limits.statusReportsKept).default(limits.statusReportsKept),
});

export function supervisionRoutes(app: FastifyInstance, peer: Peer): void {
  app.get("/peers/:peer/status", forAgents("open"), async ({ params, query, caller }) => {
    const { did, name, health, heardAt } = peerSeen(peer, caller, readPart(params, peerParameter).peer);
    const reports = await peer.statusHistory(did, readPart(query, statusQuery));
    return { did, name, health, ...(heardAt === undefined ? {} : { heardAt }), reports };
  });

  const wake = forAgents(({ params, body, caller }: FastifyRequest): Deed => {
    const to = addresseeOf(peer, caller, readPart(params, peerParameter).peer);
    return { kind: "wake", to, bytes: saidBytes(readPart(body, call).reason) };
  });

  app.post("/peers/:peer/wake", wake, async (request, reply) => {
    const asked = judgedPeer(request, readPart(request.params, peerParameter).peer);
    const { reason, ...options } = readPart(request.body, call);
    return await peer.wake(asked, reason, { ...options, signal: goneSignal(reply) });
  });
}
