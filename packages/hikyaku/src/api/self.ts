/** This peer itself: who it is, where it listens, and what has happened so far. */
import type { Peer } from "@hikyaku/peer";
import type { FastifyInstance } from "fastify";

export function selfRoutes(app: FastifyInstance, peer: Peer, name: string): void {
  app.get("/health", async () => ({ status: "ok", did: peer.did, peers: peer.peers().length }));
  app.get("/identity", async () => ({ name, did: peer.did, fingerprint: peer.fingerprint, addresses: peer.addresses }));
  app.get("/stats", async () => ({ counters: peer.stats(), sizes: peer.sizes() }));
}
