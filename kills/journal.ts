/** What a process leaves behind for the judge, whenever it is killed: whole lines in a file that is only ever appended to. */
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";

export class Journal implements Disposable {
  readonly #file: number;

  constructor(path: string) {
    // The line that a kill may have cut short must not swallow the next one.
    if (existsSync(path) && !readFileSync(path, "utf8").endsWith("\n")) appendFileSync(path, "\n");
    this.#file = openSync(path, "a");
  }

  /** Outlives this process once it returns: the system holds it. */
  note(line: string): void {
    writeSync(this.#file, `${line}\n`);
  }

  /** Outlives the machine as well. */
  keep(line: string): void {
    this.note(line);
    fsyncSync(this.#file);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** The words of each line; none where there is no such file. */
export function readJournal(path: string): readonly (readonly string[])[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" "));
}
