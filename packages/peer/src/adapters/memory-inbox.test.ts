import { inboxContract } from "@hikyaku/testkit";
import { emptyInbox, MemoryInbox } from "./memory-inbox.ts";

inboxContract("memory", async (bounds) => {
  const options = { state: emptyInbox(), ...(bounds === undefined ? {} : { bounds }) };
  return { store: new MemoryInbox(options), reopen: async () => new MemoryInbox(options), [Symbol.asyncDispose]: async () => {} };
});
