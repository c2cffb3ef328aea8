/** What there is to look at again, for whoever shows this peer's inbox, peers or tasks: a question that hangs until something has changed. */
import type { Changed, ChangesQuery, Peer } from "@hikyaku/peer";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { forAgents } from "./agent-access.ts";
import { seesOf } from "./caller.ts";
import { goneSignal } from "./gone-signal.ts";
import { readPart } from "./request-part.ts";

/** How long it may hang before it is answered with nothing. */
const waitMsMax = 60_000;
const asked = z.strictObject({
  /** The cursor of the last answer; 0 for whoever has none yet. */
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  waitMs: z.coerce.number().int().min(0).max(waitMsMax).default(0),
});

interface Signals {
  readonly gone: AbortSignal;
  readonly over: AbortSignal;
}

export function changeRoutes(app: FastifyInstance, peer: Peer): void {
  app.get("/changes", forAgents("open"), async ({ query, caller }, reply) => {
    const { after, waitMs } = readPart(query, asked);
    const signals = { gone: goneSignal(reply), over: AbortSignal.timeout(waitMs) };
    return await changedWithin(peer, { after, sees: seesOf(caller) }, signals);
  });
}

async function changedWithin(peer: Peer, query: ChangesQuery, { gone, over }: Signals): Promise<Changed> {
  try {
    return await peer.changed(query, AbortSignal.any([gone, over]));
  } catch (error) {
    if (!over.aborted) throw error;
    return { cursor: query.after, subjects: [] };
  }
}
