/** One run of one task: what its handler sees, and how what it does becomes events. */
import { HikyakuError, limits, type TaskChain, type TaskState } from "@hikyaku/protocol";
import type { Timer } from "../ports/clock.ts";
import type { TaskAppending, TaskKey, TaskNews, TaskRecord } from "../ports/task-store.ts";
import type { LiveCapability } from "./capability-table.ts";
import type { DelegateOptions } from "./delegations.ts";
import { judge } from "./schema.ts";
import type { Task } from "./task.ts";
import { jsonText } from "./task-content.ts";
import type { WorkGround } from "./work-ground.ts";

/** A task as its handler gets it: who asks comes from the session, never from the body (spec TRUST-4). */
export interface AssignedTask<Input = unknown> {
  readonly id: string;
  readonly from: { readonly did: string; readonly name: string };
  readonly capability: string;
  readonly input: Input;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly chain: TaskChain;
}

export interface AskOptions {
  /** `auth_required` where what is asked for is a permission or a secret. */
  readonly state?: "input_required" | "auth_required";
  /** Takes the question back. */
  readonly signal?: AbortSignal;
}

export interface TaskContext {
  /** Aborts when the task is canceled, its deadline passes or the peer closes. What is returned after that is not looked at. */
  readonly signal: AbortSignal;
  /** How far the work is, from 0 to 1, and what is being done. Said too often, only the last counts. */
  progress(fraction: number, detail?: string): Promise<void>;
  /** Hands over something that is ready before the end, or beside the output. */
  artifact(name: string, content: unknown): Promise<void>;
  /** A part of the output. */
  partial(output: unknown): Promise<void>;
  /** Asks the requester something, and resolves with the answer. Rejects where the task ends first. */
  ask(question: string, options?: AskOptions): Promise<unknown>;
  /** Hands a part of the work on: within this task's budget and deadline, and canceled when this task ends. Throws UNKNOWN_PEER, or QUOTA_EXCEEDED where the budget is used up. */
  delegate(to: string, capability: string, input: unknown, options?: Omit<DelegateOptions, "within">): Promise<Task>;
}

/** What the handler waits for. */
interface Question {
  readonly cursor: number;
  readonly answer: (input: unknown) => void;
}

export interface RunParts {
  readonly ground: WorkGround;
  readonly append: (key: TaskKey, news: Omit<TaskNews, "at">) => Promise<TaskAppending>;
  readonly nameOf: (did: string) => string;
  readonly handOn: (within: TaskKey, to: string, capability: string, input: unknown, options: DelegateOptions) => Promise<Task>;
}

export class Run {
  readonly key: TaskKey;
  readonly #parts: RunParts;
  readonly #task: TaskRecord;
  readonly #over = new AbortController();
  #question: Question | undefined;
  #isAsking = false;
  #events: number;
  #overtaken: Omit<TaskNews, "at"> | undefined;
  #progressAt = Number.NEGATIVE_INFINITY;
  #progressTimer: Timer | undefined;

  constructor(task: TaskRecord, parts: RunParts) {
    this.#task = task;
    this.#parts = parts;
    this.#events = task.cursor;
    this.key = { role: "worker", peer: task.peer, id: task.id };
  }

  /** Aborts when the task has ended otherwise than by its handler. */
  get ended(): AbortSignal {
    return this.#over.signal;
  }

