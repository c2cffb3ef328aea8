import { type ArrangeInbox, inboxContract, inboxPropertyContract } from "@hikyaku/testkit";
import { emptyInbox, MemoryInbox } from "./memory-inbox.ts";

const arrange: ArrangeInbox = async (bounds) => {
  const options = { state: emptyInbox(), ...(bounds === undefined ? {} : { bounds }) };
  return { store: new MemoryInbox(options), reopen: async () => new MemoryInbox(options), [Symbol.asyncDispose]: async () => {} };
};

inboxContract("memory", arrange);
inboxPropertyContract("memory", arrange, 300);
