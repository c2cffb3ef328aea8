/**
 * The programs outside this process that do the work of capabilities, each by a serving: it takes tasks, says how they go, and keeps its lease by asking for news. A serving
 * whose lease is over, or whose connection breaks while it waits for news, is gone: its tasks have failed as interrupted, or wait for the next serving of the capability
 * where running them twice does no harm. What was not yet handed to a program waits as well.
 */
import { randomBytes } from "node:crypto";
import type { AssignedTask, CapabilitySettings, Peer } from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import { Errand } from "./errand.ts";
import type { Saying } from "./saying.ts";

export interface ServingSettings extends CapabilitySettings {
  readonly capability: string;
  readonly concurrency: number;
  /** Called once the serving is over, or could not be opened. What was judged by its schemas until then may still be. */
  readonly gone?: () => void;
}

/** What a serving has not been told yet. */
export interface ServingNews {
  readonly tasks: readonly { readonly errand: string; readonly task: AssignedTask }[];
  readonly answers: readonly { readonly errand: string; readonly answer: unknown }[];
  /** Errands whose tasks have ended otherwise: to be stopped, and let go of. */
  readonly ended: readonly string[];
}

/** How long a serving may be silent. */
const leaseMs = 15_000;
/** How long a question for news may hang before it is answered with none. */
const newsMsMax = 5_000;
/** A task in the middle of which so many programs went may be what ends them: it goes to no other. */
const programsMax = 3;
/** How often a new program looks whether the one before it, which says nothing, is gone. */
const silenceMs = 200;

interface Serving {
  readonly settings: ServingSettings;
  readonly held: Map<string, Errand>;
  answers: { readonly errand: string; readonly answer: unknown }[];
  ended: string[];
  /** It waits for news at this moment. */
  isAsking: boolean;
  /** It takes nothing more, and is over once it holds nothing. */
  isLeaving: boolean;
  changed: PromiseWithResolvers<void>;
  lease: NodeJS.Timeout | undefined;
}

export class ServingDesk {
  readonly #peer: Peer;
  readonly #servings = new Map<string, Serving>();
  /** Errands that no program holds, by capability. */
  readonly #waiting = new Map<string, Errand[]>();

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Offers the capability and resolves with the serving's id. Rejects with INVALID_ARGUMENT where another program offers it, or UNKNOWN_PEER. */
  async open(settings: ServingSettings): Promise<{ readonly id: string; readonly leaseMs: number }> {
    const { capability } = settings;
    const id = randomBytes(8).toString("hex");
    while (this.#isSilent(capability)) await pause(silenceMs);
    await this.#offer(settings);
    const serving: Serving = {
      settings,
      held: new Map(),
      answers: [],
      ended: [],
      isAsking: false,
      isLeaving: false,
      changed: Promise.withResolvers(),
      lease: undefined,
    };
    this.#servings.set(id, serving);
    this.#renew(id, serving);
    return { id, leaseMs };
  }

  /** As soon as there is something new, or with nothing after a while. Asking renews the lease. */
  async news(id: string, gone: AbortSignal): Promise<ServingNews> {
    const serving = this.#find(id);
    clearTimeout(serving.lease);
    let found = this.#collect(serving);
    if (isEmpty(found)) {
      serving.isAsking = true;
      await Promise.race([serving.changed.promise, pause(newsMsMax, gone)]);
      serving.isAsking = false;
      if (gone.aborted) this.#lapse(id, serving);
      gone.throwIfAborted();
      found = this.#collect(serving);
    }
    this.#renew(id, serving);
    return found;
  }

  /** What a program says of one of its tasks. Throws UNKNOWN_TASK where the task is not, or no more, in its hands. */
  async say(id: string, errandId: string, saying: Saying): Promise<void> {
    const serving = this.#find(id);
    const errand = this.#held(serving, errandId);
    await errand.say(saying, {
      answered: (answer) => {
        serving.answers.push({ errand: errandId, answer });
        this.#stir(serving);
      },
      unaskable: () => {
        serving.ended.push(errandId);
        this.#stir(serving);
      },
    });
    if (saying.kind === "result" || saying.kind === "error") this.#letGo(id, serving, errandId);
  }

  /** The program has stopped working on a task that ended otherwise. */
  release(id: string, errandId: string): void {
    const serving = this.#find(id);
    this.#held(serving, errandId).fail("The program was stopped.", "INTERRUPTED");
    this.#letGo(id, serving, errandId);
  }

  /** The capability is offered no more; what the serving holds it may finish. */
  async leave(id: string): Promise<void> {
    const serving = this.#find(id);
    if (serving.isLeaving) return;
    serving.isLeaving = true;
    await this.#peer.withdraw(serving.settings.capability);
    this.#endIfDone(id, serving);
  }

  /** What does the work has gone, and may come back: as if the program were gone, only that it says so itself. */
  suspend(id: string): void {
    const serving = this.#find(id);
    this.#lapse(id, serving);
    // Its question for news is still open, and must not get what waits for the next serving.
    serving.isLeaving = true;
    this.#stir(serving);
  }

  /** What is still offered for a program that has gone is offered no more, and what waits for it waits. What a program offers that is here stays. */
  async withdraw(capability: string): Promise<void> {
    if (this.#peer.ownCapabilities().some(({ name, isLive }) => name === capability && isLive)) return;
    await this.#peer.withdraw(capability);
  }

  /** Whether a program offers it that says nothing just now: it speaks again in a moment, or was killed and its lease ends soon. */
  #isSilent(capability: string): boolean {
    return [...this.#servings.values()].some((one) => one.settings.capability === capability && !one.isLeaving && !one.isAsking);
  }

  async #offer(settings: ServingSettings): Promise<void> {
    const { capability, gone } = settings;
    try {
      await this.#peer.capability(capability, settings, (task, context) => this.#take(capability, new Errand(task, context)));
    } catch (error) {
      gone?.();
      throw error;
    }
  }

  #take(capability: string, errand: Errand): Promise<unknown> {
    this.#waiting.set(capability, [...(this.#waiting.get(capability) ?? []), errand]);
    errand.over.addEventListener("abort", () => this.#over(capability, errand), { once: true });
    for (const serving of this.#servings.values()) if (serving.settings.capability === capability) this.#stir(serving);
    return errand.outcome;
  }

  /** The task has ended otherwise: nobody gets it any more, or whoever has it is told. */
  #over(capability: string, errand: Errand): void {
    if (this.#unqueue(capability, errand)) return errand.fail("The task has ended.", "CANCELED");
    for (const serving of this.#servings.values())
      for (const [errandId, held] of serving.held)
        if (held === errand) {
          serving.ended.push(errandId);
          this.#stir(serving);
        }
  }

  #unqueue(capability: string, errand: Errand): boolean {
    const waiting = this.#waiting.get(capability) ?? [];
    this.#waiting.set(
      capability,
      waiting.filter((one) => one !== errand),
    );
    return waiting.includes(errand);
  }

  #collect(serving: Serving): ServingNews {
    const { answers, ended } = serving;
    serving.answers = [];
    serving.ended = [];
    serving.changed = Promise.withResolvers();
    return { tasks: this.#handOut(serving), answers, ended };
  }

  #handOut({ settings, held, isLeaving }: Serving): ServingNews["tasks"] {
    const waiting = this.#waiting.get(settings.capability) ?? [];
    const taken = isLeaving ? [] : waiting.splice(0, settings.concurrency - held.size);
    return taken.map((errand) => {
      const id = randomBytes(8).toString("hex");
      held.set(id, errand);
      return { errand: id, task: errand.task };
    });
  }

