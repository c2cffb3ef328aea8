/** `hikyaku up` on a database that it cannot use: it says what is wrong and what to do, and makes nothing anew. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { runHere, type Said } from "@hikyaku/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../store/database.ts";
import { run } from "./program.ts";

const here = runHere(run);
let folder: string;
let path: string;
beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), "hikyaku-database-")), "desk");
  path = join(folder, "hikyaku.db");
  await here(["init", "--folder", folder, "--name", "desk"]);
  openDatabase(folder).close();
});
afterEach(() => rmSync(join(folder, ".."), { recursive: true }));

const up = (): Promise<Said> => here(["up", "--folder", folder, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
const wayOut = "restore it from a backup, or move it away to begin without known peers and messages.\n";

test.each([
  ["is overwritten", (whole: Buffer) => Buffer.from(whole).fill("garbage "), "is damaged or no database"],
  ["is cut short", (whole: Buffer) => whole.subarray(0, 5000), "is damaged"],
  ["is damaged inside", (whole: Buffer) => Buffer.from(whole).fill(0x5a, 4096, 4596), "is damaged"],
  ["is emptied to a stump", (whole: Buffer) => whole.subarray(0, 10), "is damaged"],
] as const)("a database that %s: exit code 6, the way out, and the file as it was [CLI-2]", async (_, damage, found) => {
  const damaged = damage(readFileSync(path));
  writeFileSync(path, damaged);
  expect(await up()).toEqual({ code: 6, stdout: "", stderr: `hikyaku: ${path} ${found}: ${wayOut}` });
  expect(readFileSync(path).equals(damaged)).toBe(true);
  expect(readdirSync(folder)).not.toContain("control");
});

test("a database that another program holds: exit code 6 and the way out, and it is used again when that program is gone [CLI-2]", async () => {
  const whole = readFileSync(path);
  using other = new DatabaseSync(path);
  other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE outbox_totals SET count = 0");
  const stderr = `hikyaku: ${path} is held by another program: close that program and try again.\n`;
  expect(await up()).toEqual({ code: 6, stdout: "", stderr });
  other.exec("ROLLBACK");
  other.close();
  expect(readFileSync(path).equals(whole)).toBe(true);
  openDatabase(folder).close();
});
