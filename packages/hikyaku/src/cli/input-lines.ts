/**
 * What a person says to a command, line by line: at a terminal, or through a pipe or a file. Of a piped input only the line that was asked for is used, so that
 * a link and the answer to the question after it can come in one input.
 */
import { createInterface } from "node:readline/promises";
import type { Readable } from "node:stream";
import { limits } from "@hikyaku/protocol";

export interface InputLines {
  /** The next line, without its end; empty where the input is at its end or the signal aborts. `isShown` prints the question. */
  next(question: string, isShown: boolean, signal?: AbortSignal): Promise<string>;
  /** Whether a line is there or may still come; false where nobody can say anything any more. */
  mayCome(): Promise<boolean>;
}

/** How long an input may take to say that it is at its end: an empty one does so at once, and an open pipe never. */
const endMsMax = 200;

export const standardInput = (): InputLines => (process.stdin.isTTY ? atTerminal : new PipedLines(process.stdin));

const atTerminal: InputLines = {
  mayCome: async () => true,
  next: async (question, isShown, signal) => {
    const lines = createInterface({ input: process.stdin, output: isShown ? process.stdout : undefined });
    // On a terminal readline takes Ctrl-C for itself; whoever listens for the signal wants it.
    lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
    try {
      const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
      const answer = signal === undefined ? lines.question(question) : lines.question(question, { signal });
      return await Promise.race([answer.catch(() => ""), ended]);
    } finally {
      lines.close();
    }
  },
};

export class PipedLines implements InputLines {
  readonly #input: Readable;
  #text = "";
  #hasEnded = false;
  #changed: () => void = () => undefined;

  constructor(input: Readable) {
    this.#input = input;
    const end = (): void => {
      this.#hasEnded = true;
      this.#changed();
    };
    input.setEncoding("utf8").on("end", end).on("close", end).on("error", end);
    input.on("data", (text: string) => {
      this.#text += text;
      // Here and not where it is waited for: an input may give more and more without a pause in between.
      input.pause();
      this.#changed();
    });
    input.pause();
  }

  async mayCome(): Promise<boolean> {
    if (this.#text === "" && !this.#hasEnded) await this.#more(endMsMax);
    return this.#text !== "" || !this.#hasEnded;
  }

  async next(question: string, isShown: boolean, signal?: AbortSignal): Promise<string> {
    if (isShown) process.stdout.write(question);
    signal?.addEventListener("abort", () => this.#changed(), { once: true });
    while (!this.#hasLine() && signal?.aborted !== true) await this.#more();
    if (!this.#hasLine()) return "";
    const [line = "", ...others] = this.#text.split("\n");
    this.#text = others.join("\n");
    return line;
  }

  /** A line longer than any that is asked for is cut there, so that an endless one holds no memory. */
  #hasLine(): boolean {
    return this.#hasEnded || this.#text.includes("\n") || this.#text.length > limits.pairingLinkLengthMax;
  }

  /** Resolves once there is more of the input, or its end has come. Between these the input rests, and keeps no program running. */
  async #more(msMax?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = msMax === undefined ? undefined : setTimeout(resolve, msMax);
    this.#changed = resolve;
    this.#input.resume();
    await promise;
    this.#input.pause();
    clearTimeout(timer);
  }
}
