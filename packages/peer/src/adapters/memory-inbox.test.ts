import { inboxContract } from "@hikyaku/testkit";
import { MemoryInbox } from "./memory-inbox.ts";

inboxContract("memory", async (bounds) => ({ store: new MemoryInbox(bounds), [Symbol.asyncDispose]: async () => {} }));
