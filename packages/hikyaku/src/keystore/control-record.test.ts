import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ControlRecord, readControlRecord, removeControlRecord, writeControlRecord } from "./control-record.ts";
import { isControlToken, isSameToken, newControlToken } from "./control-token.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-control-"));
  path = join(folder, "control");
});
afterEach(() => rmSync(folder, { recursive: true }));

const makeRecord = (): ControlRecord => ({ pid: 4711, address: { host: "127.0.0.1", port: 7341 }, token: newControlToken() });

test("a record is read as it was written, by its owner only", async () => {
  const record = makeRecord();
  await writeControlRecord(folder, record);
  expect(await readControlRecord(folder)).toEqual(record);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["control"]);
});

test("a new start replaces the record that a crash left, also a damaged one", async () => {
  writeFileSync(path, "{", { mode: 0o644 });
  const record = makeRecord();
  await writeControlRecord(folder, record);
  expect(await readControlRecord(folder)).toEqual(record);
});

test("where no peer is up, a reader is told how to start it", async () => {
  const missing = { code: "UNREACHABLE", message: `The peer in ${folder} is not running: start it with \`hikyaku up\`.` };
  await expect(readControlRecord(folder)).rejects.toMatchObject(missing);
  await writeControlRecord(folder, makeRecord());
  await removeControlRecord(folder);
  await removeControlRecord(folder);
  await expect(readControlRecord(folder)).rejects.toMatchObject(missing);
});

test("a record that others may read is refused", async () => {
  await writeControlRecord(folder, makeRecord());
  chmodSync(path, 0o644);
  await expect(readControlRecord(folder)).rejects.toMatchObject({ code: "KEY_FILE", message: expect.stringContaining("chmod 600") });
});

const token = "00".repeat(32);
test.each([
  ["nothing", ""],
  ["half a record", '{"pid":1,"addr'],
  ["an address of another machine", `{"pid":1,"address":"192.168.1.20:7341","token":"${token}"}\n`],
  ["a short token", '{"pid":1,"address":"127.0.0.1:7341","token":"00"}\n'],
  ["process 0", `{"pid":0,"address":"127.0.0.1:7341","token":"${token}"}\n`],
  ["something behind the end", `{"pid":1,"address":"127.0.0.1:7341","token":"${token}"}\n{}`],
])("a record with %s is refused, and no token leaves the machine", async (_, text) => {
  writeFileSync(path, text, { mode: 0o600 });
  await expect(readControlRecord(folder)).rejects.toMatchObject({ code: "KEY_FILE", message: expect.stringContaining("is damaged") });
});

test("every start has a token of its own, and only the same token passes", () => {
  const [first, second] = [newControlToken(), newControlToken()];
  expect(isControlToken(first)).toBe(true);
  expect(first).not.toBe(second);
  expect(isSameToken(first, first)).toBe(true);
  for (const offered of [second, "", first.slice(1), first.toUpperCase(), `${first}\0`]) expect(isSameToken(offered, first)).toBe(false);
});
