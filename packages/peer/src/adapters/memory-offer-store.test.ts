import { offerStoreContract } from "@hikyaku/testkit";
import type { KeptOffer } from "../ports/offer-store.ts";
import { MemoryOfferStore } from "./memory-offer-store.ts";

offerStoreContract("memory", async () => {
  const state = new Map<string, KeptOffer>();
  return {
    store: new MemoryOfferStore({ state }),
    reopen: async () => new MemoryOfferStore({ state }),
    [Symbol.asyncDispose]: async () => {},
  };
});
