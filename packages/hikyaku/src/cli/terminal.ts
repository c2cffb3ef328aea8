/** Where a command writes: text for people, or JSON for programs. What others wrote reaches the terminal only with its control characters made visible. */
import { createInterface } from "node:readline/promises";
import { HikyakuError } from "@hikyaku/protocol";

export interface Terminal {
  readonly isJson: boolean;
  /** One result: a line of text, or the value as one line of JSON. Resolves once it is out; rejects with STORAGE_FAILED where nobody takes it. */
  show(text: string, value: unknown): Promise<void>;
  /** A line for people only. */
  say(text: string): Promise<void>;
  /** A yes-or-no question; anything but yes, the end of the input included, is no. */
  confirm(question: string): Promise<boolean>;
}

export function createTerminal(isJson: boolean): Terminal {
  return {
    isJson,
    show: (text, value) => print(isJson ? visibleJson(value) : visibleLines(text)),
    say: async (text) => (isJson ? undefined : await print(visibleLines(text))),
    confirm: (question) => ask(`${question} [y/N] `, !isJson),
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

async function ask(question: string, isShown: boolean): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: isShown ? process.stdout : undefined });
  // On a terminal readline takes Ctrl-C for itself; whoever listens for the signal wants it.
  lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const answer = lines.question(question).catch(() => "");
    return /^y(?:es)?$/i.test((await Promise.race([answer, ended])).trim());
  } finally {
    lines.close();
  }
}

/** Control, bidirectional and other characters without a shape of their own: a message must not move the cursor, hide text or fake a line of ours. */
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu;

/** As `\u{…}`, for people. */
export const visible = (text: string): string =>
  text.replace(invisible, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);

/** Line by line, so that no caller can forget it. */
const visibleLines = (text: string): string => text.split("\n").map(visible).join("\n");

/** One line of JSON in which they are escaped, for programs, so that it is the same value and still harmless on a screen. */
export const visibleJson = (value: unknown): string =>
  JSON.stringify(value).replace(invisible, (character) =>
    Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`).join(""),
  );
