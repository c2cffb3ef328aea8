/** Hosts that lately answered a call for a stream over plain HTTP, so that not every message to them begins with a call in vain. */
import type { Clock } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";

export class StreamlessHosts {
  readonly #clock: Clock;
  /** `ip:port` to the time until which it is believed; the oldest first. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(host: string): void {
    this.#until.delete(host);
    this.#until.set(host, this.#clock.elapsed() + limits.streamlessMsMax);
    const [oldest] = this.#until.keys();
    if (oldest !== undefined && this.#until.size > limits.streamlessHostsMax) this.#until.delete(oldest);
  }

  has(host: string): boolean {
    return (this.#until.get(host) ?? 0) > this.#clock.elapsed();
  }
}
