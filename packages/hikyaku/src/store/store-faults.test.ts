/** Disks that are full, files that are held or damaged: a clear refusal each time, nothing half done, nothing made anew. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Draft, InboxMessage, TaskDraft } from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Database, openDatabase } from "./database.ts";
import { SqliteInbox } from "./sqlite-inbox.ts";
import { SqliteOfferStore } from "./sqlite-offer-store.ts";
import { SqliteOutbox } from "./sqlite-outbox.ts";
import { SqliteTaskStore } from "./sqlite-task-store.ts";

const storageKey = new Uint8Array(32).fill(7);
const [desk, lap] = ["did:key:desk", "did:key:lap"] as const;
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-faults-"));
  path = join(folder, "hikyaku.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

const draft = (id: string, body = "{}"): Draft => ({ id, to: desk, type: "message", priority: "normal", body, sentAt: 1, exp: 9 });
const letter = (order: number, body = "{}"): InboxMessage => ({
  id: `${order}`,
  from: lap,
  type: "message",
  body,
  sentAt: 1,
  exp: 9,
  receivedAt: 2,
  place: { lane: "00000000000000aa/normal", order, floor: 1 },
});
const task = (id: string, input = "{}"): TaskDraft => ({
  role: "worker",
  peer: lap,
  id,
  capability: "a",
  input,
  priority: "normal",
  createdAt: 1,
  deadline: 9,
  chain: { depth: 0, budget: 9 },
});
const storesOf = (database: Database) => ({
  inbox: new SqliteInbox(database, storageKey),
  outbox: new SqliteOutbox(database, storageKey),
  tasks: new SqliteTaskStore(database, storageKey),
  offers: new SqliteOfferStore(database),
});

/** Fifty messages either way, fifty tasks and an offer, in a file that was closed well. */
async function fillAndClose(): Promise<void> {
  using database = openDatabase(folder);
  const { inbox, outbox, tasks, offers } = storesOf(database);
  const first = { state: "working", at: 1, detail: "w".repeat(300) } as const;
  await Promise.all(Array.from({ length: 50 }, (_, index) => tasks.add(task(`${index}`, `"${"z".repeat(300)}"`), { first })));
  await offers.put({ name: "a", version: "1", isIdempotent: false, concurrency: 1, offeredAt: 1 });
  await inbox.append(Array.from({ length: 50 }, (_, index) => letter(index + 1, `{"text":"${"x".repeat(300)}"}`)));
  await Promise.all(Array.from({ length: 50 }, (_, index) => outbox.add(draft(String(index + 1).padStart(3, "0"), "y".repeat(300)))));
}

/** Everything that the stores hold, read and written to once. */
async function useAll(): Promise<typeof all> {
  using database = openDatabase(folder);
  const { inbox, outbox, tasks, offers } = storesOf(database);
  const received = await inbox.list({ type: "message", limit: 1000 });
  const queued = await outbox.next({ to: desk, priority: "normal" }, 0, { count: 1000, bytes: 1e9 });
  const open = await tasks.open("worker", 0, 1000);
  const inputs = await Promise.all(open.map((key) => tasks.input(key)));
  const events = await Promise.all(open.map((key) => tasks.events(key, 0, 10)));
  const [offered, openCount] = [await offers.load(), await tasks.openCount("worker", lap)];
  return {
    inbox: received.length,
    outbox: queued.length,
    tasks: openCount,
    inputs: inputs.filter((input) => input?.length === 302).length,
    events: events.flat().length,
    offers: offered.length,
  };
}

const all = { inbox: 50, outbox: 50, tasks: 50, inputs: 50, events: 50, offers: 1 };

const refusal = async (work: () => Promise<unknown>): Promise<unknown> => {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error;
  }
};

test("on a full disk every change is refused in words and changes nothing, and later all work again [BOX-1]", async () => {
  using database = openDatabase(folder);
  const { inbox, outbox, tasks } = storesOf(database);
  await outbox.add(draft("1"));
  await inbox.append([letter(1), letter(3)]);
  await tasks.add(task("1"));
  database.read((sql) => sql.get`PRAGMA max_page_count = 1`);
  const full = {
    code: "STORAGE_FAILED",
    message: `The disk that holds ${path} is full: free some space and try again; nothing was lost or changed.`,
  };
  const large = "x".repeat(100_000);
  // In one transaction: all of them share its end.
  const together = [
    outbox.add(draft("2", large)),
    inbox.append([letter(2, large)]),
    outbox.add(draft("3")),
    tasks.add({ ...task("2", large), role: "requester" }, { within: task("1") }),
    tasks.append(task("1"), { state: "completed", at: 2, output: large }, 2),
  ];
  for (const outcome of await Promise.allSettled(together)) expect(outcome).toMatchObject({ status: "rejected", reason: full });
  expect(await outbox.usage()).toEqual({ count: 1, bytes: 2 });
  expect(await outbox.floor({ to: desk, priority: "normal" })).toBe(1);
  expect((await inbox.list({ type: "message", unread: true, limit: 10 })).map(({ id }) => id)).toEqual(["1"]);
  expect(await tasks.find(task("1"))).toMatchObject({ state: "submitted", cursor: 0, spent: 0 });
  expect([await tasks.openCount("worker"), await tasks.openCount("requester"), await tasks.events(task("1"), 0, 9)]).toEqual([1, 0, []]);
  database.read((sql) => sql.get`PRAGMA max_page_count = 10000`);
  expect(await tasks.append(task("1"), { state: "completed", at: 2, output: large }, 2)).toMatchObject({ kind: "appended" });
  expect(await tasks.openCount("worker")).toBe(0);
  expect(await inbox.append([letter(2, large)])).toEqual([{ kind: "stored", releases: true }]);
  expect(await outbox.add(draft("2", large))).toMatchObject({ order: 2 });
  expect((await inbox.list({ type: "message", unread: true, limit: 10 })).map(({ id }) => id)).toEqual(["1", "2", "3"]);
});

