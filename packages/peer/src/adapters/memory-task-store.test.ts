import { type ArrangeTaskStore, taskStoreContract, taskStorePropertyContract } from "@hikyaku/testkit";
import { emptyTasks, MemoryTaskStore } from "./memory-task-store.ts";

const arrange: ArrangeTaskStore = async (bounds) => {
  const options = { state: emptyTasks(), ...(bounds === undefined ? {} : { bounds }) };
  return { store: new MemoryTaskStore(options), reopen: async () => new MemoryTaskStore(options), [Symbol.asyncDispose]: async () => {} };
};

taskStoreContract("memory", arrange);
taskStorePropertyContract("memory", arrange, 300);
