/** The clock of one simulated machine: its hands may be set, its monotonic side goes on. */
import type { Clock, Timer } from "@hikyaku/peer";
import type { Life } from "./life.ts";
import type { Timeline } from "./timeline.ts";

const worldBeganAt = Date.parse("2026-02-01T00:00:00.000Z");

/** What stays wrong or right with a machine's clock whatever program runs. */
export interface Hands {
  /** Milliseconds between its wall clock and the truth. */
  offMs: number;
}

const inert: Timer = { cancel: () => undefined };

export class NodeClock implements Clock {
  readonly #timeline: Timeline;
  readonly #hands: Hands;
  readonly #life: Life;
  readonly #bootedAt: number;

  constructor(timeline: Timeline, hands: Hands, life: Life) {
    this.#timeline = timeline;
    this.#hands = hands;
    this.#life = life;
    this.#bootedAt = timeline.now;
  }

  now(): number {
    return Math.floor(worldBeganAt + this.#timeline.now + this.#hands.offMs);
  }

  elapsed(): number {
    return this.#timeline.now - this.#bootedAt;
  }

  after(delayMs: number, callback: () => void): Timer {
    if (this.#life.isOver) return inert;
    return this.#timeline.after(delayMs, () => {
      if (!this.#life.isOver) callback();
    });
  }
}
