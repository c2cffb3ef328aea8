/**
 * A program of this machine, started without a shell and in a process group of its own, so that what it starts in turn ends with it. Asked to stop it is told so (SIGTERM)
 * and ended a while later whether it listens or not (SIGKILL), and so is what it left behind when it ends by itself. What leaves the group on purpose is out of reach.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { Readable } from "node:stream";

export interface ProgramSettings {
  readonly command: string;
  readonly words: readonly string[];
  /** All that it sees of the environment. */
  readonly environment: Readonly<Record<string, string>>;
}

export type ProgramEnd =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "unstarted"; readonly reason: string };

/** Between SIGTERM and SIGKILL. */
const graceMs = 5_000;
/** How long what it wrote may take to be read once it has ended; who holds its output open any longer has left the group. */
const drainMsMax = 5_000;

export class ChildProgram {
  /** Settled once it has ended and nothing of its group is left. */
  readonly ended: Promise<ProgramEnd>;
  readonly #child: ChildProcess;
  #isStopping = false;

  constructor({ command, words, environment }: ProgramSettings) {
    this.#child = spawn(command, words, { env: { ...environment }, stdio: "pipe", detached: true });
    // A program that ends without reading its input is within its rights.
    this.#child.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error: NodeJS.ErrnoException) => {
        if (this.#child.pid === undefined) resolve({ kind: "unstarted", reason: error.code ?? error.name });
      });
      this.#child.once("exit", (code, signal) => {
        this.#signal("SIGKILL");
        setTimeout(() => this.#child.stdout?.destroy(), drainMsMax).unref();
        resolve(code === null ? { kind: "killed", signal: signal ?? "a signal" } : { kind: "exited", code });
      });
    });
  }

  /** None where it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Written for it, and not read by it so far. */
  get unreadBytes(): number {
    return this.#child.stdin?.writableLength ?? 0;
  }

  get stdout(): Readable {
    // Where the system has no place for another file there is none.
    return this.#child.stdout ?? Readable.from([]);
  }

  get stderr(): Readable {
    return this.#child.stderr ?? Readable.from([]);
  }

  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Tells the whole group to end, and sees to it. */
  stop(): void {
    if (this.#isStopping || !this.#isRunning) return;
    this.#isStopping = true;
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.kill(), graceMs);
    void this.ended.then(() => clearTimeout(timer));
  }

  /** Ends the whole group at once. */
  kill(): void {
    if (this.#isRunning) this.#signal("SIGKILL");
  }

  /** Once it has ended, its number may be another's. */
  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  }
}
