/** This peer itself: who it is, where it listens, what its programs offer, and what has happened so far. */
import type { OwnCapability, Peer } from "@hikyaku/peer";
import type { FastifyInstance } from "fastify";

export function selfRoutes(app: FastifyInstance, peer: Peer, name: string): void {
  app.get("/health", async () => ({ status: "ok", did: peer.did, peers: peer.peers().length }));
  app.get("/identity", async () => ({ name, did: peer.did, fingerprint: peer.fingerprint, addresses: peer.addresses }));
  app.get("/capabilities", async () => ({ capabilities: ownCapabilities(peer) }));
  app.get("/stats", async () => ({ counters: peer.stats(), sizes: peer.sizes() }));
}

/** With names in place of dids, where there are names. */
function ownCapabilities(peer: Peer): readonly OwnCapability[] {
  const names = new Map(peer.peers().map(({ did, name }) => [did, name]));
  const named = (one: OwnCapability): OwnCapability =>
    one.for === undefined ? one : { ...one, for: one.for.map((did) => names.get(did) ?? did) };
  return peer.ownCapabilities().map(named);
}
