/** Every 30 s, a sign of life to each peer with a session; over HTTP it also fetches what waits there for us (spec §9, §11). */
import { limits, type Moment } from "@hikyaku/protocol";
import type { Clock, Timer } from "../ports/clock.ts";

export interface HeartbeatsParts {
  readonly clock: Clock;
  /** Sends everybody a heartbeat in the background. */
  readonly beat: () => void;
  /** Clean-up that is due as often. */
  readonly sweep: () => void;
}

export class Heartbeats {
  readonly #parts: HeartbeatsParts;
  #timer: Timer | undefined;

  constructor(parts: HeartbeatsParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.after(limits.heartbeatIntervalMs, () => {
      this.#parts.sweep();
      this.#parts.beat();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}

/** Three missed heartbeats make a peer unhealthy. */
export const isHealthy = (heard: Moment, elapsed: number): boolean =>
  elapsed - heard.elapsed < limits.heartbeatIntervalMs * limits.heartbeatsMissedMax;
