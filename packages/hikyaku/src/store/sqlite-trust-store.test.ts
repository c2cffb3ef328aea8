import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TrustStore } from "@hikyaku/peer";
import { trustStoreContract } from "@hikyaku/testkit";
import { openDatabase } from "./database.ts";
import { SqliteTrustStore } from "./sqlite-trust-store.ts";

trustStoreContract("SQLite", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hikyaku-trust-"));
  let database = openDatabase(folder);
  return {
    store: new SqliteTrustStore(database),
    reopen: async (): Promise<TrustStore> => {
      database.close();
      database = openDatabase(folder);
      return new SqliteTrustStore(database);
    },
    [Symbol.asyncDispose]: async () => {
      database.close();
      rmSync(folder, { recursive: true });
    },
  };
});