test("a database that another program holds is named, nothing changes, and it is used again when it is free", async () => {
  using database = openDatabase(folder);
  const { inbox, outbox } = storesOf(database);
  await outbox.add(draft("1"));
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const held = { code: "STORAGE_FAILED", message: `${path} is held by another program: close that program and try again.` };
  const outcomes = await Promise.allSettled([outbox.add(draft("2")), inbox.append([letter(1)])]);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: held });
  expect((await outbox.findByPrefix("", 10)).map(({ id }) => id)).toEqual(["1"]);
  other.exec("ROLLBACK");
  expect(await outbox.add(draft("2"))).toMatchObject({ order: 2 });
});

test("a new version does not touch a database that another program holds", () => {
  openDatabase(folder).close();
  using other = new DatabaseSync(path);
  other.exec("PRAGMA user_version = 1; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE outbox_totals SET count = 0");
  expect(() => openDatabase(folder)).toThrow(
    expect.objectContaining({ code: "STORAGE_FAILED", message: expect.stringContaining("is held by another program") }),
  );
  other.exec("ROLLBACK");
});

test("whichever byte of the header is wrong, the file is refused and left as it is, or holds all it held", {
  timeout: 120_000,
}, async () => {
  await fillAndClose();
  const whole = readFileSync(path);
  let refused = 0;
  for (let offset = 0; offset < 100; offset += 1) {
    const damaged = Buffer.from(whole);
    damaged[offset] = (damaged[offset] ?? 0) ^ 0xff;
    writeFileSync(path, damaged);
    const error = await refusal(async () => expect(await useAll(), `byte ${offset}`).toEqual(all));
    if (error === undefined) continue;
    refused += 1;
    expect(error, `byte ${offset}`).toBeInstanceOf(HikyakuError);
    expect(error, `byte ${offset}`).toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringMatching(/(: |try again|move it away|install)/),
    });
    expect(readFileSync(path).equals(damaged), `byte ${offset}`).toBe(true);
  }
  expect(refused).toBeGreaterThan(20);
});

test("a file that is damaged inside is refused at the start, and left as it is", { timeout: 120_000 }, async () => {
  await fillAndClose();
  const whole = readFileSync(path);
  for (let page = 0; page < whole.length / 4096; page += 1) {
    const damaged = Buffer.from(whole);
    // The head of a page says what it is and where its cells lie; the first page has the file's header before it.
    damaged.fill(0x5a, page * 4096 + (page === 0 ? 100 : 0), page * 4096 + 400);
    writeFileSync(path, damaged);
    const error = await refusal(useAll);
    expect(error, `page ${page}`).toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringMatching(/is damaged.*: restore it from a backup, or move it away/),
    });
    expect(readFileSync(path).equals(damaged), `page ${page}`).toBe(true);
  }
});

test("a body with one wrong byte is refused and named, and those beside it are not concerned", async () => {
  await fillAndClose();
  const damaged = readFileSync(path);
  const reader = new DatabaseSync(path);
  const sealed = reader.prepare("SELECT sealed_body FROM outbox WHERE id = '025'").get()?.["sealed_body"] as Uint8Array;
  reader.close();
  const offset = damaged.indexOf(sealed) + 100;
  damaged[offset] = (damaged[offset] ?? 0) ^ 1;
  writeFileSync(path, damaged);
  using database = openDatabase(folder);
  const { outbox } = storesOf(database);
  const lane = { to: desk, priority: "normal" } as const;
  await expect(outbox.next(lane, 0, { count: 50, bytes: 1e9 })).rejects.toMatchObject({
    code: "STORAGE_FAILED",
    message: expect.stringContaining(`Message 025 to ${desk} in ${path} does not open under this folder's storage key`),
  });
  expect(await outbox.next(lane, 25, { count: 50, bytes: 1e9 })).toHaveLength(25);
});

test("a file that was cut short is refused and left as it is, wherever it was cut", async () => {
  await fillAndClose();
  const whole = readFileSync(path);
  for (const length of [1, 99, 100, 4095, 4096, 4097, Math.trunc(whole.length / 2), whole.length - 4096, whole.length - 1]) {
    writeFileSync(path, whole);
    truncateSync(path, length);
    expect(await refusal(useAll), `cut to ${length}`).toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringMatching(/is damaged|does not open/),
    });
    expect(statSync(path).size).toBe(length);
  }
});

test("a file that was emptied while changes lie in its log is refused, and the log stays", async () => {
  await fillAndClose();
  const [log, rest] = [`${path}-wal`, "changes"];
  writeFileSync(log, rest);
  truncateSync(path, 0);
  expect(await refusal(useAll)).toMatchObject({ code: "STORAGE_FAILED", message: expect.stringContaining("is damaged") });
  expect(readFileSync(log, "utf8")).toBe(rest);
});

test("a closed database leaves no log beside it and is held by nobody", async () => {
  await fillAndClose();
  expect(readdirSync(folder)).toEqual(["hikyaku.db"]);
  using other = new DatabaseSync(path);
  expect(() => other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK")).not.toThrow();
});

test("a refused file gets no company: nothing is left beside it", async () => {
  await fillAndClose();
  truncateSync(path, 5000);
  await refusal(useAll);
  expect(readdirSync(folder)).toEqual(["hikyaku.db"]);
});
