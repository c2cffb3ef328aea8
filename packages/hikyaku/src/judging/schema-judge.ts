/**
 * Judges inputs and outputs by the JSON Schemas of one serving (spec TASK-3, TASK-4). Others wrote the schemas, and others yet the values, so judging is done in a thread that
 * can be ended: one for each serving, so that the trouble of one capability is not another's. One value after the other is judged; one that takes too long is unfit. That
 * others wait is no verdict: as many wait as the peer lets come, and whoever gives up waiting says so.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Schema } from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import type { JudgeThread, Silence } from "./judge-thread.ts";
import type { JudgeThreads } from "./judge-threads.ts";
import type { Answer, Problem, Side } from "./question.ts";

type Verdict = Awaited<ReturnType<Schema["~standard"]["validate"]>>;
type Stated = Readonly<Partial<Record<Side, unknown>>>;

/** A value that waits to be judged. */
interface Asked {
  readonly side: Side;
  readonly text: string;
  readonly settle: (answer: Answer) => void;
}

type Readiness =
  | { readonly kind: "ready"; readonly thread: JudgeThread }
  | { readonly kind: "unreadable"; readonly side: Side; readonly problem: Problem }
  /** No thread came up. */
  | { readonly kind: "absent" };

/** Between two tries to have a thread that can judge what waits. */
const retryMs = 1_000;

export class SchemaJudge {
  readonly #texts: readonly (readonly [Side, string])[];
  readonly #threads: JudgeThreads;
  readonly #waiting = { output: new Set<Asked>(), input: new Set<Asked>() };
  #thread: JudgeThread | undefined;
  #isWorking = false;
  #isDismissed = false;

  private constructor(schemas: Stated, threads: JudgeThreads) {
    this.#texts = sides.flatMap((side) => (schemas[side] === undefined ? [] : [[side, JSON.stringify(schemas[side])] as const]));
    this.#threads = threads;
  }

  /** Rejects with INVALID_ARGUMENT where one is no JSON Schema that can be judged by, or it takes too long to find out; with OVERLOADED where nobody could find out. */
  static async of(schemas: Stated, threads: JudgeThreads): Promise<SchemaJudge> {
    const judge = new SchemaJudge(schemas, threads);
    const readiness = await judge.#ready();
    if (readiness.kind !== "ready") throw refusalOf(readiness);
    judge.#rest();
    return judge;
  }

  schema(side: Side): Schema {
    return {
      "~standard": {
        version: 1,
        vendor: "hikyaku",
        validate: (value, { libraryOptions: { signal } = {} } = {}) => this.#judge(side, value, signal),
      },
    };
  }

  /** Its serving is gone. What is still to be judged is judged, and then the thread ends. */
  dismiss(): void {
    this.#isDismissed = true;
    if (!this.#isWorking) this.#rest();
  }

  /** The value stays as it is. Rejects with its reason where `over` aborts first; then nothing of the value is kept. */
  async #judge(side: Side, value: unknown, over: AbortSignal | undefined): Promise<Verdict> {
    over?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const asked: Asked = { side, text: JSON.stringify(value ?? null), settle: resolve };
    const giveUp = (): void => {
      this.#waiting[side].delete(asked);
      reject(over?.reason);
    };
    over?.addEventListener("abort", giveUp, { once: true });
    this.#waiting[side].add(asked);
    if (!this.#isWorking) void this.#work();
    const answer = await promise.finally(() => over?.removeEventListener("abort", giveUp));
    return answer.kind === "fit" ? { value } : { issues: [answer.problem] };
  }

  /** Until nothing waits. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    if (this.#thread !== undefined) this.#threads.take(this.#thread);
    while (this.#waiting.output.size + this.#waiting.input.size > 0) await this.#judgeNext();
    this.#isWorking = false;
    this.#rest();
  }

  async #judgeNext(): Promise<void> {
    const readiness = await this.#ready();
    // The schemas have been read before: that they cannot be now is about this machine, and no verdict on a value.
    if (readiness.kind !== "ready") return await pause(retryMs, undefined, { ref: false });
    const asked = this.#next();
    if (asked === undefined) return;
    asked.settle(answerOf(await readiness.thread.ask({ kind: "value", side: asked.side, text: asked.text })));
    this.#threads.giveWay(readiness.thread);
  }

  /** An output is of work that is done, and its task one of few that run: it waits for no input. */
  #next(): Asked | undefined {
    const { output, input } = this.#waiting;
    const [asked] = output.size > 0 ? output : input;
    if (asked !== undefined) this.#waiting[asked.side].delete(asked);
    return asked;
  }

  /** A thread that has read the schemas: the one from before where it is still there. */
  async #ready(): Promise<Readiness> {
    if (this.#thread?.isOver === false) return { kind: "ready", thread: this.#thread };
    const thread = await this.#threads.start();
    if (thread === undefined) return { kind: "absent" };
    for (const [side, text] of this.#texts) {
      const answer = answerOf(await thread.ask({ kind: "schema", side, text }));
      if (answer.kind === "fit") continue;
      this.#threads.end(thread);
      return { kind: "unreadable", side, problem: answer.problem };
    }
    this.#thread = thread;
    return { kind: "ready", thread };
  }

  #rest(): void {
    const thread = this.#thread;
    if (thread === undefined || thread.isOver) return;
    if (this.#isDismissed) this.#threads.end(thread);
    else this.#threads.put(thread);
  }
}

const sides: readonly Side[] = ["input", "output"];
const notInTime: Problem = { message: "it could not be judged in time" };
const unjudgeable: Problem = { message: "the schema could not judge it" };

/** TASK-3, TASK-4: no answer is a no. */
function answerOf(heard: Answer | Silence): Answer {
  if (heard === "late") return { kind: "unfit", problem: notInTime };
  return heard === "gone" ? { kind: "unfit", problem: unjudgeable } : heard;
}

function refusalOf(readiness: Exclude<Readiness, { kind: "ready" }>): HikyakuError {
  if (readiness.kind === "absent")
    return new HikyakuError("OVERLOADED", "This machine had no room to judge by the schemas: try again in a moment.");
  const problem = readiness.problem.message.replace(/\.$/, "");
  return new HikyakuError("INVALID_ARGUMENT", `${readiness.side}Schema cannot be used: ${problem}.`);
}
