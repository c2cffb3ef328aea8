import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type LogLevel, silentLog, type WakeCall } from "@hikyaku/peer";
import { failureOf } from "@hikyaku/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type WakeCommandSettings, wakeCommand } from "./wake-command.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "hikyaku-wake-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

const node = process.execPath;
/** A program that tells of itself in a file. */
const tell = (what: string): readonly string[] => [node, "-e", `require("fs").writeFileSync("told.json", JSON.stringify(${what}))`];
const told = (): unknown => JSON.parse(readFileSync(join(folder, "told.json"), "utf8")) as unknown;
const from = { did: "did:key:lap", name: "lap", trust: "trusted" } as const;
const call = (changes: Partial<WakeCall> = {}): WakeCall => ({ from, signal: new AbortController().signal, ...changes });
const wakeWith = (command: readonly string[], settings: Partial<WakeCommandSettings> = {}) =>
  wakeCommand({ command, folder, environment: { PATH: process.env["PATH"] ?? "" }, log: silentLog, ...settings });
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("the program gets the call on its standard input, and nothing of it as an argument or in its environment [WAKE-4]", async () => {
  const reason = '"; touch hacked; $(touch hacked) `touch hacked` --help';
  const what =
    '{ input: JSON.parse(require("fs").readFileSync(0, "utf8")), args: process.argv.slice(1), env: process.env, cwd: process.cwd() }';
  await wakeWith([...tell(what), "now"], { environment: { LANG: "C" } })(call({ reason }));
  expect(told()).toEqual({ input: { from, reason }, args: ["now"], env: { LANG: "C" }, cwd: folder });
});

test("a call without a reason has none", async () => {
  await wakeWith(tell('JSON.parse(require("fs").readFileSync(0, "utf8"))'))(call());
  expect(told()).toEqual({ from });
});

test("what its output says goes nowhere, however much it is, and whoever reads no input does no harm [WAKE-4]", async () => {
  const loud = 'process.stdin.destroy(); process.stdout.write("x".repeat(1e6)); process.stderr.write("y".repeat(1e6))';
  expect(await wakeWith([node, "-e", loud])(call({ reason: "x" }))).toBeUndefined();
});

test.each<[string, readonly string[], string]>([
  ["ends with another code than 0", [node, "-e", "process.exit(3)"], "ended with code 3"],
  ["is ended by a signal", [node, "-e", 'process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 1e6)'], "ended with SIGTERM"],
  ["is not there", ["./not-here"], "could not be started (ENOENT)"],
  ["may not be run", ["."], "could not be started (EACCES)"],
])("a program that %s has failed, and the owner's log says so [WAKE-4]", async (_, command, problem) => {
  const lines: unknown[] = [];
  const log = { write: (level: LogLevel, event: string, fields: unknown) => lines.push([level, event, fields]) };
  expect(await failureOf(wakeWith(command, { log })(call()))).toMatchObject({ code: "INTERNAL_ERROR" });
  expect(lines).toEqual([["error", "wake.command", { problem }]]);
});

/** Starts another program of its group, and goes on for ever, as the other does: each of them says so again and again. */
const beat = 'setInterval(() => require("fs").appendFileSync("beats", "x"), 10);';
const stubborn = [
  node,
  "-e",
  `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(beat.replace('"x"', '"y"'))}], { stdio: "ignore" });
   process.on("SIGTERM", () => {}); ${beat}`,
];

function beats(): string {
  try {
    return readFileSync(join(folder, "beats"), "utf8");
  } catch {
    return "";
  }
}

/** Until both have said that they run. */
async function untilBoth(): Promise<void> {
  for (let tries = 0; tries < 500 && !(beats().includes("x") && beats().includes("y")); tries += 1) await pause(10);
}

test.each<[string, () => { readonly timeoutMs?: number; readonly signal?: AbortSignal; readonly stop: () => void }]>([
  ["that takes too long", () => ({ timeoutMs: 1500, stop: () => undefined })],
  [
    "whose peer closes",
    () => {
      const closing = new AbortController();
      return { signal: closing.signal, stop: () => closing.abort() };
    },
  ],
])("a program %s is ended with all of its group [WAKE-4]", async (_, arrange) => {
  const { timeoutMs, signal, stop } = arrange();
  const failed = failureOf(wakeWith(stubborn, timeoutMs === undefined ? {} : { timeoutMs })(call(signal === undefined ? {} : { signal })));
  await untilBoth();
  stop();
  expect(await failed).toMatchObject({ code: "INTERNAL_ERROR", message: expect.stringContaining("took too long") });
  const last = beats();
  expect(last).toMatch(/x.*y|y.*x/);
  await pause(100);
  expect(beats()).toBe(last);
});

test("what it leaves running behind it goes on: that is what was woken up", async () => {
  const leave = `const child = require("child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 30e3)"], { stdio: "ignore" });
    child.unref(); require("fs").writeFileSync("told.json", String(child.pid));`;
  await wakeWith([node, "-e", leave])(call());
  const pid = Number(told());
  expect(isAlive(pid)).toBe(true);
  process.kill(pid, "SIGKILL");
});