  /** Runs the handler and records how it ended. Where the peer closes first, nothing is recorded: the next start decides (spec TASK-8). */
  async go({ offer, input: inputSchema, output: outputSchema, handler }: LiveCapability): Promise<void> {
    const { ground } = this.#parts;
    const over = AbortSignal.any([this.#over.signal, ground.closing]);
    try {
      const text = await ground.tasks.input(this.key);
      const judged = await judge(inputSchema, JSON.parse(text ?? "null"), over);
      if ("problem" in judged)
        return await this.#end({ state: "rejected", code: "INVALID_INPUT", detail: cut(`The input: ${judged.problem}`) });
      const output = await handler(this.#assigned(offer.name, judged.value) as never, this.#context(over));
      await this.#complete(await judge(outputSchema, output, over));
    } catch (error) {
      // What the end of the task threw is no failure of its handler.
      if (ground.closing.aborted || (over.aborted && error === over.reason)) return;
      if (error instanceof UnfitOutput) return await this.#end({ state: "failed", code: "INVALID_OUTPUT", detail: cut(error.message) });
      const kind = error instanceof Error ? error.name : "thrown";
      ground.log.write("error", "task.handlerFailed", { peer: this.key.peer, id: this.key.id, reason: kind });
      // What a handler says of its failure is for the requester where it chose the words itself; any other text could hold anything.
      const detail = error instanceof TaskFailure ? cut(error.message) : "The handler failed.";
      const code = error instanceof TaskFailure ? error.code : "HANDLER_FAILED";
      await this.#end({ state: "failed", code, detail });
    } finally {
      this.#progressTimer?.cancel();
    }
  }

  /** The task has ended otherwise: its handler learns so. */
  stop(reason: HikyakuError): void {
    this.#over.abort(reason);
    this.#progressTimer?.cancel();
  }

  /** The requester's word on the event that asked; any other is late. */
  answer(cursor: number, input: unknown): boolean {
    if (this.#question?.cursor !== cursor) return false;
    this.#question.answer(input);
    return true;
  }

  #assigned(capability: string, input: unknown): AssignedTask {
    const { peer, id, deadline, chain } = this.#task;
    return { id, from: { did: peer, name: this.#parts.nameOf(peer) }, capability, input, deadline, chain };
  }

  #context(signal: AbortSignal): TaskContext {
    return {
      signal,
      progress: (fraction, detail) => this.#progress(fraction, detail),
      artifact: (name, content) =>
        this.#tell({ state: "working", artifact: { name: asName(name), content: jsonText(content, "An artifact") } }),
      partial: (output) => this.#tell({ state: "working", output: jsonText(output, "A part of the output") }),
      ask: (question, options) => this.#ask(question, options),
      delegate: (to, capability, input, options = {}) => this.#handOn(to, capability, input, options),
    };
  }

  async #progress(fraction: number, detail: string | undefined): Promise<void> {
    if (!(fraction >= 0 && fraction <= 1)) throw new HikyakuError("INVALID_ARGUMENT", "progress wants a number from 0 to 1.");
    this.#over.signal.throwIfAborted();
    // The state must go on saying what is asked.
    if (this.#isAsking) return this.#parts.ground.count("task.progressDropped");
    const { clock } = this.#parts.ground;
    this.#overtaken = { state: "working", progress: fraction, ...(detail === undefined ? {} : { detail: cut(detail) }) };
    const waitMs = this.#progressAt + limits.taskProgressMsMin - clock.elapsed();
    if (waitMs <= 0) return await this.#flush();
    this.#progressTimer ??= clock.after(waitMs, () => this.#parts.ground.background(this.#flush()));
  }

  /** Records the progress that was said last. */
  async #flush(): Promise<void> {
    this.#progressTimer?.cancel();
    this.#progressTimer = undefined;
    const news = this.#overtaken;
    this.#overtaken = undefined;
    if (news === undefined || this.#over.signal.aborted) return;
    if (this.#events >= limits.taskEventsMax - limits.taskEventsReserved) return this.#parts.ground.count("task.progressDropped");
    this.#progressAt = this.#parts.ground.clock.elapsed();
    const appended = await this.#parts.append(this.key, news);
    if (appended.kind === "appended") this.#events = appended.event.cursor;
    else this.#parts.ground.count("task.progressDropped");
  }

  async #tell(news: Omit<TaskNews, "at">): Promise<void> {
    this.#over.signal.throwIfAborted();
    if (this.#isAsking) throw new HikyakuError("INVALID_ARGUMENT", "A task that waits for an answer hands nothing over.");
    this.#wantRoom();
    await this.#flush();
    await this.#append(news);
  }

  /** Throws where nothing but the end of the task has room any more. */
  #wantRoom(): void {
    if (this.#events < limits.taskEventsMax - limits.taskEventsReserved) return;
    throw new HikyakuError("QUOTA_EXCEEDED", `A task has at most ${limits.taskEventsMax} events.`);
  }

  async #ask(question: string, { state = "input_required", signal }: AskOptions = {}): Promise<unknown> {
    this.#over.signal.throwIfAborted();
    if (this.#isAsking) throw new HikyakuError("INVALID_ARGUMENT", "The task waits for an answer already.");
    // A handler that asks until an answer suits it would go on for as long as a requester has wrong ones.
    this.#wantRoom();
    this.#isAsking = true;
    try {
      await this.#flush();
      const cursor = await this.#append({ state, detail: cut(question) });
      return await this.#answerTo(cursor, signal === undefined ? this.#over.signal : AbortSignal.any([this.#over.signal, signal]));
    } finally {
      if (!this.#over.signal.aborted) await this.#append({ state: "working" });
      this.#isAsking = false;
    }
  }

  /** What the requester says to the event that asked. Rejects where the task ends first, or the question is taken back. */
  async #answerTo(cursor: number | undefined, over: AbortSignal): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const stop = (): void => reject(over.reason);
    over.addEventListener("abort", stop, { once: true });
    if (over.aborted) stop();
    if (cursor !== undefined) this.#question = { cursor, answer: resolve };
    try {
      return await promise;
    } finally {
      this.#question = undefined;
      over.removeEventListener("abort", stop);
    }
  }

  async #handOn(to: string, capability: string, input: unknown, options: DelegateOptions): Promise<Task> {
    this.#over.signal.throwIfAborted();
    const task = await this.#parts.handOn(this.key, to, capability, input, options);
    const cancel = (): void => this.#parts.ground.background(task.cancel("the task that it was part of has ended"));
    if (this.#over.signal.aborted) cancel();
    else this.#over.signal.addEventListener("abort", cancel, { once: true });
    return task;
  }

  async #complete(judged: Awaited<ReturnType<typeof judge>>): Promise<void> {
    if ("problem" in judged)
      return await this.#end({ state: "failed", code: "INVALID_OUTPUT", detail: cut(`The handler's output: ${judged.problem}`) });
    const output = outputText(judged.value);
    await this.#flush();
    await this.#end({ state: "completed", output });
  }

  async #end(news: Omit<TaskNews, "at"> & { readonly state: TaskState }): Promise<void> {
    if (!this.#over.signal.aborted) await this.#append(news);
  }

  /** The event's cursor; undefined where the task has ended meanwhile. Throws QUOTA_EXCEEDED where there is no room for what it says. */
  async #append(news: Omit<TaskNews, "at">): Promise<number | undefined> {
    const appended = await this.#parts.append(this.key, news);
    if (appended.kind === "full")
      throw new HikyakuError("QUOTA_EXCEEDED", "What is open for this requester takes all the room that its tasks may take.");
    if (appended.kind !== "appended") return undefined;
    this.#events = appended.event.cursor;
    return appended.event.cursor;
  }
}

/** Thrown by a handler whose words are meant for the requester. */
export class TaskFailure extends Error {
  /** For programs: capital letters and underscores. */
  readonly code: string;

  constructor(message: string, code: string = "HANDLER_FAILED") {
    if (!/^[A-Z_]{1,64}$/.test(code)) throw new HikyakuError("INVALID_ARGUMENT", "A code has 1 to 64 capital letters and underscores.");
    super(message);
    this.name = "TaskFailure";
    this.code = code;
  }
}

/** An output that cannot travel. */
class UnfitOutput extends Error {}

function outputText(output: unknown): string {
  try {
    return jsonText(output ?? null, "The output");
  } catch (error) {
    throw new UnfitOutput(error instanceof HikyakuError ? error.message : "The output must be JSON.");
  }
}

const cut = (text: string): string => text.slice(0, limits.taskDetailLengthMax);

function asName(name: string): string {
  if (name.length > 0 && name.length <= limits.nameLengthMax) return name;
  throw new HikyakuError("INVALID_ARGUMENT", `An artifact's name has 1 to ${limits.nameLengthMax} characters.`);
}
