/** Looking after other peers: how they are, what they said of it, and calling them to come up. */
import type { Peer } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { peerReference, stage, timeoutMs } from "./fields.ts";
import { goneSignal } from "./gone-signal.ts";
import { readPart } from "./request-part.ts";

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
  app.get("/peers/:peer/status", async ({ params, query }) => {
    const { did, name, health, heardAt } = peer.peer(readPart(params, peerParameter).peer);
    const reports = await peer.statusHistory(did, readPart(query, statusQuery));
    return { did, name, health, ...(heardAt === undefined ? {} : { heardAt }), reports };
  });

  app.post("/peers/:peer/wake", async (request, reply) => {
    const asked = readPart(request.params, peerParameter).peer;
    const { reason, ...options } = readPart(request.body, call);
    return await peer.wake(asked, reason, { ...options, signal: goneSignal(reply) });
  });
}
