/** Known peers: list, trust, forget, and small questions to them. */
import type { Peer, TrustChange } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Deed } from "../agents/deed.ts";
import { forAgents, judgedPeer } from "./agent-access.ts";
import { addresseeOf, peerSeen, seesOf } from "./caller.ts";
import { allowed, peerReference, petName, timeoutMs } from "./fields.ts";
import { goneSignal } from "./gone-signal.ts";
import { readPart } from "./request-part.ts";

const trustChange: z.ZodType<TrustChange> = z.strictObject({
  peer: peerReference,
  name: petName.exactOptional(),
  level: z.enum(["blocked", "seen", "trusted", "admin"]).exactOptional(),
  allow: allowed.exactOptional(),
  addresses: z.array(z.string().max(limits.addressLengthMax)).max(limits.addressesPerPeerMax).exactOptional(),
});

const peerParameter = z.object({ peer: peerReference });
const patience = z.strictObject({ timeoutMs: timeoutMs.exactOptional() });
const question = patience.extend({ fresh: z.boolean().exactOptional() });

export function peerRoutes(app: FastifyInstance, peer: Peer): void {
  const ask = forAgents(({ params, caller }: FastifyRequest): Deed => {
    return { kind: "ask", to: addresseeOf(peer, caller, readPart(params, peerParameter).peer) };
  });

  app.get("/peers", forAgents("open"), async ({ caller }) => ({ peers: peer.peers().filter(({ did }) => seesOf(caller)(did)) }));

  app.get("/peers/:peer", forAgents("open"), async ({ params, caller }) => {
    const { did, ...view } = peerSeen(peer, caller, readPart(params, peerParameter).peer);
    return { did, ...view, safetyNumber: peer.safetyNumber(did), givenAddresses: peer.givenAddresses(did) };
  });

  app.post("/peers", async ({ body }) => await peer.trust(readPart(body, trustChange)));

  app.delete("/peers/:peer", async ({ params }) => {
    await peer.forget(readPart(params, peerParameter).peer);
    return {};
  });

  app.post("/peers/:peer/ping", ask, async (request, reply) => {
    const asked = judgedPeer(request, readPart(request.params, peerParameter).peer);
    return { ms: await peer.ping(asked, { ...readPart(request.body, patience), signal: goneSignal(reply) }) };
  });

  app.post("/peers/:peer/capabilities", ask, async (request, reply) => {
    const asked = judgedPeer(request, readPart(request.params, peerParameter).peer);
    return await peer.capabilities(asked, { ...readPart(request.body, question), signal: goneSignal(reply) });
  });
}
