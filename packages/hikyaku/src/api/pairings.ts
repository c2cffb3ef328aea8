/** Pairing, with a person in the middle: each pairing is a small process that others ask for its state and tell what the person said. */
import type { Candidate, Log, Peer, Terms } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { allowed, petName } from "./fields.ts";
import { PairingDesk } from "./pairing-desk.ts";
import { readPart } from "./request-part.ts";

const begin = z.strictObject({
  name: petName,
  allow: allowed,
  /** Present where this side uses a link, absent where it makes one. */
  link: z.string().max(limits.pairingLinkLengthMax).exactOptional(),
});
const which = z.object({ id: z.string().regex(/^[0-9a-f]{16}$/, "the id of a pairing") });
const wait = z.strictObject({ seen: z.enum(["waiting", "asking"]).exactOptional() });
const verdict = z.strictObject({ agree: z.boolean() });

export function pairingRoutes(app: FastifyInstance, peer: Peer, log: Log): void {
  const desk = new PairingDesk(log);

  app.post("/pairings", async ({ body }) => {
    const { link, name, allow } = readPart(body, begin);
    const terms = (confirm: Terms["confirm"] & object): Terms => ({ name, allow, confirm });
    if (link === undefined) return desk.open((confirm) => inviteWith(peer, terms(confirm)));
    return desk.open((confirm) => {
      const over = new AbortController();
      return { outcome: peer.accept(link, terms(confirm), { signal: over.signal }), cancel: () => over.abort() };
    });
  });

  app.get("/pairings/:id", async ({ params, query }) => await desk.state(readPart(params, which).id, readPart(query, wait).seen));

  app.post("/pairings/:id/verdict", async ({ params, body }) => {
    desk.decide(readPart(params, which).id, readPart(body, verdict).agree);
    return {};
  });

  app.delete("/pairings/:id", async ({ params }) => {
    desk.cancel(readPart(params, which).id);
    return {};
  });
}

function inviteWith(
  peer: Peer,
  terms: Terms,
): { readonly link: string; readonly outcome: Promise<Candidate>; readonly cancel: () => void } {
  if (peer.addresses.length === 0)
    throw new HikyakuError("INVALID_ARGUMENT", "This peer has no address to put in a link: start it with --advertise http://host:port.");
  const invitation = peer.invite(terms);
  return { link: invitation.link, outcome: invitation.paired, cancel: () => invitation.cancel() };
}
