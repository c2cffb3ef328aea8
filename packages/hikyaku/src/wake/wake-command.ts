/**
 * Wakes an agent up by running a program (spec WAKE-4). The owner chose the program and its arguments; what the caller says goes to its standard input as JSON, where no
 * shell and no argument list can mistake it for an instruction. The program may leave others running behind it: those are what was woken up.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import type { Log, Wake } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import { callText } from "./call-text.ts";

export interface WakeCommandSettings {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Where it runs. */
  readonly folder: string;
  /** All that it sees of the environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly log: Log;
  /** After which its process group is ended. */
  readonly timeoutMs?: number;
}

type Child = ChildProcessByStdio<Writable, null, null>;

export function wakeCommand({ command, folder, environment, log, timeoutMs = limits.wakeCommandMsMax }: WakeCommandSettings): Wake {
  const [program = "", ...args] = command;
  return async (call) => {
    const child = spawn(program, args, { cwd: folder, env: environment, stdio: ["pipe", "ignore", "ignore"], detached: true });
    // Whoever does not read its input is within its rights.
    child.stdin.on("error", () => undefined);
    child.stdin.end(callText(call));
    const problem = await outcomeOf(child, AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]));
    child.stdin.destroy();
    if (problem === undefined) return;
    log.write("error", "wake.command", { problem });
    throw new HikyakuError("INTERNAL_ERROR", `The wake command ${problem}.`);
  };
}

/** What went wrong, if anything did. */
function outcomeOf(child: Child, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const stop = (): void => {
      endGroup(child);
      resolve("took too long, or the peer was closed");
    };
    const settle = (problem: string | undefined): void => {
      signal.removeEventListener("abort", stop);
      resolve(problem);
    };
    signal.addEventListener("abort", stop, { once: true });
    child.once("error", (error) => settle(`could not be started (${(error as NodeJS.ErrnoException).code ?? error.name})`));
    child.once("exit", (code, ended) => settle(code === 0 ? undefined : `ended with ${code === null ? String(ended) : `code ${code}`}`));
    if (signal.aborted) stop();
  });
}

/** The program and what it started, as far as that stayed in its group. */
function endGroup({ pid }: Child): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // It ended by itself in this very moment.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
