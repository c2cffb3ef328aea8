import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import { silentLog } from "@hikyaku/peer";
import { failureOf } from "@hikyaku/testkit";
import { afterEach, expect, test, vi } from "vitest";
import { wakeCommand } from "./wake-command.ts";

afterEach(() => vi.restoreAllMocks());

const from = { did: "did:key:lap", name: "lap", trust: "trusted" } as const;
const call = (start: typeof spawn) => {
  const command = [process.execPath, "-e", "setTimeout(() => {}, 5000)"];
  const wake = wakeCommand({ command, folder: ".", environment: {}, log: silentLog, timeoutMs: 1000, start });
  return failureOf(wake({ from, signal: new AbortController().signal }));
};

/** What Node gives where the system has no place for another file: a process without a standard input, and soon an error. */
const starved = (() => {
  const child = new EventEmitter();
  process.nextTick(() => child.emit("error", Object.assign(new Error("spawn"), { code: "EMFILE" })));
  return child as ChildProcess;
}) as typeof spawn;

test("where the system has no place for another file the call has failed, and this peer goes on [WAKE-4]", async () => {
  expect(await call(starved)).toMatchObject({ code: "INTERNAL_ERROR", message: expect.stringContaining("EMFILE") });
});

test("a program that became another user's cannot be ended, and the call has failed all the same [WAKE-4]", async () => {
  vi.spyOn(process, "kill").mockImplementation(() => {
    throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
  });
  expect(await call(spawn)).toMatchObject({ code: "INTERNAL_ERROR", message: expect.stringContaining("took too long") });
});
