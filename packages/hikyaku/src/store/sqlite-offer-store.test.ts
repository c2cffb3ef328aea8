import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { offerStoreContract } from "@hikyaku/testkit";
import { openDatabase } from "./database.ts";
import { SqliteOfferStore } from "./sqlite-offer-store.ts";

offerStoreContract("SQLite", async () => {
  const place = mkdtempSync(join(tmpdir(), "hikyaku-offers-"));
  let database = openDatabase(place);
  return {
    store: new SqliteOfferStore(database),
    reopen: async () => {
      database.close();
      database = openDatabase(place);
      return new SqliteOfferStore(database);
    },
    [Symbol.asyncDispose]: async () => {
      database.close();
      rmSync(place, { recursive: true });
    },
  };
});
