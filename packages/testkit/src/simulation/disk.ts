/**
 * A disk that takes its time: changes wait in order and are made together, some time later. It may be full, which changes nothing and is told; and a crash loses what
 * waits, or all but the first so many, of which then nobody is told either.
 */
import type { Commit } from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import type { Climate } from "./climate.ts";
import type { Dice } from "./dice.ts";
import { type Life, never } from "./life.ts";
import { count, type Tally } from "./tally.ts";
import type { Timeline } from "./timeline.ts";

interface Waiting {
  readonly life: Life;
  readonly make: () => void;
  readonly tell: () => void;
  readonly refuse: (error: HikyakuError) => void;
}

export interface DiskParts {
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly climate: Climate;
  readonly tally: Tally;
}

export class Disk {
  readonly #parts: DiskParts;
  readonly #waiting: Waiting[] = [];
  #isFlushing = false;
  #fullUntil = 0;
  #slowUntil = 0;
  /** Changes asked for, ever. */
  asked = 0;

  constructor(parts: DiskParts) {
    this.#parts = parts;
  }

  commitOf(life: Life): Commit {
    return <Result>(work: () => Result): Promise<Result> => {
      if (!life.acts()) return never();
      this.asked += 1;
      return new Promise<Result>((resolve, reject) => {
        let outcome: { readonly result: Result } | { readonly error: unknown } | undefined;
        this.#waiting.push({
          life,
          make: () => {
            try {
              outcome = { result: work() };
            } catch (error) {
              outcome = { error };
            }
          },
          tell: () => (outcome !== undefined && "result" in outcome ? resolve(outcome.result) : reject(outcome?.error)),
          refuse: reject,
        });
        this.#flushLater();
      });
    };
  }

  fillUp(ms: number): void {
    this.#fullUntil = this.#parts.timeline.now + ms;
  }

  slowDown(ms: number): void {
    this.#slowUntil = this.#parts.timeline.now + ms;
  }

  heal(): void {
    this.#fullUntil = 0;
    this.#slowUntil = 0;
  }

  crash(): void {
    const { dice, tally } = this.#parts;
    const waiting = this.#waiting.splice(0);
    if (waiting.length === 0) return;
    const kept = dice.chance(1 / 4) ? 0 : dice.between(1, waiting.length);
    if (kept > 0) count(tally, "fault: torn commit");
    if (kept < waiting.length) count(tally, "fault: lost commit", waiting.length - kept);
    for (const { make } of waiting.slice(0, kept)) make();
  }

  #flushLater(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const { timeline, dice, climate } = this.#parts;
    const isSlow = timeline.now < this.#slowUntil;
    timeline.after(isSlow ? dice.between(100, 5_000) : dice.between(0, climate.commitMsMax), () => this.#flush());
  }

  #flush(): void {
    const { timeline, dice, climate, tally } = this.#parts;
    this.#isFlushing = false;
    const batch = this.#waiting.splice(0).filter(({ life }) => !life.isOver);
    const isFull = timeline.now < this.#fullUntil || (!climate.isCalm && dice.chance(climate.diskFull));
    if (isFull) count(tally, "fault: disk full", batch.length);
    for (const { make } of isFull ? [] : batch) make();
    for (const { tell, refuse } of batch) {
      if (isFull) refuse(new HikyakuError("STORAGE_FAILED", "The simulated disk is full."));
      else tell();
    }
  }
}
