import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { limits } from "@hikyaku/protocol";
import { firstDatabase } from "@hikyaku/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BodyCipher } from "./body-cipher.ts";
import { type Database, openDatabase } from "./database.ts";
import { deliveryShape } from "./delivery-shape.ts";
import { SqliteAgentRecord } from "./sqlite-agent-record.ts";
import { SqliteInbox } from "./sqlite-inbox.ts";
import { SqliteOfferStore } from "./sqlite-offer-store.ts";
import { SqliteOutbox } from "./sqlite-outbox.ts";
import { SqliteTaskStore } from "./sqlite-task-store.ts";

const storageKey = new Uint8Array(32).fill(7);
const [lap, desk] = ["did:key:lap", "did:key:desk"] as const;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-migrations-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function writeFirstShape(
  rows: readonly { readonly from: string; readonly id: string; readonly stage: number; readonly body: string }[],
): void {
  using file = new DatabaseSync(join(folder, "hikyaku.db"));
  file.exec(firstDatabase);
  const cipher = new BodyCipher(storageKey);
  const insert = file.prepare(
    "INSERT INTO inbox (sender, id, type, sealed_body, sent_at, received_at, reply_to, thread, stage) VALUES (?, ?, 'message', ?, 5, 6, 'r', 't', ?)",
  );
  for (const { from, id, stage, body } of rows) insert.run(from, id, cipher.seal({ from, id, type: "message" }, body), stage);
  // The newest one was forgotten: its position is never given again.
  file.exec(
    "INSERT INTO inbox (sender, id, type, sealed_body, sent_at, received_at) VALUES ('x', 'x', 'message', x'00', 1, 1); DELETE FROM inbox WHERE id = 'x'",
  );
}

test("an inbox of the first release keeps its messages, positions, stages and counts", async () => {
  writeFirstShape([
    { from: lap, id: "1", stage: 0, body: "飛脚" },
    { from: desk, id: "1", stage: 1, body: "b" },
    { from: lap, id: "2", stage: 2, body: "c" },
  ]);
  using database = openDatabase(folder);
  const inbox = new SqliteInbox(database, storageKey, { ...limits, inboxUnreadBytesPerSenderMax: 8 });
  const common = { type: "message", sentAt: 5, exp: 5 + limits.messageLifeMsMax, receivedAt: 6, replyTo: "r", thread: "t" };
  expect(await inbox.list({ type: "message", limit: 10 })).toStrictEqual([
    { ...common, position: 1, from: lap, id: "1", stage: "stored", body: "飛脚" },
    { ...common, position: 2, from: desk, id: "1", stage: "delivered", body: "b" },
    { ...common, position: 3, from: lap, id: "2", stage: "handled", body: "c" },
  ]);
  expect(await inbox.lanesDue("message", 10)).toEqual([{ from: lap, lane: "" }]);
  const next = { type: "message", from: lap, sentAt: 7, exp: 8, receivedAt: 9 } as const;
  const arrivals = await inbox.append([
    { ...next, id: "2", body: "" },
    { ...next, id: "3", body: "123" },
    { ...next, id: "4", body: "12" },
  ]);
  expect(arrivals).toEqual([{ kind: "duplicate", stage: "handled" }, { kind: "full", bound: "sender" }, { kind: "stored" }]);
  expect((await inbox.list({ type: "message", after: 3, limit: 10 })).map(({ position }) => position)).toEqual([5]);
  expect(await new SqliteOutbox(database, storageKey).usage()).toEqual({ count: 0, bytes: 0 });
});

test("an empty inbox of the first release becomes an empty inbox", async () => {
  writeFirstShape([]);
  using database = openDatabase(folder);
  expect(await new SqliteInbox(database, storageKey).list({ type: "message", limit: 10 })).toEqual([]);
});

