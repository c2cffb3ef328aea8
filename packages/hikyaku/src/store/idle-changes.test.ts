/** A change that changes nothing costs no write: peers may cause as many of them as they like. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InboxMessage } from "@hikyaku/peer";
import { afterEach, expect, test } from "vitest";
import { type Database, openDatabase } from "./database.ts";
import { SqliteInbox } from "./sqlite-inbox.ts";
import { SqliteOutbox } from "./sqlite-outbox.ts";

const folder = mkdtempSync(join(tmpdir(), "hikyaku-idle-"));
const database: Database = openDatabase(folder);
const storageKey = new Uint8Array(32).fill(7);
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const idOf = (n: number): string => `019c0000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
const lane = "00000000000000aa/normal";
const message = (order: number, floor: number): InboxMessage => ({
  id: idOf(order),
  from: "did:lap",
  type: "message",
  body: "{}",
  sentAt: 1,
  exp: 2,
  receivedAt: 1,
  place: { lane, order, floor },
});

/** Grows with every page that is written until the log is taken in. */
const logBytes = (): number => statSync(`${database.path}-wal`).size;

test("copies, what is behind its lane, floors of nothing and receipts of nothing are written nowhere [BOX-2] [LANE-3] [DLV-2]", async () => {
  const inbox = new SqliteInbox(database, storageKey);
  const outbox = new SqliteOutbox(database, storageKey);
  await inbox.append([message(5, 5)]);
  await outbox.add({ id: idOf(99), to: "did:lap", type: "message", priority: "normal", body: "{}", sentAt: 1, exp: 2 });
  const before = logBytes();
  expect(await inbox.append([message(5, 5)])).toMatchObject([{ kind: "duplicate" }]);
  expect(await inbox.append([message(4, 4)])).toMatchObject([{ kind: "outdated" }]);
  expect(await inbox.raiseFloor({ from: "did:lap", lane }, 3)).toBe(0);
  expect(await inbox.raiseFloor({ from: "did:lap", lane: "00000000000000bb/normal" }, 3)).toBe(0);
  expect(await inbox.advance("did:lap", [idOf(77)], "handled")).toEqual([]);
  expect(await outbox.advance([{ id: idOf(77), to: "did:lap", stage: "stored", at: 1 }])).toEqual([]);
  expect(logBytes()).toBe(before);
  expect(await inbox.append([message(6, 5)])).toMatchObject([{ kind: "stored" }]);
  expect(logBytes()).toBeGreaterThan(before);
});
