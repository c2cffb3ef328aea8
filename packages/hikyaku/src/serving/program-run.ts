/** One task, done by a program: it gets the task as one line of JSON on its standard input, and what it writes is what is said of the task. Never without an end. */
import type { Bytes } from "@hikyaku/protocol";
import { ChildProgram, type ProgramSettings } from "./child-program.ts";
import { linesOf, UnfitOutput } from "./output-lines.ts";
import { ProgramOutput, type Said } from "./program-output.ts";

export interface RunSettings extends ProgramSettings {
  /** Its input stays open for the answers to what it asks. */
  readonly isInteractive: boolean;
  /** How long it may take; until the task's deadline unless told. */
  readonly timeoutMs: number | undefined;
}

export interface ProgramTask {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly deadline: number;
}

export interface RunEars {
  /** What the program says before its last word; throws UnfitOutput where that is not understood. */
  readonly tell: (said: Said) => Promise<void>;
  /** What it writes for whoever runs it. */
  readonly note: (line: string) => void;
}

/** The last word on the task; undefined where it was stopped from outside. Rejects where `tell` fails otherwise than with UnfitOutput. */
type Outcome = Said | undefined;

export class ProgramRun {
  readonly outcome: Promise<Outcome>;
  readonly #settings: RunSettings;
  readonly #ears: RunEars;
  readonly #child: ChildProgram;
  /** Why we ended it, if we did. */
  #verdict: { readonly said: Outcome } | undefined;

  constructor(task: ProgramTask, settings: RunSettings, ears: RunEars) {
    this.#settings = settings;
    this.#ears = ears;
    this.#child = new ChildProgram({ ...settings, environment: { ...settings.environment, HIKYAKU_TASK: task.id } });
    this.#child.write(JSON.stringify(task));
    if (!settings.isInteractive) this.#child.endInput();
    this.outcome = this.#go(task);
  }

  /** The answer to what it asked. */
  answer(answer: unknown): void {
    this.#child.write(JSON.stringify({ answer }));
  }

  /** The task has ended otherwise. */
  stop(): void {
    this.#end(undefined);
  }

  /** Ends it at once. */
  kill(): void {
    this.#verdict ??= { said: undefined };
    this.#child.kill();
  }

  async #go(task: ProgramTask): Promise<Outcome> {
    const timer = this.#limitTime(task);
    const output = new ProgramOutput((said) => this.#tell(said));
    const reading = this.#read(output);
    // Handled below, when the program has ended.
    reading.catch(() => this.#child.stop());
    void readNotes(this.#child.stderr, this.#ears.note);
    const end = await this.#child.ended;
    clearTimeout(timer);
    await reading;
    return this.#verdict === undefined ? output.ending(end) : this.#verdict.said;
  }

  async #read(output: ProgramOutput): Promise<void> {
    try {
      for await (const line of linesOf(this.#child.stdout as AsyncIterable<Bytes>)) {
        if (this.#verdict !== undefined) return;
        await output.take(line);
      }
    } catch (error) {
      // Cut off by us, since somebody held it open after the program's end.
      if ((error as NodeJS.ErrnoException).code === "ERR_STREAM_PREMATURE_CLOSE") return;
      if (!(error instanceof UnfitOutput)) throw error;
      this.#end({ error: error.message });
    }
  }

  async #tell(said: Said): Promise<void> {
    if (Object.hasOwn(said, "ask") && !this.#settings.isInteractive)
      throw new UnfitOutput("The program asked a question, and is served without --interactive.");
    await this.#ears.tell(said);
  }

  #limitTime({ deadline }: ProgramTask): NodeJS.Timeout {
    const { timeoutMs } = this.#settings;
    const leftMs = Math.max(0, deadline - Date.now());
    if (timeoutMs !== undefined && timeoutMs < leftMs)
      return setTimeout(() => this.#end({ error: `The program took longer than ${timeoutMs / 1000} s.`, code: "TIMED_OUT" }), timeoutMs);
    const late = { error: "The deadline passed before the task was done.", code: "DEADLINE_EXCEEDED" };
    return setTimeout(() => this.#end(late), leftMs);
  }

  #end(said: Outcome): void {
    this.#verdict ??= { said };
    this.#child.stop();
  }
}

const noteLengthMax = 4096;
const notesBytesMax = 1024 * 1024;

/** Its standard error, line by line, as far as anybody would read; what is beyond that is swallowed, so that the program is not held up. */
async function readNotes(
  errors: AsyncIterable<unknown> & { setEncoding(encoding: "utf8"): unknown },
  note: (line: string) => void,
): Promise<void> {
  errors.setEncoding("utf8");
  let left = notesBytesMax;
  let text = "";
  try {
    for await (const chunk of errors as AsyncIterable<string>) {
      text += chunk.slice(0, left);
      left -= Math.min(left, chunk.length);
      const lines = text.length > noteLengthMax ? `${text}\n`.split("\n") : text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) note(line.slice(0, noteLengthMax));
    }
  } catch {
    // What it had left to say, nobody hears.
  }
  if (text !== "") note(text.slice(0, noteLengthMax));
}