test("an inbox of the second shape keeps its messages, and a place for tasks and offers is there", async () => {
  writeFirstShape([
    { from: lap, id: "1", stage: 0, body: "a" },
    { from: lap, id: "2", stage: 0, body: "b" },
    { from: lap, id: "3", stage: 0, body: "c" },
  ]);
  const file = new DatabaseSync(join(folder, "hikyaku.db"));
  file.exec(`${deliveryShape}; UPDATE inbox SET stage = 2 WHERE id = '2'; PRAGMA user_version = 2`);
  file.close();
  using database = openDatabase(folder);
  const inbox = new SqliteInbox(database, storageKey);
  expect((await inbox.list({ type: "message", limit: 10 })).map(({ body }) => body)).toEqual(["a", "b", "c"]);
  expect((await inbox.due({ from: lap, lane: "" }, "message", 10)).map(({ id }) => id)).toEqual(["1", "3"]);
  expect((await inbox.interrupted("message", 10)).map(({ id }) => id)).toEqual(["2"]);
  expect(await inbox.lanesDue("task_delegate", 10)).toEqual([]);
  expect(await new SqliteTaskStore(database, storageKey).list({ limit: 10 })).toEqual([]);
  expect(await new SqliteOfferStore(database).load()).toEqual([]);
});

test("what was marked, in a list that was written before it had a column, is told from the ids", async () => {
  openDatabase(folder).close();
  const file = new DatabaseSync(join(folder, "hikyaku.db"));
  file.exec(`
    ALTER TABLE agent_audit DROP COLUMN marked; PRAGMA user_version = 6;
    INSERT INTO agent_audit (at, agent, action, verdict, ref) VALUES (1, 'a', 'mark', 'allowed', 'read 1 of desk: 01'), (2, 'a', 'send', 'allowed', '02');`);
  file.close();
  using database = openDatabase(folder);
  const entries = await new SqliteAgentRecord(database).list({ limit: 9 });
  expect(entries).toEqual([
    { position: 1, at: 1, agent: "a", action: "mark", verdict: "allowed", marked: "read 1 of desk: 01" },
    { position: 2, at: 2, agent: "a", action: "send", verdict: "allowed", ref: "02" },
  ]);
});

test("two databases have two epochs", async () => {
  const other = mkdtempSync(join(tmpdir(), "hikyaku-migrations-"));
  using one = openDatabase(folder);
  using two = openDatabase(other);
  const epochIn = (database: Database): Promise<string> => new SqliteOutbox(database, storageKey).epochOf("did:desk");
  expect(await epochIn(one)).not.toBe(await epochIn(two));
  two.close();
  rmSync(other, { recursive: true });
});

test("what one sender and one recipient hold is counted of a database that was made before it was", async () => {
  const plain = { id: "1", type: "message", body: "12345", sentAt: 1, exp: Number.MAX_SAFE_INTEGER } as const;
  const database = openDatabase(folder);
  await new SqliteInbox(database, storageKey).append([{ ...plain, from: "did:lap", receivedAt: 1 }]);
  await new SqliteOutbox(database, storageKey).add({ ...plain, to: "did:lap", priority: "normal" });
  database.close();
  const older = new DatabaseSync(join(folder, "hikyaku.db"));
  older.exec(`
    DROP TRIGGER agent_peer_forgotten; DROP TABLE agent_policies; DROP TABLE agent_approvals; DROP TABLE agent_spendings; DROP TABLE agent_audit;
    DROP TABLE status_reports; DROP TABLE offers; DROP TABLE task_events; DROP TABLE task_inputs; DROP TABLE tasks; DROP TABLE task_parties; DROP TABLE task_totals; DROP INDEX inbox_of_type;
    ALTER TABLE inbox DROP COLUMN starts; ALTER TABLE inbox_senders DROP COLUMN bytes;
    ALTER TABLE outbox_recipients DROP COLUMN epoch; ALTER TABLE outbox_recipients DROP COLUMN kept_bytes; PRAGMA user_version = 2;`);
  older.close();
  using upgraded = openDatabase(folder);
  const counted = upgraded.read((sql) => [
    sql.get`SELECT bytes FROM inbox_senders`?.["bytes"],
    sql.get`SELECT kept_bytes FROM outbox_recipients`?.["kept_bytes"],
  ]);
  expect(counted).toEqual([5, 5]);
});
