/** One task, done by a program: it gets the task as one line of JSON on its standard input, and what it writes is what is said of the task. Never without an end. */
import type { Bytes } from "@hikyaku/protocol";
import { ChildProgram, type ProgramSettings } from "./child-program.ts";
import { readNotes } from "./notes.ts";
import { linesOf, UnfitOutput } from "./output-lines.ts";
import { ProgramOutput } from "./program-output.ts";
import type { Outcome, Run, RunEars, Said, ServedTask } from "./run.ts";
import { limitTime } from "./time-limit.ts";

export interface RunSettings extends ProgramSettings {
  /** Its input stays open for the answers to what it asks. */
  readonly isInteractive: boolean;
  /** How long it may take; until the task's deadline unless told. */
  readonly timeoutMs: number | undefined;
}

/** What is told of a task beyond these, a program is told as it stands. */
type ProgramTask = Pick<ServedTask, "id" | "deadline">;

export class ProgramRun implements Run {
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
    const limit = { deadline: task.deadline, timeoutMs: this.#settings.timeoutMs, who: "The program" };
    const timer = limitTime(limit, (said) => this.#end(said));
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

  #end(said: Outcome): void {
    this.#verdict ??= { said };
    this.#child.stop();
  }
}
