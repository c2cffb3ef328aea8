/** Messages on their way out, what became of them, and those that will not arrive. */
import type { Peer } from "@hikyaku/peer";
import { limits, type MessageBody } from "@hikyaku/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Deed } from "../agents/deed.ts";
import { forAgents, judgedPeer } from "./agent-access.ts";
import { addresseeOf, lookUpOf } from "./caller.ts";
import { peerReference, stage, timeoutMs } from "./fields.ts";
import { goneSignal } from "./gone-signal.ts";
import { readPart } from "./request-part.ts";
import { saidBytes } from "./said-bytes.ts";

const text = z.string().max(limits.textLengthMax);
const sentence = z.string().max(limits.reasonLengthMax);
const word = z.string().min(1).max(limits.nameLengthMax);
const manner = {
  to: peerReference,
  until: stage.exactOptional(),
  timeoutMs: timeoutMs.exactOptional(),
};

// What was parsed from JSON is JSON: to walk it once more would only give deep nesting a stack to overflow.
const messageBody = z
  .strictObject({ text: text.exactOptional(), json: z.unknown().exactOptional() })
  .refine((body) => "text" in body !== "json" in body, "either text or json")
  .transform(({ text: words, json }): MessageBody => (words === undefined ? { json } : { text: words }));
const message = z.strictObject({ ...manner, body: messageBody });
const report = z.strictObject({ ...manner, body: z.strictObject({ state: word.exactOptional(), detail: sentence.exactOptional() }) });

const messageParameter = z.object({ id: z.string().min(1).max(limits.idLengthMax) });
const deadQuery = z.strictObject({
  after: z.string().max(limits.idLengthMax).exactOptional(),
  limit: z.coerce.number().int().min(1).max(limits.inboxPageMax).default(100),
});

export function messageRoutes(app: FastifyInstance, peer: Peer): void {
  const sending = (form: z.ZodType<{ readonly to: string; readonly body: object }>) =>
    forAgents(({ body: said, caller }: FastifyRequest): Deed => {
      const { to, body } = readPart(said, form);
      return { kind: "send", to: addresseeOf(peer, caller, to), bytes: saidBytes(body) };
    });

  app.post("/messages", sending(message), async (request, reply) => {
    const { to, body, ...options } = readPart(request.body, message);
    return await peer.send(judgedPeer(request, to), "message", body, { ...options, signal: goneSignal(reply) });
  });

  app.get(
    "/messages/:id",
    forAgents("open"),
    async ({ params, caller }) => await peer.explain(readPart(params, messageParameter).id, lookUpOf(caller)),
  );

  app.get("/dead", async ({ query }) => ({ messages: await peer.dead(readPart(query, deadQuery)) }));

  app.post("/dead/:id/retry", async ({ params }) => ({ id: await peer.retry(readPart(params, messageParameter).id) }));

  app.delete("/dead/:id", async ({ params }) => {
    await peer.drop(readPart(params, messageParameter).id);
    return {};
  });

  app.post("/reports", sending(report), async (request, reply) => {
    const { to, body, ...options } = readPart(request.body, report);
    return await peer.send(judgedPeer(request, to), "status_report", body, { ...options, signal: goneSignal(reply) });
  });
}
