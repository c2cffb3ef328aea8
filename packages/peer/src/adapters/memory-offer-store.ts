/** An offer store in memory: for tests, simulations and peers that shall forget. Its state outlives it where it is given one. */
import type { KeptOffer, OfferStore } from "../ports/offer-store.ts";
import { type Commit, commitAtOnce } from "./commit.ts";

export interface MemoryOfferStoreOptions {
  /** By name: what a restarted peer finds again. */
  readonly state?: Map<string, KeptOffer>;
  readonly commit?: Commit;
}

export class MemoryOfferStore implements OfferStore {
  readonly #offers: Map<string, KeptOffer>;
  readonly #commit: Commit;

  constructor({ state = new Map(), commit = commitAtOnce }: MemoryOfferStoreOptions = {}) {
    this.#offers = state;
    this.#commit = commit;
  }

  async load(): Promise<readonly KeptOffer[]> {
    return [...this.#offers.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  put(offer: KeptOffer): Promise<void> {
    return this.#commit(() => {
      this.#offers.set(offer.name, offer);
    });
  }

  remove(name: string): Promise<void> {
    return this.#commit(() => {
      this.#offers.delete(name);
    });
  }
}
