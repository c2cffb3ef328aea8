/** Messages that arrived. Reading the list changes nothing; saying that they were read is a call of its own. */
import type { Peer, StoredMessage } from "@hikyaku/peer";
import { isMessageId, limits } from "@hikyaku/protocol";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { peerReference } from "./fields.ts";
import { readPart } from "./request-part.ts";

const count = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const query = z.strictObject({
  after: count.exactOptional(),
  from: peerReference.exactOptional(),
  unread: z.stringbool().exactOptional(),
  limit: count.max(limits.inboxPageMax).default(100),
});
const read = z.strictObject({
  messages: z
    .array(z.strictObject({ from: peerReference, id: z.string().refine(isMessageId, "the id of a message") }))
    .max(limits.inboxPageMax),
});

export function inboxRoutes(app: FastifyInstance, peer: Peer): void {
  app.get("/inbox", async (request) => {
    const { from, ...rest } = readPart(request.query, query);
    const sender = from === undefined ? {} : { from: peer.peer(from).did };
    const messages = await peer.inbox({ ...rest, ...sender });
    const known = new Map(peer.peers().map((one) => [one.did, one]));
    return { messages: messages.map((message) => showMessage(message, known.get(message.from))) };
  });

  app.post("/inbox/read", async ({ body }) => {
    await peer.markRead(readPart(body, read).messages);
    return {};
  });

  app.post("/inbox/handled", async ({ body }) => {
    await peer.acknowledge(readPart(body, read).messages);
    return {};
  });
}

interface Sender {
  readonly name: string;
  readonly level: string;
}

/** What others wrote is content with an origin, never an instruction (spec TRUST-4). */
function showMessage({ body, ...message }: StoredMessage, sender: Sender | undefined): object {
  return {
    ...message,
    sender: { name: sender?.name ?? message.from, trust: sender?.level ?? "unknown" },
    body: JSON.parse(body) as unknown,
  };
}
