/** Watches what is on its way (spec DLV-3): what has had no receipt in time is to be sealed anew, at first after 5 s and then less and less often. */
import { limits } from "@hikyaku/protocol";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Flight, Flights } from "./flights.ts";
import type { LaneEntry } from "./outgoing-lane.ts";

/** What is overdue, which of it set out first, and how long it had. */
export interface Overdue {
  readonly oldest: Flight;
  readonly entries: readonly LaneEntry[];
  readonly afterMs: number;
}

export class Repetitions {
  readonly #clock: Clock;
  readonly #flights: Flights;
  readonly #overdue: (overdue: Overdue) => void;
  #timer: Timer | undefined;
  #afterMs: number = limits.repeatAfterMsMin;

  /** `overdue` is told what has turned back. */
  constructor(clock: Clock, flights: Flights, overdue: (overdue: Overdue) => void) {
    this.#clock = clock;
    this.#flights = flights;
    this.#overdue = overdue;
  }

  /** Something set out. */
  watch(): void {
    const oldest = this.#flights.oldest();
    if (this.#timer !== undefined || oldest === undefined) return;
    const waitMs = Math.max(0, oldest.sentAt + this.#afterMs - this.#clock.elapsed());
    this.#timer = this.#clock.after(waitMs, () => {
      this.#timer = undefined;
      this.#turnBack();
    });
  }

  /** Receipts come: whoever is late now is late for another reason, and waits no longer than at first. */
  reset(): void {
    if (this.#afterMs === limits.repeatAfterMsMin) return;
    this.#afterMs = limits.repeatAfterMsMin;
    if (this.#timer === undefined) return;
    this.stop();
    this.watch();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Reckoned as `watch` reckons: a fraction that rounds otherwise would have the timer run and nothing turn back, again and again. */
  #turnBack(): void {
    const afterMs = this.#afterMs;
    const now = this.#clock.elapsed();
    const oldest = this.#flights.oldest();
    const entries = this.#flights.turnBackAll(({ sentAt }) => sentAt + afterMs <= now);
    if (oldest !== undefined && entries.length > 0) {
      this.#afterMs = Math.min(limits.repeatAfterMsMax, 2 * afterMs);
      this.#overdue({ oldest, entries, afterMs });
    }
    this.watch();
  }
}
