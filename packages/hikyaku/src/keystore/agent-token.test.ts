import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keepAgentToken } from "./agent-token.ts";
import { isControlToken } from "./control-token.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-token-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a token is made at its first use, stays, and is another one for another agent", async () => {
  const first = await keepAgentToken(folder, "agent", false);
  expect(isControlToken(first.token)).toBe(true);
  expect(await keepAgentToken(folder, "agent", false)).toEqual(first);
  expect((await keepAgentToken(folder, "helper", false)).token).not.toBe(first.token);
});

test("two that begin at once get the same token", async () => {
  const kept = await Promise.all(Array.from({ length: 8 }, () => keepAgentToken(folder, "agent", false)));
  expect(new Set(kept.map(({ token }) => token)).size).toBe(1);
});

test("a new token takes the place of the old one, also of a damaged one", async () => {
  const old = await keepAgentToken(folder, "agent", false);
  const { token } = await keepAgentToken(folder, "agent", true);
  expect(token).not.toBe(old.token);
  expect((await keepAgentToken(folder, "agent", false)).token).toBe(token);
  writeFileSync(old.path, "00\n");
  await expect(keepAgentToken(folder, "agent", false)).rejects.toMatchObject({
    code: "KEY_FILE",
    message: expect.stringContaining("--new-token"),
  });
  await keepAgentToken(folder, "agent", true);
  expect(isControlToken((await keepAgentToken(folder, "agent", false)).token)).toBe(true);
});

test("the file is its owner's alone, and one that others may read is refused", async () => {
  const { path, token } = await keepAgentToken(folder, "agent", false);
  expect([path, readFileSync(path, "utf8")]).toEqual([join(folder, "mcp", "agent.token"), `${token}\n`]);
  expect([statSync(path).mode & 0o777, statSync(join(folder, "mcp")).mode & 0o777]).toEqual([0o600, 0o700]);
  chmodSync(path, 0o644);
  await expect(keepAgentToken(folder, "agent", false)).rejects.toMatchObject({
    code: "KEY_FILE",
    message: expect.stringContaining("chmod 600"),
  });
});

test("a folder that others may enter gets no token", async () => {
  chmodSync(folder, 0o755);
  await expect(keepAgentToken(folder, "agent", false)).rejects.toMatchObject({ code: "KEY_FILE" });
});
