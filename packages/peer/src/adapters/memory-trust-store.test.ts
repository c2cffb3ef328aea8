import { trustStoreContract } from "@hikyaku/testkit";
import { MemoryTrustStore } from "./memory-trust-store.ts";

trustStoreContract("memory", async () => ({ store: new MemoryTrustStore(), [Symbol.asyncDispose]: async () => {} }));
