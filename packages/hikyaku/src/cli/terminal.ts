/** Where a command writes: text for people, or JSON for programs. What others wrote reaches the terminal only with its control characters made visible. */
import { HikyakuError } from "@hikyaku/protocol";
import { visible, visibleJson } from "../text/visible.ts";
import { type InputLines, standardInput } from "./input-lines.ts";

export interface Terminal {
  readonly isJson: boolean;
  /** One result: a line of text, or the value as one line of JSON. Resolves once it is out; rejects with STORAGE_FAILED where nobody takes it. */
  show(text: string, value: unknown): Promise<void>;
  /** A value that is JSON for people and programs alike. */
  result(value: unknown): Promise<void>;
  /** A line for people only. */
  say(text: string): Promise<void>;
  /** A yes-or-no question; anything but yes, the end of the input included, is no. The signal takes the question back. */
  confirm(question: string, signal: AbortSignal): Promise<boolean>;
  /** A line of text, for what must not stand on the command line; empty at the end of the input. */
  ask(question: string): Promise<string>;
  /** Whether somebody can answer a question at all. */
  canAnswer(): Promise<boolean>;
}

export function createTerminal(isJson: boolean): Terminal {
  let lines: InputLines | undefined;
  const input = (): InputLines => {
    lines ??= standardInput();
    return lines;
  };
  const ask = async (question: string, signal?: AbortSignal): Promise<string> =>
    (await input().next(`${question} `, !isJson, signal)).trim();
  return {
    isJson,
    show: (text, value) => print(isJson ? visibleJson(value) : visibleLines(text)),
    result: (value) => print(visibleJson(value)),
    say: async (text) => (isJson ? undefined : await print(visibleLines(text))),
    confirm: async (question, signal) => /^y(?:es)?$/i.test(await ask(`${question} [y/N]`, signal)),
    ask,
    canAnswer: () => input().mayCome(),
  };
}

function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${text}\n`, (cause) => {
      if (cause == null) resolve();
      else
        reject(
          new HikyakuError("STORAGE_FAILED", `The output could not be written (${(cause as NodeJS.ErrnoException).code}).`, { cause }),
        );
    });
  });
}

/** A day and time of this machine's zone: `Thu 18:44:07`. */
export const shortTime = (ms: number): string => {
  const [day = ""] = new Date(ms).toString().split(" ");
  return `${day} ${new Date(ms).toTimeString().slice(0, 8)}`;
};

/** Line by line, so that no caller can forget it. */
const visibleLines = (text: string): string => text.split("\n").map(visible).join("\n");
