import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readPassphraseFile } from "./passphrase-file.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-passphrase-"));
  path = join(folder, "pass");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the passphrase is the file's text without its last line end", async () => {
  for (const end of ["", "\n", "\r\n"]) {
    writeFileSync(path, ` two words ${end}`, { mode: 0o600 });
    expect(await readPassphraseFile(path)).toBe(" two words ");
  }
});

test.each([
  ["empty", "", 0o600, "holds no passphrase"],
  ["a line end only", "\n", 0o600, "holds no passphrase"],
  ["no UTF-8", Uint8Array.of(0xff, 0xfe), 0o600, "holds no passphrase"],
  ["open to others", "canary", 0o644, "chmod 600"],
  ["too long", "x".repeat(5000), 0o600, "is longer than"],
])("a passphrase file that is %s is refused", async (_, text, mode, why) => {
  writeFileSync(path, text, { mode });
  await expect(readPassphraseFile(path)).rejects.toMatchObject({ code: "KEY_FILE", message: expect.stringContaining(why) });
});

test("a missing passphrase file is refused by name", async () => {
  await expect(readPassphraseFile(path)).rejects.toThrow(`There is no passphrase file ${path}`);
});
