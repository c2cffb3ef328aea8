/**
 * The hosts at which trusted peers were proven lately (spec LIM-8): each is counted by itself, so that its neighbours cannot use up what their network may send.
 * Bounded: where it is full, the host that was quiet longest is counted with its network again.
 */
import { limits } from "@hikyaku/protocol";

export class FriendlyHosts {
  /** When a friend was proven there last, in monotonic milliseconds; longest ago first. */
  readonly #provenAt = new Map<string, number>();

  get size(): number {
    return this.#provenAt.size;
  }

  add(host: string, now: number): void {
    this.#provenAt.delete(host);
    const quietest = this.#provenAt.keys().next();
    if (this.#provenAt.size >= limits.friendlyHostsMax && quietest.done !== true) this.#provenAt.delete(quietest.value);
    this.#provenAt.set(host, now);
  }

  has(host: string, now: number): boolean {
    const provenAt = this.#provenAt.get(host);
    return provenAt !== undefined && now - provenAt < limits.friendlyHostMsMax;
  }

  sweep(now: number): void {
    for (const host of this.#provenAt.keys()) if (!this.has(host, now)) this.#provenAt.delete(host);
  }
}
