/** One task, done by a tool of a local MCP server: its input are the arguments, its end cancels the call. Never without an end, whatever the tool does with that. */
import { UnfitOutput } from "../serving/output-lines.ts";
import type { Outcome, Run, RunEars, Said, ServedTask } from "../serving/run.ts";
import { limitTime } from "../serving/time-limit.ts";
import { ToolProgress } from "./tool-progress.ts";
import { failure, saidOf } from "./tool-result.ts";
import type { ToolServer } from "./tool-server.ts";

export interface ToolCallSettings {
  readonly server: Pick<ToolServer, "call">;
  /** As the server calls it. */
  readonly tool: string;
  /** Until the task's deadline unless told. */
  readonly timeoutMs: number | undefined;
}

export class ToolCall implements Run {
  readonly outcome: Promise<Outcome>;
  readonly #settings: ToolCallSettings;
  readonly #over = new AbortController();
  readonly #verdict = Promise.withResolvers<Outcome>();

  constructor(task: ServedTask, settings: ToolCallSettings, { tell }: Pick<RunEars, "tell">) {
    this.#settings = settings;
    this.outcome = this.#go(task, tell);
  }

  stop(): void {
    this.#end(undefined);
  }

  /** The server itself is ended by whoever runs it. */
  kill(): void {
    this.#end(undefined);
  }

  async #go(task: ServedTask, tell: RunEars["tell"]): Promise<Outcome> {
    const limit = { deadline: task.deadline, timeoutMs: this.#settings.timeoutMs, who: "The tool" };
    const timer = limitTime(limit, (said) => this.#end(said));
    const progress = new ToolProgress({ tell, failed: (error) => this.#fail(error) });
    try {
      return await Promise.race([this.#verdict.promise, this.#ask(task, progress)]);
    } finally {
      clearTimeout(timer);
      await progress.end();
    }
  }

  async #ask({ input }: ServedTask, progress: ToolProgress): Promise<Outcome> {
    const manner = { signal: this.#over.signal, onProgress: progress.hear.bind(progress) };
    const called = await this.#settings.server.call(this.#settings.tool, input, manner);
    if (called.kind === "result") return saidOf(called.result);
    return called.kind === "refused" ? failure(called.why) : undefined;
  }

  #end(said: Outcome): void {
    this.#verdict.resolve(said);
    this.#over.abort(ended);
  }

  /** What could not be told. */
  #fail(error: unknown): void {
    if (error instanceof UnfitOutput) return this.#end(wordsOf(error));
    this.#verdict.reject(error);
    this.#over.abort(ended);
  }
}

/** Why, for the server. */
const ended = "The task has ended.";

const wordsOf = ({ message }: UnfitOutput): Said => ({ error: message });
