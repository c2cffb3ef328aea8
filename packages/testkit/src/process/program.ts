/**
 * A program under test, run as the real process that a person would start: arguments and standard input go in, output and exit code come out. Every wait
 * is bounded, and whatever is still alive when its test ends is killed by its process number.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

export interface Outcome {
  /** `null` where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Beside the program's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The whole of standard input; it ends at once where this is left out. */
  readonly stdin?: string | Uint8Array;
  /** How long it may take before it is killed, which fails the test. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

export interface ProgramSettings {
  readonly command: string;
  /** What stands before the arguments of every run. */
  readonly prefix: readonly string[];
  /** All that the program sees of the environment. */
  readonly env: Readonly<Record<string, string>>;
}

const timeoutMsDefault = 30_000;

export class Program {
  readonly #settings: ProgramSettings;

  constructor(settings: ProgramSettings) {
    this.#settings = settings;
  }

  /** Runs it to its end. Rejects where it takes too long. */
  async run(words: readonly string[], { stdin = "", timeoutMs = timeoutMsDefault, ...options }: RunOptions = {}): Promise<Outcome> {
    await using running = this.#spawn(words, options);
    running.endInput(stdin);
    return await running.outcome(timeoutMs);
  }

  /** Starts it and resolves once its output matches `ready`; rejects with all it said where it ends before. Its input stays open. */
  async start(
    words: readonly string[],
    ready: RegExp,
    { timeoutMs = timeoutMsDefault, ...options }: RunOptions = {},
  ): Promise<RunningProgram> {
    const running = this.#spawn(words, options);
    try {
      await running.untilOutput(ready, timeoutMs);
      return running;
    } catch (error) {
      await running[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The whole command line, for who starts programs by themselves. */
  lineOf(words: readonly string[]): { readonly command: string; readonly words: readonly string[] } {
    const { command, prefix } = this.#settings;
    return { command, words: [...prefix, ...words] };
  }

  #spawn(words: readonly string[], { env, cwd }: RunOptions): RunningProgram {
    const { command, prefix, env: own } = this.#settings;
    return new RunningProgram(spawn(command, [...prefix, ...words], { env: { ...own, ...env }, ...(cwd === undefined ? {} : { cwd }) }));
  }
}

export class RunningProgram implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<Pick<Outcome, "code" | "signal">>;
  readonly #listeners = new Set<() => void>();
  #stdout = "";
  #stderr = "";
  #hasEnded = false;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        this.#hasEnded = true;
        resolve({ code, signal });
        this.#tell();
      });
    });
    this.#ended.catch(() => this.#tell());
    // A program that ends without reading its input is within its rights.
    child.stdin.on("error", () => undefined);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      this.#tell();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(text: string | Uint8Array = ""): void {
    this.#child.stdin.end(text);
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  /** Resolves with the match once the output so far matches. */
  async untilOutput(pattern: RegExp, timeoutMs: number = timeoutMsDefault): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.#stdout);
        if (match !== null) resolve(match);
        else if (this.#hasEnded) reject(new Error(`The program ended before it said ${pattern}:\n${this.#stdout}\n${this.#stderr}`));
        else return;
        this.#listeners.delete(look);
      };
      this.#listeners.add(look);
      look();
    });
    return await this.#within(found, timeoutMs, `say ${pattern}`);
  }

  /** Resolves with how it ended, once it has. */
  async outcome(timeoutMs: number = timeoutMsDefault): Promise<Outcome> {
    const ended = await this.#within(this.#ended, timeoutMs, "end");
    return { ...ended, stdout: this.#stdout, stderr: this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.#ended.catch(() => undefined);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #within<Value>(promise: Promise<Value>, timeoutMs: number, what: string): Promise<Value> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`The program did not ${what} within ${timeoutMs} ms:\n${this.#stdout}\n${this.#stderr}`)),
      timeoutMs,
    );
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
