/** The installed program as a person runs it: one process a call, and two that stay up. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../packages/hikyaku/dist/cli/main.js", import.meta.url));
const callMsMax = 60_000;

/** A data folder with the program at hand. */
export class Station implements AsyncDisposable {
  readonly name: string;
  readonly #folder: string;
  #up: ChildProcess | undefined;

  constructor(name: string, folder: string) {
    this.name = name;
    this.#folder = folder;
  }

  /** Runs one command and resolves with the last JSON value that it printed; rejects with its sentence. */
  async run<Value>(...words: readonly string[]): Promise<Value> {
    return (await this.runThrough<Value>(...words)).at(-1) as Value;
  }

  /** Runs one command and resolves with every JSON value that it printed; rejects with its sentence. */
  async runThrough<Value>(...words: readonly string[]): Promise<readonly Value[]> {
    const child = this.#spawn(words);
    const lines = readLines(child);
    const errors = collect(child.stderr);
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0 || lines.length === 0) throw new Error(`hikyaku ${words.join(" ")} on ${this.name}: exit ${code}: ${errors().trim()}`);
    return lines.map((line) => JSON.parse(line) as Value);
  }

  /** Starts a command that goes on; `first` is the first JSON value that it prints, `last` the last one before it ended well, which `stop` asks it to do as Ctrl-C would. */
  follow<First, Last>(
    ...words: readonly string[]
  ): { readonly first: Promise<First>; readonly last: Promise<Last>; readonly stop: () => void } {
    const child = this.#spawn(words);
    const lines = readLines(child);
    const errors = collect(child.stderr);
    const first = Promise.withResolvers<First>();
    const last = Promise.withResolvers<Last>();
    child.stdout?.once("data", () => setImmediate(() => first.resolve(JSON.parse(lines[0] ?? "null") as First)));
    child.once("close", (code) => {
      const failure = new Error(`hikyaku ${words.join(" ")} on ${this.name}: exit ${code}: ${errors().trim()}`);
      if (code === 0) last.resolve(JSON.parse(lines.at(-1) ?? "null") as Last);
      else last.reject(failure);
      first.reject(failure);
    });
    last.promise.catch(() => undefined);
    return { first: first.promise, last: last.promise, stop: () => void child.kill("SIGTERM") };
  }

  /** `hikyaku up`, until this station is disposed. */
  async up(...flags: readonly string[]): Promise<void> {
    const child = this.#spawn(["up", "--control", "127.0.0.1:0", ...flags], { stays: true });
    this.#up = child;
    const errors = collect(child.stderr);
    const isReady = await Promise.race([once(child.stdout ?? child, "data").then(() => true), once(child, "close").then(() => false)]);
    if (!isReady) throw new Error(`${this.name} did not come up: ${errors().trim()}`);
  }

  /** Ends what `up` started, as Ctrl-C would. */
  async down(): Promise<void> {
    const child = this.#up;
    if (child === undefined || child.exitCode !== null) return;
    const closed = once(child, "close");
    child.kill("SIGTERM");
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  #spawn(words: readonly string[], { stays = false } = {}): ChildProcess {
    const [command = "", ...rest] = words;
    const child = spawn(process.execPath, [main, command, "--folder", this.#folder, "--json", ...rest], {
      stdio: ["ignore", "pipe", "pipe"],
      ...(stays ? {} : { timeout: callMsMax }),
    });
    return child;
  }
}

function readLines({ stdout }: ChildProcess): readonly string[] {
  const lines: string[] = [];
  let rest = "";
  stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
  });
  return lines;
}

function collect(stream: ChildProcess["stderr"]): () => string {
  let text = "";
  stream?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
