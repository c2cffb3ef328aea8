/** A task that a program outside this process does, or that waits for such a program: between the peer's handler and the control interface. */
import { type AssignedTask, type TaskContext, TaskFailure } from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import type { Saying } from "./saying.ts";

export interface QuestionEars {
  readonly answered: (answer: unknown) => void;
  /** There is no room for it: the task has failed, and its program may stop. */
  readonly unaskable: () => void;
}

export class Errand {
  readonly task: AssignedTask;
  /** What the peer's handler returns: settled by the program's word, or by what becomes of the program. */
  readonly outcome: Promise<unknown>;
  readonly #context: TaskContext;
  readonly #settle: PromiseWithResolvers<unknown> = Promise.withResolvers();
  /** The question that nobody has answered. */
  #question: AbortController | undefined;
  /** How many programs have gone that had it. */
  #outlived = 0;

  constructor(task: AssignedTask, context: TaskContext) {
    this.task = task;
    this.#context = context;
    this.outcome = this.#settle.promise;
  }

  /** Aborts when the task has ended otherwise, or the peer closes: whoever works on it may stop. */
  get over(): AbortSignal {
    return this.#context.signal;
  }

  /** Takes the program's word; `ears` are told what becomes of a question. Rejects with INVALID_ARGUMENT where the word cannot be taken now, QUOTA_EXCEEDED where it is one too many. */
  async say(saying: Saying, ears: QuestionEars): Promise<void> {
    switch (saying.kind) {
      case "result":
        return this.#settle.resolve(saying.result);
      case "error":
        return this.fail(saying.error, saying.code);
      case "ask":
        return this.#ask(saying.ask, ears);
      default:
        return await this.#tell(saying);
    }
  }

  fail(sentence: string, code?: string): void {
    this.#settle.reject(new TaskFailure(sentence, code));
  }

  /** How many programs have gone in the middle of it. */
  get outlived(): number {
    return this.#outlived;
  }

  /** Its program has gone: what that one asked, nobody waits for any more. */
  handBack(): void {
    this.#outlived += 1;
    this.#question?.abort(new HikyakuError("CANCELED", "The program that asked has gone."));
    this.#question = undefined;
  }

  /** A question stands until it is answered, so what would push it aside is not taken meanwhile, or does not matter. */
  async #tell(saying: Extract<Saying, { kind: "progress" | "artifact" | "partial" }>): Promise<void> {
    if (this.#question !== undefined && saying.kind === "progress") return;
    this.#requireNoQuestion();
    if (saying.kind === "progress") return await this.#context.progress(saying.progress, saying.detail);
    if (saying.kind === "partial") return await this.#context.partial(saying.partial);
    await this.#context.artifact(saying.artifact.name, saying.artifact.content);
  }

  #ask(question: string, { answered, unaskable }: QuestionEars): void {
    this.#requireNoQuestion();
    const open = new AbortController();
    this.#question = open;
    this.#context
      .ask(question, { signal: open.signal })
      .then((answer) => {
        this.#question = undefined;
        answered(answer);
      })
      .catch((error: unknown) => {
        // It was taken back, or the task has ended: the program learns of either by another way. Else it would wait for an answer until the deadline.
        if (!(error instanceof HikyakuError) || error.code !== "QUOTA_EXCEEDED") return;
        this.fail(error.message, error.code);
        unaskable();
      });
  }

  #requireNoQuestion(): void {
    if (this.#question !== undefined) throw new HikyakuError("INVALID_ARGUMENT", "A question of the task is not answered yet.");
  }
}
