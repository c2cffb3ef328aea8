/**
 * Wakes an agent up by running a program (spec WAKE-4). The owner chose the program and its arguments; what the caller says goes to its standard input as JSON, where no
 * shell and no argument list can mistake it for an instruction. The program may leave others running behind it: those are what was woken up.
 */
import { type ChildProcess, spawn } from "node:child_process";
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
  /** What starts the program; Node's own unless told. */
  readonly start?: typeof spawn;
}

export function wakeCommand(settings: WakeCommandSettings): Wake {
  const { command, folder, environment, log, timeoutMs = limits.wakeCommandMsMax, start = spawn } = settings;
  const [program = "", ...args] = command;
  return async (call) => {
    const child: ChildProcess = start(program, args, {
      cwd: folder,
      env: environment,
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    const outcome = outcomeOf(child, AbortSignal.any([call.signal, AbortSignal.timeout(timeoutMs)]));
    // Whoever does not read its input is within its rights; where the system has no place for another file there is none.
    child.stdin?.on("error", () => undefined).end(callText(call));
    const problem = await outcome;
    child.stdin?.destroy();
    if (problem === undefined) return;
    log.write("error", "wake.command", { problem });
    throw new HikyakuError("INTERNAL_ERROR", `The wake command ${problem}.`);
  };
}

/** What went wrong, if anything did. */
function outcomeOf(child: ChildProcess, signal: AbortSignal): Promise<string | undefined> {
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
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself in this very moment, or became another user's, whom we cannot stop: neither may end this peer.
  }
}
