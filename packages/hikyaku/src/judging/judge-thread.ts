/**
 * A thread that judges, seen from outside: it is asked one thing at a time and ended where it does not answer in time, since nothing else stops a regular expression or a
 * schema that branches without end. It sees nothing of our environment and keeps no process up.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Answer, Question } from "./question.ts";

/** How long it may take to come up; most of it is loading, and none of it is up to others. */
const startMsMax = 10_000;
/** How long it may take to read a schema, or to judge a value. */
const judgementMsMax = 1_000;
/** What it may hold is bounded by the memory as well as by the time. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 } as const;
/** As this very file is: TypeScript among the sources, JavaScript in what was built. */
const program = new URL(`./judge-program${extname(import.meta.url)}`, import.meta.url);

/** Why there is no answer: its time was over, or it ended by itself. */
export type Silence = "late" | "gone";

export class JudgeThread {
  readonly startedAt: number = performance.now();
  readonly #worker: Worker;
  #isOver = false;
  /** Takes what comes next; nobody waits at first. */
  #settle: (heard: unknown) => void = () => undefined;

  private constructor(gone: () => void) {
    this.#worker = new Worker(program, { execArgv: [], env: {}, resourceLimits });
    this.#worker.unref();
    this.#worker.on("message", (heard: unknown) => this.#settle(heard));
    this.#worker.on("error", () => this.#end("gone"));
    this.#worker.on("exit", () => {
      this.#end("gone");
      gone();
    });
  }

  /** Undefined where it did not come up. `gone` is called once nothing of it is left. */
  static async start(gone: () => void): Promise<JudgeThread | undefined> {
    const thread = JudgeThread.#begin(gone);
    if (thread === undefined) return undefined;
    await thread.#next(startMsMax);
    return thread.isOver ? undefined : thread;
  }

  static #begin(gone: () => void): JudgeThread | undefined {
    try {
      return new JudgeThread(gone);
    } catch {
      // The system has no room for another thread.
      gone();
      return undefined;
    }
  }

  /** It answers no more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Asked again only once it has answered. Where it says nothing, it has ended. */
  async ask(question: Question): Promise<Answer | Silence> {
    if (this.#isOver) return "gone";
    const heard = this.#next(judgementMsMax);
    this.#worker.postMessage(question);
    return (await heard) as Answer | Silence;
  }

  async end(): Promise<void> {
    this.#end("gone");
    await this.#worker.terminate();
  }

  #next(msMax: number): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => {
      // Where our own thread was held up, the answer may be there and only not be read yet.
      setImmediate(() => {
        if (this.#settle === settle) this.#end("late");
      });
    }, msMax).unref();
    const settle = (heard: unknown): void => {
      clearTimeout(timer);
      this.#settle = () => undefined;
      resolve(heard);
    };
    this.#settle = settle;
    return promise;
  }

  #end(why: Silence): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void this.#worker.terminate();
    this.#settle(why);
  }
}
