/** What a tool says of how far it is, told on: as a fraction that never falls, no faster than anybody is told, and what was overtaken meanwhile is left out. */
import { setTimeout as pause } from "node:timers/promises";
import { limits } from "@hikyaku/protocol";
import type { Progress } from "@modelcontextprotocol/client";
import type { Said } from "../serving/run.ts";
import { bounded } from "./bounded-text.ts";

export interface ProgressEars {
  readonly tell: (said: Said) => Promise<void>;
  /** Nothing more is told after it. */
  readonly failed: (error: unknown) => void;
}

export class ToolProgress {
  readonly #ears: ProgressEars;
  readonly #over = new AbortController();
  #fraction = 0;
  #next: Said | undefined;
  #telling: Promise<void> | undefined;

  constructor(ears: ProgressEars) {
    this.#ears = ears;
  }

  /** Where the total is not known, its words alone are told. */
  hear({ progress, total = 0, message }: Progress): void {
    const fraction = total > 0 ? Math.min(1, Math.max(this.#fraction, progress / total)) : this.#fraction;
    if (fraction === this.#fraction && message === undefined) return;
    this.#fraction = fraction;
    this.#next = { progress: fraction, ...(message === undefined ? {} : { detail: bounded(message, limits.taskDetailLengthMax) }) };
    this.#telling ??= this.#tellAll();
  }

  /** Nothing more is told once it resolves. */
  async end(): Promise<void> {
    this.#over.abort();
    await this.#telling;
  }

  async #tellAll(): Promise<void> {
    try {
      while (this.#next !== undefined && !this.#over.signal.aborted) {
        const said = this.#next;
        this.#next = undefined;
        await this.#ears.tell(said);
        await pause(limits.taskProgressMsMin, undefined, { signal: this.#over.signal }).catch(() => undefined);
      }
    } catch (error) {
      this.#over.abort();
      this.#ears.failed(error);
    }
    this.#telling = undefined;
  }
}
