/** What a row of the bench is: one line of docs/performance.md as a program that measures it. */
import type { Effort } from "./effort.ts";
import type { Floors } from "./floor/floors.ts";
import type { Figures, Goal } from "./goal.ts";

/** What a user could take instead, measured in the same run. */
export interface Counterpart {
  readonly name: string;
  readonly value: number;
  /** What it does not do, in words. */
  readonly lacks: string;
}

export interface Measured extends Figures {
  readonly peers: readonly Counterpart[];
}

export interface Row {
  /** `P6`, or `P2-http` where a row has parts; `--only P2` runs all parts. */
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly goal: Goal;
  /** Runs in a process of its own. Rejects where it cannot be measured. */
  run(floors: Floors, effort: Effort): Promise<Measured>;
}
