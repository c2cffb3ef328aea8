/**
 * Judges inputs and outputs by the JSON Schemas of one serving (spec TASK-3, TASK-4). Others wrote the schemas, and others yet the values, so judging is done in a thread that
 * can be ended: one for each serving, so that the trouble of one capability is not another's. One value after the other is judged; one that takes too long is unfit.
 */
import type { Schema } from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import type { IdleThreads } from "./idle-threads.ts";
import { JudgeThread, type Silence } from "./judge-thread.ts";
import type { Answer, Problem, Side } from "./question.ts";

/** Values that wait to be judged, each at most as large as a message. */
const waitingMax = 256;

type Verdict = Awaited<ReturnType<Schema["~standard"]["validate"]>>;
type Stated = Readonly<Partial<Record<Side, unknown>>>;

export class SchemaJudge {
  readonly #texts: readonly (readonly [Side, string])[];
  readonly #idle: IdleThreads;
  #thread: JudgeThread | undefined;
  /** When what was asked before is judged. Never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isDismissed = false;

  private constructor(schemas: Stated, idle: IdleThreads) {
    this.#texts = sides.flatMap((side) => (schemas[side] === undefined ? [] : [[side, JSON.stringify(schemas[side])] as const]));
    this.#idle = idle;
  }

  /** Rejects with INVALID_ARGUMENT where one is no JSON Schema that can be judged by, or it takes too long to find out. */
  static async of(schemas: Stated, idle: IdleThreads): Promise<SchemaJudge> {
    const judge = new SchemaJudge(schemas, idle);
    const ready = await judge.#inTurn(() => judge.#ready());
    if (ready instanceof JudgeThread) return judge;
    judge.dismiss();
    throw new HikyakuError("INVALID_ARGUMENT", `${ready.side}Schema cannot be used: ${ready.problem.message.replace(/\.$/, "")}.`);
  }

  schema(side: Side): Schema {
    return { "~standard": { version: 1, vendor: "hikyaku", validate: (value) => this.#judge(side, value) } };
  }

  /** Its serving is gone. What is still to be judged is judged, and then the thread ends. */
  dismiss(): void {
    this.#isDismissed = true;
    if (this.#waiting === 0) this.#rest();
  }

  async #judge(side: Side, value: unknown): Promise<Verdict> {
    if (this.#waiting >= waitingMax) return { issues: [notInTime] };
    const text = JSON.stringify(value ?? null);
    const answer = await this.#inTurn(async () => {
      const ready = await this.#ready();
      return ready instanceof JudgeThread ? answerOf(await ready.ask({ kind: "value", side, text })) : ready;
    });
    return "problem" in answer ? { issues: [answer.problem] } : { value: JSON.parse(answer.text) as unknown };
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#thread !== undefined) this.#idle.take(this.#thread);
    this.#waiting += 1;
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#rest();
    }
  }

  /** A thread that has read the schemas: the one from before where it is still there. */
  async #ready(): Promise<JudgeThread | { readonly side: Side; readonly problem: Problem }> {
    if (this.#thread?.isOver === false) return this.#thread;
    this.#thread = await JudgeThread.start();
    for (const [side, text] of this.#texts) {
      const answer = answerOf((await this.#thread?.ask({ kind: "schema", side, text })) ?? "late");
      if (answer.kind === "unfit") return { side, problem: answer.problem };
    }
    return this.#thread ?? { side: "input", problem: notInTime };
  }

  #rest(): void {
    const thread = this.#thread;
    if (thread === undefined || thread.isOver) return;
    if (this.#isDismissed) this.#idle.end(thread);
    else this.#idle.put(thread);
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
