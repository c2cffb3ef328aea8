/** Known peers: list, trust, forget, and small questions to them. */
import type { Peer, TrustChange } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
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
  app.get("/peers", async () => ({ peers: peer.peers() }));

  app.get("/peers/:peer", async ({ params }) => {
    const asked = readPart(params, peerParameter).peer;
    return { ...peer.peer(asked), safetyNumber: peer.safetyNumber(asked), givenAddresses: peer.givenAddresses(asked) };
  });

  app.post("/peers", async ({ body }) => await peer.trust(readPart(body, trustChange)));

  app.delete("/peers/:peer", async ({ params }) => {
    await peer.forget(readPart(params, peerParameter).peer);
    return {};
  });

  app.post("/peers/:peer/ping", async (request, reply) => {
    const asked = readPart(request.params, peerParameter).peer;
    return { ms: await peer.ping(asked, { ...readPart(request.body, patience), signal: goneSignal(reply) }) };
  });

  app.post("/peers/:peer/capabilities", async (request, reply) => {
    const asked = readPart(request.params, peerParameter).peer;
    return await peer.capabilities(asked, { ...readPart(request.body, question), signal: goneSignal(reply) });
  });
}
