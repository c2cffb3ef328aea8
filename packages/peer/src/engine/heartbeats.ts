/** Every 30 s, a sign of life to each peer with a session; over HTTP it also fetches what waits there for us (spec §9, §11). */
import { limits, type Moment } from "@hikyaku/protocol";
import type { Clock, Timer } from "../ports/clock.ts";
import type { LiveSession, SessionTable } from "./session-table.ts";

export interface HeartbeatsParts {
  readonly clock: Clock;
  readonly sessions: SessionTable;
  /** Sends one heartbeat in the background. */
  readonly beat: (session: LiveSession, seq: number) => void;
  /** Clean-up that is due as often. */
  readonly sweep: () => void;
}

export class Heartbeats {
  readonly #parts: HeartbeatsParts;
  #timer: Timer | undefined;
  #seq = 0;

  constructor(parts: HeartbeatsParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.after(limits.heartbeatIntervalMs, () => {
      this.#seq += 1;
      this.#parts.sweep();
      for (const session of this.#parts.sessions.sending()) this.#parts.beat(session, this.#seq);
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
