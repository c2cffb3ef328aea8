import { statusHistoryContract } from "@hikyaku/testkit";
import { emptyStatuses, MemoryStatusHistory } from "./memory-status-history.ts";

statusHistoryContract("memory", async () => {
  const state = emptyStatuses();
  return {
    store: new MemoryStatusHistory({ state }),
    reopen: async () => new MemoryStatusHistory({ state }),
    [Symbol.asyncDispose]: async () => {},
  };
});
