/** A local MCP server as a real process, in the revisions that servers speak. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { toolServerCommand } from "@hikyaku/testkit";
import type { Progress, Tool } from "@modelcontextprotocol/client";
import { afterAll, describe, expect, test, vi } from "vitest";
import { ToolServer } from "./tool-server.ts";

vi.setConfig({ testTimeout: 60_000 });

const above = mkdtempSync(join(tmpdir(), "hikyaku-tool-server-"));
afterAll(() => rmSync(above, { recursive: true }));
const never = new AbortController().signal;
const patience = { timeout: 20_000 };

function serverOf([command = "", ...words]: readonly string[]) {
  const notes: string[] = [];
  const environment = { PATH: process.env["PATH"] ?? "" };
  const server = new ToolServer({ command, words, environment, version: "1", note: (line) => notes.push(line) });
  const call = (name: string, input: object = {}, signal = never, onProgress: (progress: Progress) => void = () => undefined) =>
    server.call(name, input, { signal, onProgress });
  return { server, notes, call };
}

describe.each([[[]], [["--old"]], [["--old", "--impatient"]]])("with %j", (flags) => {
  test("it lists its tools, does what they do, tells how far it is, and hears that a call is canceled [TOOL-3]", async () => {
    const { server, notes, call } = serverOf(toolServerCommand(...flags));
    await using _ = server;
    await server.connect();
    expect((await server.tools()).map(({ name }) => name)).toContain("echo");
    expect(await call("echo", { text: "a" })).toMatchObject({ kind: "result", result: { content: [{ type: "text", text: "a" }] } });
    const heard: Progress[] = [];
    const end = new AbortController();
    const called = call("slow", { steps: 2, ms: 60_000 }, end.signal, (progress) => heard.push(progress));
    await vi.waitUntil(() => heard.length > 0, patience);
    expect(heard).toEqual([{ progress: 1, total: 2, message: "step 1" }]);
    end.abort("not needed");
    expect(await called).toMatchObject({ kind: "refused" });
    await vi.waitUntil(() => notes.includes("slow was canceled"), patience);
    expect(await call("asks")).toMatchObject({ kind: "refused" });
  });

  test("it tells that its tools have changed, and that it has gone before any call does [TOOL-2] [TOOL-4]", async () => {
    const { server, call } = serverOf(toolServerCommand(...flags, "--memory", join(above, `memory${flags.join("")}`)));
    await using _ = server;
    await server.connect();
    const changes: (readonly Tool[])[] = [];
    const order: string[] = [];
    server.watch({ changed: (tools) => changes.push(tools), gone: () => order.push("gone") });
    await call("becomes", { what: "without echo" });
    await vi.waitUntil(() => changes.length > 0, patience);
    expect(changes[0]?.map(({ name }) => name)).not.toContain("echo");
    const cut = call("hangs").then(({ kind }) => order.push(`call ${kind}`));
    await call("crashes");
    await cut;
    expect(order).toEqual(["gone", "call gone"]);
    expect(await server.ending()).toMatch(/^It ended with code 3\. Its last words: .*about to/);
    expect(await call("echo", { text: "a" })).toEqual({ kind: "gone" });
    server.watch({ changed: () => undefined, gone: () => order.push("gone before") });
    expect(order.at(-1)).toBe("gone before");
    await server.connect();
    expect(await call("echo", { text: "a" })).toMatchObject({ kind: "result" });
  });
});

test.each([[[]], [["--old"]]])(
  "what changes after the tools were chosen and before anybody watches is told to whoever watches: %j [TOOL-2]",
  async (flags) => {
    const { server, call } = serverOf(toolServerCommand(...flags, "--fickle"));
    await using _ = server;
    await server.connect();
    const before = await server.tools();
    await call("echo", { text: "a" });
    await pause(500);
    const changes: (readonly Tool[])[] = [];
    server.watch({ changed: (tools) => changes.push(tools), gone: () => undefined });
    await expect.poll(() => changes.length, { timeout: 10_000 }).toBeGreaterThan(0);
    const echo = (tools: readonly Tool[] = []) => tools.find(({ name }) => name === "echo")?.description;
    expect([echo(before), echo(changes[0])]).toEqual([expect.stringContaining("Says"), "Does something else."]);
  },
);

test("a server whose output is held open when it has gone takes nothing with it from the next one [TOOL-4]", async () => {
  const { server, call } = serverOf(toolServerCommand("--clinging"));
  await using _ = server;
  await server.connect();
  await server.close();
  await server.connect();
  const gone = vi.fn<() => void>();
  server.watch({ changed: () => undefined, gone });
  await pause(6_000);
  expect(gone).not.toHaveBeenCalled();
  expect(await call("echo", { text: "a" })).toMatchObject({ kind: "result" });
});

test("a server that lists tools without end is not listened to for ever [TOOL-5]", async () => {
  const { server } = serverOf(toolServerCommand("--endless"));
  await using _ = server;
  await server.connect();
  await expect(server.tools()).rejects.toMatchObject({ code: "INTERNAL_ERROR", message: expect.stringContaining("8388608 characters") });
});

test("a server that reads nothing is ended before what waits for it fills the memory [TOOL-5]", async () => {
  const { server, call } = serverOf(toolServerCommand());
  await using _ = server;
  await server.connect();
  process.kill(Number((await pidOf(call)) ?? 0), "SIGSTOP");
  const calls = Array.from({ length: 100 }, () => call("echo", { text: "x".repeat(128 * 1024) }));
  expect(await Promise.race([server.ending(), pause(15_000)])).toBe("It left 8388608 bytes unread.");
  const kinds = new Set((await Promise.all(calls)).map(({ kind }) => kind));
  expect(kinds.has("result")).toBe(false);
});

async function pidOf(call: ReturnType<typeof serverOf>["call"]): Promise<string | undefined> {
  const called = await call("starts");
  const [block] = called.kind === "result" ? called.result.content : [];
  return block?.type === "text" ? block.text.split(" ")[0] : undefined;
}
