/** This peer itself: who it is, where it listens, what its programs offer, and what has happened so far. */
import type { OwnCapability, Peer } from "@hikyaku/peer";
import type { FastifyInstance } from "fastify";
import { forAgents } from "./agent-access.ts";
import { type Caller, seesOf } from "./caller.ts";

export function selfRoutes(app: FastifyInstance, peer: Peer, name: string): void {
  const read = forAgents("open");
  app.get("/health", read, async ({ caller }) => ({
    status: "ok",
    did: peer.did,
    peers: peer.peers().filter(({ did }) => seesOf(caller)(did)).length,
  }));
  app.get("/identity", read, async () => ({ name, did: peer.did, fingerprint: peer.fingerprint, addresses: peer.addresses }));
  app.get("/capabilities", read, async ({ caller }) => ({ capabilities: ownCapabilities(peer, caller) }));
  app.get("/stats", async () => ({ counters: peer.stats(), sizes: peer.sizes() }));
}

/** With names in place of dids, where there are names. What is offered to peers alone of which the caller is not told is as if it were not there, and how busy it is as well. */
function ownCapabilities(peer: Peer, caller: Caller): readonly OwnCapability[] {
  const names = new Map(peer.peers().map(({ did, name }) => [did, name]));
  const isShown = ({ for: whom = [] }: OwnCapability): boolean => whom.length === 0 || whom.some(seesOf(caller));
  const named = (one: OwnCapability): OwnCapability =>
    one.for === undefined ? one : { ...one, for: one.for.filter(seesOf(caller)).map((did) => names.get(did) ?? did) };
  return peer.ownCapabilities().filter(isShown).map(named);
}
