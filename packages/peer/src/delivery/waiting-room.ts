/** Bodies without an outbox that wait for a courier (spec §10, §11): control, and what nobody keeps. By priority, oldest first, and bounded: above the bound the oldest of the lowest priority goes. */
import { HikyakuError, limits, type Priority } from "@hikyaku/protocol";
import { type Cargo, priorities } from "./cargo.ts";

export class WaitingRoom {
  readonly #queues: Readonly<Record<Priority, Cargo[]>> = { high: [], normal: [], low: [] };
  #size = 0;
  /** Made when somebody waits. */
  #room: PromiseWithResolvers<void> | undefined;

  get size(): number {
    return this.#size;
  }

  /** Whether whoever can wait should. The places left are control's: a word about ourselves would otherwise push out what somebody has just said. */
  isFull(): boolean {
    return this.#size >= limits.controlQueueMax - limits.controlQueueReserved;
  }

  put(cargo: Cargo): void {
    this.#queues[cargo.priority].push(cargo);
    this.#size += 1;
    if (this.#size > limits.controlQueueMax) this.#dropOne();
  }

  /** What was loaded and did not get away goes first again. */
  putBack(cargo: readonly Cargo[]): void {
    for (const one of [...cargo].reverse()) {
      this.#queues[one.priority].unshift(one);
      this.#size += 1;
    }
    while (this.#size > limits.controlQueueMax) this.#dropOne();
  }

  has(priority: Priority): boolean {
    return this.#queues[priority].length > 0;
  }

  /** Takes the first `count` of a priority. */
  take(priority: Priority, count: number): readonly Cargo[] {
    const taken = this.#queues[priority].splice(0, count);
    this.#size -= taken.length;
    if (!this.isFull()) this.#makeRoomKnown();
    return taken;
  }

  peek(priority: Priority): readonly Cargo[] {
    return this.#queues[priority];
  }

  /** Resolves when there is room: for those who would rather wait than push something else out. */
  room(): Promise<void> {
    if (!this.isFull()) return Promise.resolve();
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  failAll(error: HikyakuError): void {
    const all = priorities.flatMap((priority) => this.#queues[priority].splice(0));
    this.#size = 0;
    this.#makeRoomKnown();
    for (const { failed } of all) failed?.(error);
  }

  #dropOne(): void {
    for (const priority of [...priorities].reverse()) {
      const dropped = this.#queues[priority].shift();
      if (dropped === undefined) continue;
      this.#size -= 1;
      dropped.failed?.(new HikyakuError("OVERLOADED", "Too much waits for this peer already."));
      return;
    }
  }

  #makeRoomKnown(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