  #letGo(id: string, serving: Serving, errandId: string): void {
    serving.held.delete(errandId);
    this.#stir(serving);
    this.#endIfDone(id, serving);
  }

  #endIfDone(id: string, serving: Serving): void {
    if (!serving.isLeaving || serving.held.size > 0) return;
    clearTimeout(serving.lease);
    this.#servings.delete(id);
    serving.settings.gone?.();
    serving.changed.resolve();
  }

  /** The program is gone. */
  #lapse(id: string, serving: Serving): void {
    if (!this.#servings.delete(id)) return;
    clearTimeout(serving.lease);
    serving.settings.gone?.();
    const { capability, idempotent = false } = serving.settings;
    if (!serving.isLeaving) this.#peer.suspend(capability);
    for (const errand of serving.held.values()) {
      errand.handBack();
      if (idempotent && !errand.over.aborted && errand.outlived < programsMax)
        this.#waiting.set(capability, [errand, ...(this.#waiting.get(capability) ?? [])]);
      else errand.fail("The program ended in the middle of the task.", "INTERRUPTED");
    }
  }

  #renew(id: string, serving: Serving): void {
    clearTimeout(serving.lease);
    if (this.#servings.has(id)) serving.lease = setTimeout(() => this.#lapse(id, serving), leaseMs).unref();
  }

  #stir(serving: Serving): void {
    serving.changed.resolve();
  }

  #find(id: string): Serving {
    const serving = this.#servings.get(id);
    if (serving === undefined)
      throw new HikyakuError(
        "CLOSED",
        `Nothing was heard of this program for ${leaseMs / 1000} s, so its tasks were taken from it: serve anew.`,
      );
    return serving;
  }

  #held({ held }: Serving, errandId: string): Errand {
    const errand = held.get(errandId);
    if (errand === undefined) throw new HikyakuError("UNKNOWN_TASK", "That task is not in this program's hands.");
    return errand;
  }
}

const isEmpty = ({ tasks, answers, ended }: ServingNews): boolean => tasks.length + answers.length + ended.length === 0;

const pause = (ms: number, over?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
    over?.addEventListener("abort", () => resolve(), { once: true });
  });
