/** A program of the bench in a process of its own: it is asked over IPC, measures for itself, and is ended by its process number. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Answer, Question } from "./questions.ts";

const answerMsMax = 10 * 60_000;
const endMsMax = 10_000;

/** Whatever ends the bench ends its helpers, too. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class Helper implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;

  /** What the program prints goes where our errors go: standard output is the table's. */
  constructor(program: URL, words: readonly string[] = []) {
    const child = fork(fileURLToPath(program), words, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#child = child;
    running.add(child);
    child.on("message", (answer: Answer) => this.#settle(answer));
    child.once("error", (error) => this.#failAll(error));
    child.once("exit", (code, signal) => {
      running.delete(child);
      this.#failAll(new Error(`the helper process ended (${code ?? signal}) before it answered`));
    });
  }

  /** Resolves with the helper's answer; rejects with its failure, or where it ends or takes too long. */
  async ask<Value>(name: string, details?: unknown): Promise<Value> {
    this.#asked += 1;
    const question: Question = { id: this.#asked, name, details };
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(question.id, waiting);
    const late = setTimeout(() => waiting.reject(new Error(`no answer to ${name} within ${answerMsMax} ms`)), answerMsMax);
    this.#child.send(question, (error) => error !== null && waiting.reject(error));
    try {
      return (await waiting.promise) as Value;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(question.id);
    }
  }

  /** Without a channel it ends by itself, so that what it must close or write down gets done. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!running.has(this.#child)) return;
    // Not "close": once this side has disconnected, that event does not come.
    const ended = once(this.#child, "exit");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), endMsMax);
    if (this.#child.connected) this.#child.disconnect();
    await ended;
    clearTimeout(late);
  }

  #settle({ id, value, failure }: Answer): void {
    const waiting = this.#waiting.get(id);
    if (failure === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(failure));
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
