/** A trust store that lives as long as its object: for tests, simulations and peers that shall forget. */
import { HikyakuError } from "@hikyaku/protocol";
import type { KnownPeer, TrustStore } from "../ports/trust-store.ts";

export class MemoryTrustStore implements TrustStore {
  readonly #peers = new Map<string, KnownPeer>();

  async load(): Promise<readonly KnownPeer[]> {
    return [...this.#peers.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  async put(peer: KnownPeer): Promise<void> {
    const holder = [...this.#peers.values()].find(({ did, name }) => name === peer.name && did !== peer.did);
    if (holder !== undefined) {
      const message = `${JSON.stringify(peer.name)} is already the name of ${holder.did}: choose another name, or remove that peer first.`;
      throw new HikyakuError("INVALID_ARGUMENT", message);
    }
    this.#peers.set(peer.did, peer);
  }

  async remove(did: string): Promise<boolean> {
    return this.#peers.delete(did);
  }
}
