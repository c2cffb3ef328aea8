import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import type { Inbox, InboxMessage } from "@hikyaku/peer";
import { type ArrangeInbox, inboxContract, inboxPropertyContract } from "@hikyaku/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { SqliteInbox } from "./sqlite-inbox.ts";

const storageKey = new Uint8Array(32).fill(7);
const makeMessage = (id: string, changes: Partial<InboxMessage> = {}): InboxMessage => ({
  id,
  from: "did:key:lap",
  type: "message",
  body: `{"text":"canary ${id}"}`,
  sentAt: 1,
  exp: 3,
  receivedAt: 2,
  ...changes,
});

const arrange: ArrangeInbox = async (bounds) => {
  const place = mkdtempSync(join(tmpdir(), "hikyaku-inbox-"));
  let database = openDatabase(place);
  return {
    store: new SqliteInbox(database, storageKey, bounds),
    reopen: async (): Promise<Inbox> => {
      database.close();
      database = openDatabase(place);
      return new SqliteInbox(database, storageKey, bounds);
    },
    [Symbol.asyncDispose]: async () => {
      database.close();
      rmSync(place, { recursive: true });
    },
  };
};

inboxContract("SQLite", arrange);
inboxPropertyContract("SQLite", arrange, 20);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-inbox-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What another program with a hand on the file could do. */
function tamper(sql: string): void {
  using file = new DatabaseSync(join(folder, "hikyaku.db"));
  file.exec(sql);
}

test("no file of the folder holds the text of a stored body [KEY-4]", async () => {
  using database = openDatabase(folder);
  await new SqliteInbox(database, storageKey).append([makeMessage("1")]);
  const readAll = (): string =>
    readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), "latin1"))
      .join("");
  expect(readdirSync(folder)).toContain("hikyaku.db-wal");
  expect(readAll()).toContain("did:key:lap");
  expect(readAll()).not.toContain("canary");
  database.close();
  expect(readAll()).not.toContain("canary");
});

test("one body twice is stored as two different texts [KEY-4]", async () => {
  using database = openDatabase(folder);
  const inbox = new SqliteInbox(database, storageKey);
  await inbox.append([makeMessage("1", { body: "{}" })]);
  await inbox.append([makeMessage("2", { body: "{}" })]);
  const bodies = database.read((sql) => sql.all`SELECT hex(sealed_body) AS body FROM inbox`);
  expect(new Set(bodies.map(({ body }) => body)).size).toBe(2);
});

test.each([
  [
    "bodies of two rows were exchanged",
    "UPDATE inbox SET sealed_body = (SELECT sealed_body FROM inbox AS other WHERE other.id <> inbox.id)",
  ],
  ["sender was changed", "UPDATE inbox_senders SET did = 'did:key:desk'"],
  ["type was changed", "UPDATE inbox SET type = 'message'"],
  ["id was changed", "UPDATE inbox SET id = '4' WHERE id = '1'"],
  ["body was cut short", "UPDATE inbox SET sealed_body = substr(sealed_body, 1, 20)"],
])("a row whose %s is refused and named [KEY-4]", async (_, sql) => {
  using database = openDatabase(folder);
  const inbox = new SqliteInbox(database, storageKey);
  await inbox.append([makeMessage("1")]);
  await inbox.append([makeMessage("2")]);
  await inbox.append([{ ...makeMessage("3"), type: "wake_up" }]);
  expect(await inbox.list({ type: "message", limit: 3 })).toHaveLength(2);
  tamper(sql);
  const refused = { code: "STORAGE_FAILED", message: expect.stringMatching(/^Message [134] from did:key:\w+ in .* does not open/) };
  await expect(inbox.list({ type: "message", limit: 3 })).rejects.toMatchObject(refused);
});

test("another storage key opens no body [KEY-4]", async () => {
  using database = openDatabase(folder);
  await new SqliteInbox(database, storageKey).append([makeMessage("1")]);
  const other = new SqliteInbox(database, new Uint8Array(32));
  await expect(other.list({ type: "message", limit: 1 })).rejects.toMatchObject({ code: "STORAGE_FAILED" });
});

test("on a full disk an append is refused in words and changes nothing, and later ones work again [BOX-1]", async () => {
  using database = openDatabase(folder);
  const inbox = new SqliteInbox(database, storageKey);
  await inbox.append([makeMessage("1")]);
  database.read((sql) => sql.get`PRAGMA max_page_count = 1`);
  const full = {
    code: "STORAGE_FAILED",
    message: `The disk that holds ${database.path} is full: free some space and try again; nothing was lost or changed.`,
  };
  const large = makeMessage("2", { body: "x".repeat(100_000) });
  await expect(inbox.append([large])).rejects.toMatchObject(full);
  expect((await inbox.list({ type: "message", limit: 10 })).map(({ id }) => id)).toEqual(["1"]);
  database.read((sql) => sql.get`PRAGMA max_page_count = 1000`);
  expect(await inbox.append([large])).toEqual([{ kind: "stored" }]);
});

/** Appends for ever and prints each id once its append has resolved. */
const appender = `
  const { openDatabase } = await import(${JSON.stringify(new URL("database.ts", import.meta.url).href)});
  const { SqliteInbox } = await import(${JSON.stringify(new URL("sqlite-inbox.ts", import.meta.url).href)});
  const inbox = new SqliteInbox(openDatabase(process.argv[1]), new Uint8Array(32).fill(7));
  for (let id = 1; ; id += 1) {
    await inbox.append([{ id: String(id), from: "did:key:lap", type: "message", body: "{}", sentAt: 1, exp: 3, receivedAt: 2 }]);
    process.stdout.write(id + "\\n");
  }`;

test("whatever was acknowledged before a kill -9 is there afterwards [BOX-1]", async () => {
  const child = spawn(process.execPath, ["--conditions=@hikyaku/source", "--input-type=module", "-e", appender, folder]);
  let acknowledged = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    if (acknowledged === 50) child.kill("SIGKILL");
  }
  using database = openDatabase(folder);
  const ids = (await new SqliteInbox(database, storageKey).list({ type: "message", limit: 1000 })).map(({ id }) => Number(id));
  expect(acknowledged).toBeGreaterThanOrEqual(50);
  expect(ids.slice(0, acknowledged)).toEqual(Array.from({ length: acknowledged }, (_, index) => index + 1));
});
