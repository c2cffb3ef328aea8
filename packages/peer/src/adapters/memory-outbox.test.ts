import { type ArrangeOutbox, outboxContract, outboxPropertyContract } from "@hikyaku/testkit";
import { emptyOutbox, MemoryOutbox } from "./memory-outbox.ts";

const arrange: ArrangeOutbox = async (bounds) => {
  const options = { state: emptyOutbox("00000000000000aa"), ...(bounds === undefined ? {} : { bounds }) };
  return { store: new MemoryOutbox(options), reopen: async () => new MemoryOutbox(options), [Symbol.asyncDispose]: async () => {} };
};

outboxContract("memory", arrange);
outboxPropertyContract("memory", arrange, 300);
