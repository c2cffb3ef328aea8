import { mkdtempSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HikyakuError } from "@hikyaku/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import type { Sql } from "./sql.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-database-"));
  path = join(folder, "hikyaku.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

const refused = (message: string) =>
  expect.objectContaining({ name: "HikyakuError", code: "STORAGE_FAILED", message: expect.stringContaining(message) });
const countPeers = (): unknown => {
  using database = openDatabase(folder);
  return database.read((sql) => sql.get`SELECT count(*) AS peers FROM peers`)?.["peers"];
};
/** A key that is not 32 bytes long breaks a rule of the table. */
const addPeer =
  (name: string, keyBytes = 32) =>
  (sql: Sql): unknown =>
    sql.run`INSERT INTO peers VALUES (${name}, zeroblob(${keyBytes}), ${name}, 'seen', '[]', '[]', '1.0', 1)`.changes;
const execIn = (sql: string): void => {
  using file = new DatabaseSync(path);
  file.exec(sql);
};

test("the database and the files beside it are readable by their owner only [KEY-2]", async () => {
  using database = openDatabase(folder);
  await database.change(addPeer("a"));
  for (const name of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(name).mode & 0o777).toBe(0o600);
});

test("a commit is synced in full, in WAL mode [BOX-1]", () => {
  using database = openDatabase(folder);
  const pragmas = database.read((sql) => [sql.get`PRAGMA journal_mode`, sql.get`PRAGMA synchronous`, sql.get`PRAGMA foreign_keys`]);
  expect(pragmas).toEqual([{ journal_mode: "wal" }, { synchronous: 2 }, { foreign_keys: 1 }]);
});

test("a newer hikyaku's database is refused and left as it is", () => {
  countPeers();
  execIn("PRAGMA user_version = 1000");
  const before = readFileSync(path);
  expect(countPeers).toThrow(refused("was written by a newer hikyaku (shape 1000; this one knows 7): install that version"));
  expect(readFileSync(path)).toEqual(before);
});

test("another program's database is refused and left as it is", () => {
  execIn("CREATE TABLE theirs (a)");
  const before = readFileSync(path);
  expect(countPeers).toThrow(refused("is the database of another program"));
  expect(readFileSync(path)).toEqual(before);
});

test("a file that is no database is refused and never made anew", () => {
  writeFileSync(path, "garbage ".repeat(1000));
  const before = readFileSync(path);
  expect(countPeers).toThrow(refused(`${path} is damaged or no database: restore it from a backup`));
  expect(readFileSync(path)).toEqual(before);
});

test("a database cut short or damaged inside is refused and never made anew", () => {
  countPeers();
  truncateSync(path, 5000);
  expect(countPeers).toThrow(refused("is damaged: restore it from a backup"));
  rmSync(path);
  countPeers();
  const file = openSync(path, "r+");
  // Everything behind the header of the first page, which holds the schema.
  writeSync(file, Buffer.alloc(3000, 0xff), 0, 3000, 100);
  expect(countPeers).toThrow(refused("is damaged: restore it from a backup"));
});

test("a folder that is missing is named", () => {
  expect(() => openDatabase(join(folder, "nowhere"))).toThrow(refused(join(folder, "nowhere")));
});

test("a refusal inside a batch leaves the changes beside it", async () => {
  using database = openDatabase(folder);
  const refusal = new HikyakuError("INVALID_ARGUMENT", "no");
  const outcomes = await Promise.allSettled([
    database.change(addPeer("a")),
    database.change(() => {
      throw refusal;
    }),
    database.change((sql) => sql.run`UPDATE peers SET name = 'b'`.changes),
  ]);
  expect(outcomes).toEqual([
    { status: "fulfilled", value: 1 },
    { status: "rejected", reason: refusal },
    { status: "fulfilled", value: 1 },
  ]);
});

test("a failure inside a batch takes back the whole batch and tells everybody in it", async () => {
  using database = openDatabase(folder);
  const outcomes = await Promise.allSettled([database.change(addPeer("a")), database.change(addPeer("b", 31))]);
  expect(outcomes).toEqual([
    { status: "rejected", reason: refused("nothing was changed") },
    { status: "rejected", reason: refused("nothing was changed") },
  ]);
  expect(countPeers()).toBe(0);
});

test("of a large burst the first are told before the last are written, and few commits are enough for all", async () => {
  let commits = 0;
  using database = openDatabase(folder, { at: (point) => void (commits += Number(point === "committed")) });
  const commitsSeen = await Promise.all(Array.from({ length: 1200 }, (_, at) => database.change(addPeer(`${at}`)).then(() => commits)));
  expect([commitsSeen[0], commitsSeen[511], commitsSeen[512], commitsSeen[1199]]).toEqual([1, 1, 2, 3]);
});

test("closing commits what waits, however much it is, and afterwards changes and queries are refused", async () => {
  const database = openDatabase(folder);
  const waiting = Array.from({ length: 1200 }, (_, at) => database.change(addPeer(`${at}`)));
  database.close();
  database.close();
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => 1));
  expect(countPeers()).toBe(1200);
  expect(() => database.read((sql) => sql.get`SELECT 1`)).toThrow(refused("could not be used"));
  await expect(database.change(() => 1)).rejects.toEqual(refused("could not be used"));
});
