import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outbox } from "@hikyaku/peer";
import { type ArrangeOutbox, outboxContract, outboxPropertyContract } from "@hikyaku/testkit";
import { openDatabase } from "./database.ts";
import { SqliteOutbox } from "./sqlite-outbox.ts";

const storageKey = new Uint8Array(32).fill(7);

const arrange: ArrangeOutbox = async (bounds) => {
  const place = mkdtempSync(join(tmpdir(), "hikyaku-outbox-"));
  let database = openDatabase(place);
  return {
    store: new SqliteOutbox(database, storageKey, bounds),
    reopen: async (): Promise<Outbox> => {
      database.close();
      database = openDatabase(place);
      return new SqliteOutbox(database, storageKey, bounds);
    },
    [Symbol.asyncDispose]: async () => {
      database.close();
      rmSync(place, { recursive: true });
    },
  };
};

outboxContract("SQLite", arrange);
outboxPropertyContract("SQLite", arrange, 20);
