/** A process that dies at the worst moments, killed for real: afterwards the file holds what was acknowledged, and of what was not, all or nothing. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { firstDatabase } from "@hikyaku/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BodyCipher } from "./body-cipher.ts";
import { type CrashPoint, openDatabase } from "./database.ts";
import { SqliteInbox } from "./sqlite-inbox.ts";
import { SqliteOutbox } from "./sqlite-outbox.ts";
import { SqliteTaskStore } from "./sqlite-task-store.ts";

const storageKey = new Uint8Array(32).fill(7);
const lane = { to: "did:key:desk", priority: "normal" } as const;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-kill-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const sourceOf = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

/** Opens the folder's stores and lets `at` kill the process where it stands, the nth time it comes by a point. */
const opening = (point: CrashPoint, nth: number): string => `
  const { openDatabase } = await import(${sourceOf("database.ts")});
  const { SqliteInbox } = await import(${sourceOf("sqlite-inbox.ts")});
  const { SqliteOutbox } = await import(${sourceOf("sqlite-outbox.ts")});
  const { SqliteTaskStore } = await import(${sourceOf("sqlite-task-store.ts")});
  let passed = 0;
  const at = (point) => {
    if (point === ${JSON.stringify(point)}) passed += 1;
    if (passed === ${nth}) process.kill(process.pid, "SIGKILL");
  };
  const database = openDatabase(process.argv[1], { at });
  const key = new Uint8Array(32).fill(7);
  const [inbox, outbox, tasks] = [new SqliteInbox(database, key), new SqliteOutbox(database, key), new SqliteTaskStore(database, key)];`;

/** Each turn changes all stores in one transaction: a task is added for the sake of the first one, and the one before it ends. The turn is printed once both have answered. */
const turns = `
  for (let turn = 1; ; turn += 1) {
    const id = String(turn).padStart(4, "0");
    const place = { lane: "00000000000000aa/normal", order: turn, floor: 1 };
    const message = { id, type: "message", body: "{}", sentAt: 1, exp: 9 };
    const task = { id, role: "worker", peer: "did:key:lap", capability: "a", input: "1", priority: "normal", createdAt: 1, deadline: 9 };
    const chain = { depth: 0, budget: turn === 1 ? 1000 : 0 };
    const within = turn === 1 ? undefined : { ...task, id: "0001" };
    const changes = [
      tasks.add({ ...task, chain }, { first: { state: "working", at: 2, detail: id }, within }),
      inbox.append([{ ...message, from: "did:key:lap", receivedAt: 2, place }]),
      outbox.add({ ...message, to: "did:key:desk", priority: "normal" }),
    ];
    if (turn > 1) {
      const before = String(turn - 1).padStart(4, "0");
      changes.push(inbox.advance("did:key:lap", [before], "started"));
      if (turn > 2) changes.push(tasks.append({ ...task, id: before }, { state: "completed", at: 3 }, 3));
      changes.push(outbox.advance([{ id: before, to: "did:key:desk", stage: "handled", at: 3 }]));
    }
    await Promise.all(changes);
    require("node:fs").writeSync(1, turn + "\\n");
  }`;

