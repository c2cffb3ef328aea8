import { inboxContract } from "@hikyaku/testkit";
import { MemoryInbox } from "./memory-inbox.ts";

inboxContract("memory", async () => ({ store: new MemoryInbox(), [Symbol.asyncDispose]: async () => {} }));
