import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Draft, Outbox } from "@hikyaku/peer";
import { type ArrangeOutbox, outboxContract, outboxPropertyContract } from "@hikyaku/testkit";
import { expect, test } from "vitest";
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

test("what waits for others is sealed in the file, dead letters included, and opens with no other key [KEY-4]", async () => {
  const place = mkdtempSync(join(tmpdir(), "hikyaku-outbox-"));
  const database = openDatabase(place);
  const outbox = new SqliteOutbox(database, storageKey);
  const draft = (id: string): Draft => ({
    id,
    to: "did:key:desk",
    type: "message",
    priority: "normal",
    body: '{"text":"canary"}',
    sentAt: 1,
    exp: Date.now() + 1000,
  });
  const [waiting, dead] = ["01996f2a-7c1e-7b02-9d55-0c3f6a1b2e4d", "01996f2a-7c1e-7b02-9d55-0c3f6a1b2e4e"] as const;
  for (const id of [waiting, dead]) await outbox.add(draft(id));
  await outbox.advance([{ id: dead, to: "did:key:desk", stage: "refused", at: 2, reason: "UNAUTHORIZED" }]);
  for (const name of readdirSync(place)) expect(readFileSync(join(place, name)).includes("canary")).toBe(false);
  const other = new SqliteOutbox(database, new Uint8Array(32).fill(8));
  await expect(other.deadLetter(dead)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  expect((await outbox.deadLetter(dead))?.body).toBe('{"text":"canary"}');
  database.close();
  rmSync(place, { recursive: true });
});
