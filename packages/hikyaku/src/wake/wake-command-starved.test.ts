import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import { silentLog } from "@hikyaku/peer";
import { failureOf } from "@hikyaku/testkit";
import { afterEach, expect, test, vi } from "vitest";
import { wakeCommand } from "./wake-command.ts";

vi.mock("node:child_process", async (load) => {
  const real = await load<{ readonly spawn: typeof spawn }>();
  return { ...real, spawn: vi.fn<typeof spawn>(real.spawn) };
});
afterEach(() => vi.restoreAllMocks());

const from = { did: "did:key:lap", name: "lap", trust: "trusted" } as const;
const wake = wakeCommand({
  command: [process.execPath, "-e", "setTimeout(() => {}, 5000)"],
  folder: ".",
  environment: {},
  log: silentLog,
  timeoutMs: 1000,
});
const call = () => failureOf(wake({ from, signal: new AbortController().signal }));

test("where the system has no place for another file the call has failed, and this peer goes on [WAKE-4]", async () => {
  vi.mocked(spawn).mockImplementationOnce(() => {
    const child = new EventEmitter();
    process.nextTick(() => child.emit("error", Object.assign(new Error("spawn"), { code: "EMFILE" })));
    return child as ChildProcess;
  });
  expect(await call()).toMatchObject({ code: "INTERNAL_ERROR", message: expect.stringContaining("EMFILE") });
});

test("a program that became another user's cannot be ended, and the call has failed all the same [WAKE-4]", async () => {
  vi.spyOn(process, "kill").mockImplementation(() => {
    throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
  });
  expect(await call()).toMatchObject({ code: "INTERNAL_ERROR", message: expect.stringContaining("took too long") });
});
