/** Where a command writes: text for people, or JSON for programs. What others wrote reaches the terminal only with its control characters made visible. */
import { createInterface } from "node:readline/promises";

export interface Terminal {
  readonly isJson: boolean;
  /** One result: a line of text, or the value as one line of JSON. */
  show(text: string, value: unknown): void;
  /** A line for people only. */
  say(text: string): void;
  /** A yes-or-no question; anything but yes, the end of the input included, is no. */
  confirm(question: string): Promise<boolean>;
}

export function createTerminal(isJson: boolean): Terminal {
  return {
    isJson,
    show: (text, value) => void process.stdout.write(`${isJson ? JSON.stringify(value) : text}\n`),
    say: (text) => void (isJson ? undefined : process.stdout.write(`${text}\n`)),
    confirm: async (question) => {
      const lines = createInterface({ input: process.stdin, output: isJson ? undefined : process.stdout });
      try {
        const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
        return /^y(?:es)?$/i.test((await Promise.race([lines.question(`${question} [y/N] `), ended])).trim());
      } finally {
        lines.close();
      }
    },
  };
}

/** Control, bidirectional and other invisible characters as `\u{…}`: a message must not move the cursor, hide text or fake a line of ours. */
export const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
