import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockFolder } from "./folder-lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const inUse = (): unknown =>
  expect.objectContaining({
    code: "FOLDER_IN_USE",
    message: `${folder} is in use by another hikyaku: stop that one, or choose another folder.`,
  });

const locker = `
  const { lockFolder } = await import(${JSON.stringify(new URL("folder-lock.ts", import.meta.url).href)});
  try {
    lockFolder(process.argv[1]);
    console.log("locked");
    setInterval(() => {}, 1000);
  } catch (error) {
    console.log(error.code);
  }`;

/** A second hikyaku, and the first word it says. */
async function startLocker(): Promise<{ readonly child: ChildProcessWithoutNullStreams; readonly said: string }> {
  const child = spawn(process.execPath, ["--conditions=@hikyaku/source", "--input-type=module", "-e", locker, folder]);
  const [word] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: word.toString().trim() };
}

test("a folder is locked once in one process, and again after its release [KEY-5]", () => {
  const lock = lockFolder(folder);
  expect(() => lockFolder(folder)).toThrow(inUse());
  lock.release();
  lock.release();
  using again = lockFolder(folder);
  expect(again).toBeDefined();
  expect(readdirSync(folder)).toEqual(["lock.db"]);
  expect(statSync(join(folder, "lock.db")).mode & 0o777).toBe(0o600);
});

test("a folder that another process holds is refused, and free again when that process is killed [KEY-5]", async () => {
  const { child, said } = await startLocker();
  expect(said).toBe("locked");
  expect(() => lockFolder(folder)).toThrow(inUse());
  child.kill("SIGKILL");
  await once(child, "exit");
  using lock = lockFolder(folder);
  expect(lock).toBeDefined();
  expect((await startLocker()).said).toBe("FOLDER_IN_USE");
});

test("locks of two folders do not touch each other [KEY-5]", () => {
  const other = mkdtempSync(join(tmpdir(), "hikyaku-lock-"));
  using first = lockFolder(folder);
  using second = lockFolder(other);
  expect(first).not.toBe(second);
  rmSync(other, { recursive: true });
});

test("a lock file that is no database is refused by name", () => {
  writeFileSync(join(folder, "lock.db"), "garbage ".repeat(1000));
  expect(() => lockFolder(folder)).toThrow(
    expect.objectContaining({ code: "STORAGE_FAILED", message: expect.stringContaining("lock.db") }),
  );
});
