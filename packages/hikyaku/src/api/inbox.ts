/** Messages that arrived. Reading the list changes nothing; saying that they were read is a call of its own. */
import type { Peer, StoredMessage } from "@hikyaku/peer";
import { decodeDid, isMessageId, limits } from "@hikyaku/protocol";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Addressee } from "../agents/deed.ts";
import type { Marking } from "../agents/marking.ts";
import { forAgents } from "./agent-access.ts";
import { addresseeOf, type Caller, peerSeen, seesOf } from "./caller.ts";
import { peerReference } from "./fields.ts";
import { readPart } from "./request-part.ts";
import { type SeenPage, seenPage } from "./seen-page.ts";

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
  app.get("/inbox", forAgents("open"), async ({ query: asked, caller }) => {
    const { entries, ...onwards } = await seenMessages(peer, caller, readPart(asked, query));
    const known = new Map(peer.peers().map((one) => [one.did, one]));
    return { messages: entries.map((message) => showMessage(message, known.get(message.from))), ...onwards };
  });

  const marking = (stage: Marking["stage"]) =>
    forAgents(({ body, caller }) => ({ kind: "mark", stage, marks: marksOf(peer, caller, readPart(body, read).messages) }));

  app.post("/inbox/read", marking("read"), async (request) => ({ unknown: await peer.markRead(judgedMessages(peer, request)) }));

  app.post("/inbox/handled", marking("handled"), async (request) => ({ unknown: await peer.acknowledge(judgedMessages(peer, request)) }));
}

function marksOf(peer: Peer, caller: Caller, messages: z.infer<typeof read>["messages"]): Marking["marks"] {
  return [...Map.groupBy(messages, ({ from }) => from)].map(([from, some]) => ({
    to: senderOf(peer, caller, from),
    ids: some.map(({ id }) => id),
  }));
}

/** Messages stand under the dids of their senders, who may be known no more: what is neither a name nor a did is nobody. */
function senderOf(peer: Peer, caller: Caller, from: string): Addressee {
  const sender = addresseeOf(peer, caller, from);
  return sender.did === undefined && decodeDid(from) !== undefined ? { did: from, name: from } : sender;
}

/** Those of the senders that the gate judged, since their names may mean others by now; of an owner's request, of whom it names. */
function judgedMessages(peer: Peer, { admitted, caller, body }: FastifyRequest): readonly Pick<StoredMessage, "from" | "id">[] {
  const { deed } = admitted ?? {};
  const marks = deed?.kind === "mark" ? deed.marks : marksOf(peer, caller, readPart(body, read).messages);
  return marks.flatMap(({ to, ids }) => {
    const from = to.did ?? peer.peer(to.name).did;
    return ids.map((id) => ({ from, id }));
  });
}

async function seenMessages(peer: Peer, caller: Caller, { from, after, ...rest }: z.infer<typeof query>): Promise<SeenPage<StoredMessage>> {
  const sender = from === undefined ? {} : { from: peerSeen(peer, caller, from).did };
  const read = (beyond = 0, most: number): Promise<readonly StoredMessage[]> =>
    peer.inbox({ ...rest, ...sender, after: beyond, limit: most });
  return await seenPage(read, { beyond: after, limit: rest.limit, sees: ({ from: did }) => seesOf(caller)(did) });
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
