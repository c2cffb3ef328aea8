import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { statusHistoryContract } from "@hikyaku/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { SqliteStatusHistory } from "./sqlite-status-history.ts";

const storageKey = new Uint8Array(32).fill(7);

statusHistoryContract("SQLite", async () => {
  const place = mkdtempSync(join(tmpdir(), "hikyaku-statuses-"));
  let database = openDatabase(place);
  return {
    store: new SqliteStatusHistory(database, storageKey),
    reopen: async () => {
      database.close();
      database = openDatabase(place);
      return new SqliteStatusHistory(database, storageKey);
    },
    [Symbol.asyncDispose]: async () => {
      database.close();
      rmSync(place, { recursive: true });
    },
  };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-statuses-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const from = "did:key:lap";

test("what a peer said of itself is sealed in the file, and opens with no other key [KEY-4]", async () => {
  using database = openDatabase(folder);
  await new SqliteStatusHistory(database, storageKey).add({ from, id: "1", state: "canary state", detail: "canary detail", receivedAt: 1 });
  for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name)).includes("canary")).toBe(false);
  const other = new SqliteStatusHistory(database, new Uint8Array(32).fill(8));
  await expect(other.list(from, { limit: 9 })).rejects.toMatchObject({
    code: "STORAGE_FAILED",
    message: expect.stringContaining(`Status report 1 from ${from} in ${database.path} does not open under this folder's storage key`),
  });
});

test("words that were exchanged between two reports, or given to another peer, are refused [KEY-4]", async () => {
  using database = openDatabase(folder);
  const history = new SqliteStatusHistory(database, storageKey);
  for (const id of ["1", "2"]) await history.add({ from, id, state: id, receivedAt: 1 });
  await history.add({ from: "did:key:desk", id: "1", state: "desk", receivedAt: 1 });
  await database.change((sql) => {
    sql.run`UPDATE status_reports SET sealed_words = (SELECT sealed_words FROM status_reports WHERE id = '2') WHERE did = ${from} AND id = '1'`;
    sql.run`UPDATE status_reports SET did = 'did:key:other' WHERE did = 'did:key:desk'`;
  });
  for (const did of [from, "did:key:other"])
    await expect(history.list(did, { limit: 9 })).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  expect(await history.list(from, { limit: 1 })).toMatchObject([{ state: "2" }]);
});