/** The last turn that was acknowledged before the process killed itself. */
async function runUntilKilled(program: string): Promise<number> {
  const preamble = `const require = (await import("node:module")).createRequire("/");`;
  const child = spawn(process.execPath, ["--conditions=@hikyaku/source", "--input-type=module", "-e", preamble + program, folder]);
  const [output, errors, [, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  expect(errors).toBe("");
  expect(signal).toBe("SIGKILL");
  return Number(output.trimEnd().split("\n").at(-1));
}

/** What must be there after so many turns, and nothing else. */
async function expectTurns(count: number): Promise<void> {
  using database = openDatabase(folder);
  const [inbox, outbox] = [new SqliteInbox(database, storageKey), new SqliteOutbox(database, storageKey)];
  const ids = Array.from({ length: count }, (_, index) => String(index + 1).padStart(4, "0"));
  const last = ids.slice(-1);
  expect((await inbox.list({ type: "message", limit: 1000 })).map(({ id }) => id)).toEqual(ids);
  expect((await inbox.list({ type: "message", unread: true, limit: 1000 })).map(({ id }) => id)).toEqual(last);
  expect((await inbox.interrupted("message", 1000)).map(({ id }) => id)).toEqual(ids.slice(0, -1));
  expect((await outbox.findByPrefix("", 1000)).map(({ id }) => id)).toEqual(ids);
  expect((await outbox.next(lane, 0, { count: 1000, bytes: 1e9 })).map(({ id }) => id)).toEqual(last);
  expect(await outbox.usage()).toEqual({ count: last.length, bytes: 2 * last.length });
  expect(await outbox.floor(lane)).toBe(Math.max(1, count));
  await expectTasks(new SqliteTaskStore(database, storageKey), ids);
  // The counts beside the rows agree with them.
  expect(database.read((sql) => sql.get`SELECT unread, (SELECT count(*) FROM inbox WHERE stage = 0) AS rows FROM inbox_senders`)).toEqual(
    count === 0 ? undefined : { unread: 1, rows: 1 },
  );
  expect(database.read((sql) => sql.get`PRAGMA quick_check`)).toEqual({ quick_check: "ok" });
}

/** The first is open, since the others are for its sake, and so is the last. */
async function expectTasks(tasks: SqliteTaskStore, ids: readonly string[]): Promise<void> {
  const open = new Set([...ids.slice(0, 1), ...ids.slice(-1)]);
  const found = await tasks.findByPrefix("", 1000);
  expect(found.map(({ id, cursor, spent }) => [id, cursor, spent])).toEqual(
    ids.map((id, index) => [id, open.has(id) ? 1 : 2, index === 0 ? ids.length - 1 : 0]),
  );
  expect(new Set((await tasks.open("worker", 0, 1000)).map(({ id }) => id))).toEqual(open);
  expect(await tasks.openCount("worker")).toBe(open.size);
  for (const task of found) {
    expect(await tasks.input(task)).toBe("1");
    expect(await tasks.events(task, 0, 10)).toMatchObject([{ detail: task.id }, { state: "completed" }].slice(0, task.cursor));
  }
}

test.each([1, 2, 40])("killed before its commit %i, a turn that nobody was told of is not there [BOX-1]", async (nth) => {
  const acknowledged = await runUntilKilled(opening("before-commit", nth) + turns);
  expect(acknowledged).toBe(nth - 1);
  await expectTurns(acknowledged);
});

test.each([1, 2, 40])("killed after its commit %i and before anybody was told, a turn is there whole [BOX-1]", async (nth) => {
  const acknowledged = await runUntilKilled(opening("committed", nth) + turns);
  expect(acknowledged).toBe(nth - 1);
  await expectTurns(acknowledged + 1);
});

test.each([1, 2, 3])("killed in step %i of making a database, it is made whole the next time", async (nth) => {
  await runUntilKilled(opening("migrating", nth));
  await expectTurns(0);
});

test("killed while an older database is brought to the new shape, it is as it was, and the next start brings it there", async () => {
  using file = new DatabaseSync(join(folder, "hikyaku.db"));
  file.exec(firstDatabase);
  const cipher = new BodyCipher(storageKey);
  const insert = file.prepare(
    "INSERT INTO inbox (sender, id, type, sealed_body, sent_at, received_at, stage) VALUES (?, ?, 'message', ?, 1, 2, ?)",
  );
  for (const [id, stage] of [
    ["a", 0],
    ["b", 1],
    ["c", 2],
  ] as const) {
    insert.run("did:key:lap", id, cipher.seal({ from: "did:key:lap", id, type: "message" }, `{"text":"${id}"}`), stage);
  }
  file.close();
  await runUntilKilled(opening("migrating", 1));
  using between = new DatabaseSync(join(folder, "hikyaku.db"));
  expect(between.prepare("PRAGMA user_version").get()).toEqual({ user_version: 1 });
  expect(between.prepare("SELECT id, stage FROM inbox").all()).toHaveLength(3);
  between.close();
  using database = openDatabase(folder);
  const bodies = (await new SqliteInbox(database, storageKey).list({ type: "message", limit: 10 })).map(
    ({ body, stage }) => `${stage} ${body}`,
  );
  expect(bodies).toEqual(['stored {"text":"a"}', 'delivered {"text":"b"}', 'handled {"text":"c"}']);
});
