import type { Peer } from "@hikyaku/peer";

/** Which counters of a peer rose while something was done, and by how much. */
export async function risen(peer: Peer, work: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
  const before = peer.stats();
  await work();
  const rises = Object.entries(peer.stats()).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(rises.filter(([, rise]) => rise !== 0));
}
