/** What there is to look at again, for whoever shows this peer's inbox, peers or tasks: a question that hangs until something has changed. */
import type { Changed, Peer } from "@hikyaku/peer";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { goneSignal } from "./gone-signal.ts";
import { readPart } from "./request-part.ts";

/** How long it may hang before it is answered with nothing. */
const waitMsMax = 60_000;
const asked = z.strictObject({
  /** The cursor of the last answer; 0 for whoever has none yet. */
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  waitMs: z.coerce.number().int().min(0).max(waitMsMax).default(0),
});

export function changeRoutes(app: FastifyInstance, peer: Peer): void {
  app.get("/changes", async ({ query }, reply) => {
    const { after, waitMs } = readPart(query, asked);
    return await changedWithin(peer, after, { gone: goneSignal(reply), over: AbortSignal.timeout(waitMs) });
  });
}

async function changedWithin(peer: Peer, after: number, { gone, over }: Readonly<Record<"gone" | "over", AbortSignal>>): Promise<Changed> {
  try {
    return await peer.changed(after, AbortSignal.any([gone, over]));
  } catch (error) {
    if (!over.aborted) throw error;
    return { cursor: after, subjects: [] };
  }
}
