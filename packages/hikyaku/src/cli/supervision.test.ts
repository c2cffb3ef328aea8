/** A person at the lap who looks after the desk: two peers that are up, and one command line. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hikyaku, type RunningProgram, runHere, type Said } from "@hikyaku/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { run } from "./program.ts";

vi.setConfig({ testTimeout: 60_000 });

interface Place {
  readonly folder: string;
  readonly up: RunningProgram;
  readonly did: string;
  readonly address: string;
}

let above: string;
let desk: Place;
let lap: Place;
const sayHere = runHere(run);
const at = ({ folder }: Pick<Place, "folder">, ...words: readonly string[]): Promise<Said> => sayHere([...words, "--folder", folder]);

async function settle(name: string, settings: object): Promise<Place> {
  const folder = join(above, name);
  await sayHere(["init", "--folder", folder, "--name", name]);
  writeFileSync(join(folder, "config.json"), JSON.stringify({ name, ...settings }));
  const up = await hikyaku.start(["up", "--folder", folder, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--json"], /\n/);
  const { did, addresses } = JSON.parse(up.stdout) as { readonly did: string; readonly addresses: readonly string[] };
  return { folder, up, did, address: addresses[0] ?? "" };
}

/** Writes down what it was called with, and what it sees of its environment. */
const program = `const { readFileSync, writeFileSync } = require("node:fs");
  writeFileSync("called.json", JSON.stringify({ call: JSON.parse(readFileSync(0, "utf8")), env: Object.keys(process.env) }));`;

beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-supervision-"));
  const wakeCommand = [process.execPath, "-e", program];
  [desk, lap] = await Promise.all([settle("desk", { wakeCommand }), settle("lap", {})]);
  await at(desk, "trust", lap.did, "--name", "lap", "--allow", "wake_up", "--at", lap.address);
  await at(lap, "trust", desk.did, "--name", "desk", "--allow", "message", "--at", desk.address);
}, 60_000);
afterAll(async () => {
  await Promise.all([desk.up[Symbol.asyncDispose](), lap.up[Symbol.asyncDispose]()]);
  rmSync(above, { recursive: true });
});

test("wake runs the program that the other side's owner chose, and says when it is done [WAKE-1] [WAKE-4]", async () => {
  const { code, stdout, stderr } = await at(lap, "wake", "desk", "there is news");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^[0-9a-f-]{36} {2}(?:stored \d+ ms {2})?(?:delivered \d+ ms {2})?handled \d+ ms\n$/);
  const { call, env } = JSON.parse(readFileSync(join(desk.folder, "called.json"), "utf8")) as {
    readonly call: unknown;
    readonly env: readonly string[];
  };
  expect(call).toEqual({ from: { did: lap.did, name: "lap", trust: "trusted" }, reason: "there is news" });
  expect(env).not.toContain("NODE_COMPILE_CACHE");
});

test("whoever may not wake up is refused, and the exit code says so [WAKE-2] [CLI-1]", async () => {
  expect(await at(desk, "wake", "lap")).toMatchObject({
    code: 5,
    stderr: expect.stringMatching(/^hikyaku: lap does not let you .* scope wake_up/),
  });
});

test("status shows what a peer said of itself, oldest first [STATUS-1] [CLI-3]", async () => {
  expect((await at(lap, "status", "desk")).stdout).toMatch(/^desk is \w+.*\nIt has not said how it is\.\n$/);
  await at(desk, "report", "lap", "busy", "page 4\u001b[2J");
  await at(desk, "report", "lap", "idle");
  expect((await at(lap, "status", "desk")).stdout).toMatch(
    /^desk is connected, last heard \w{3} [\d:]{8}\n\w{3} [\d:]{8} {2}busy, page 4\\u\{1b\}\[2J\n\w{3} [\d:]{8} {2}idle\n$/,
  );
  const newest = JSON.parse((await at(lap, "status", "desk", "--limit", "1", "--json")).stdout) as unknown;
  expect(newest).toMatchObject({ name: "desk", health: "connected", reports: [{ state: "idle" }] });
});

test("capabilities shows what programs offer here, and what others offer and take", async () => {
  expect((await at(desk, "capabilities")).stdout).toBe("No program offers a capability here.\n");
  expect(JSON.parse((await at(desk, "capabilities", "--json")).stdout)).toEqual({ capabilities: [] });
  expect((await at(lap, "capabilities", "desk", "--fresh")).stdout).toMatch(
    /^desk offers no capabilities yet\nIt takes from you: .*wake_up.*\nIt takes no tasks from you/,
  );
  expect(JSON.parse((await at(lap, "capabilities", "desk", "--json")).stdout)).toMatchObject({ peer: "desk", from: desk.did });
});

test("watch ends when what it waits for is so, or fails when its time is over [CLI-1]", async () => {
  expect(await at(lap, "watch", "desk", "--until", "connected")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^[\d:]{8} {2}desk connected\n[\d:]{8} {2}desk says: idle\n$/),
  });
  expect(await at(lap, "watch", "desk", "--until", "silent", "--timeout", "0.1")).toMatchObject({
    code: 4,
    stderr: "hikyaku: desk did not become silent within 0.1 s.\n",
  });
  expect((await at(lap, "watch", "desk", "--timeout", "0.1")).code).toBe(0);
  expect((await at(lap, "watch", "desk", "nobody")).code).toBe(2);
});

test("watch tells what happens while it happens, and calls a peer that has gone to come up", async () => {
  await using watching = await hikyaku.start(["watch", "desk", "--wake", "--json", "--folder", lap.folder], /"presence":"connected"/);
  await at(desk, "report", "lap", "busy", "page 5");
  await watching.untilOutput(/"state":"busy","detail":"page 5"/);
  desk.up.kill("SIGTERM");
  await desk.up.outcome();
  await watching.untilOutput(/"event":"wake".*\n/);
  const news = watching.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(news.slice(-2)).toMatchObject([
    { peer: "desk", event: "presence", presence: "silent" },
    { peer: "desk", event: "wake", stage: "queued", id: expect.any(String) },
  ]);
  watching.kill("SIGINT");
  expect(await watching.outcome()).toMatchObject({ signal: "SIGINT", stderr: "" });
  expect((await at(lap, "watch", "desk", "--until", "silent")).code).toBe(0);
});
