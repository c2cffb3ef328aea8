/** Messages on their way out. */
import type { Peer } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { peerReference, timeoutMs } from "./fields.ts";
import { goneSignal, readPart } from "./request-body.ts";

const text = z.string().max(limits.textLengthMax);
const sentence = z.string().max(limits.reasonLengthMax);
const word = z.string().min(1).max(limits.nameLengthMax);
const manner = {
  to: peerReference,
  until: z.enum(["stored", "delivered", "handled"]).exactOptional(),
  timeoutMs: timeoutMs.exactOptional(),
};

const message = z.strictObject({ ...manner, body: z.union([z.strictObject({ text }), z.strictObject({ json: z.json() })]) });
const report = z.strictObject({ ...manner, body: z.strictObject({ state: word.exactOptional(), detail: sentence.exactOptional() }) });

export function messageRoutes(app: FastifyInstance, peer: Peer): void {
  app.post("/messages", async (request) => {
    const { to: recipient, body, ...options } = readPart(request.body, message);
    return await peer.send(recipient, "message", body, { ...options, signal: goneSignal(request) });
  });

  app.post("/reports", async (request) => {
    const { to: recipient, body, ...options } = readPart(request.body, report);
    return await peer.send(recipient, "status_report", body, { ...options, signal: goneSignal(request) });
  });
}
