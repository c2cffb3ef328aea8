/**
 * One lane of a sender as an inbox knows it (spec §11): which orders came, which are still missed, and what that says of the next arrival. It holds numbers only;
 * the messages and their durability are the adapter's. Work is bounded by what waits, however far orders and floors jump.
 */

/** Where a message with this order stands: its turn, behind a missing order, beyond what may wait, or known or given up already. */
export type Standing = "due" | "waits" | "ahead" | "outdated";

export interface ReorderBounds {
  readonly reorderCountMax: number;
  readonly reorderBytesMax: number;
}

export class Lane {
  /** The highest that a message of the lane has carried. */
  floor: number;
  /** Every order up to this one is here or was skipped. Not the missing one after it: that may be 2^53, which is no safe integer. */
  reached: number;
  /** What waits behind the first missing order: bytes by order. */
  readonly waiting: Map<number, number>;
  #waitingBytes = 0;
  #released: number[] = [];

  constructor(floor = 0, reached = 0, waiting: ReadonlyMap<number, number> = new Map()) {
    this.floor = floor;
    this.reached = reached;
    this.waiting = new Map(waiting);
    for (const bytes of waiting.values()) this.#waitingBytes += bytes;
  }

  /** What is missing below the floor will not come any more. Returns how many orders that are, none of which was here. */
  raiseFloor(floor: number): number {
    this.floor = Math.max(this.floor, floor);
    return this.skipTo(this.floor - 1);
  }

  judge(order: number, bytes: number, { reorderCountMax, reorderBytesMax }: ReorderBounds): Standing {
    if (order <= this.reached || this.waiting.has(order)) return "outdated";
    if (order === this.reached + 1) return "due";
    const isRoom = this.waiting.size < reorderCountMax && this.#waitingBytes + bytes <= reorderBytesMax;
    return isRoom ? "waits" : "ahead";
  }

  /** The message with this order is here; what waited for it alone does so no longer. */
  take(order: number, bytes: number): void {
    if (order !== this.reached + 1) {
      this.waiting.set(order, bytes);
      this.#waitingBytes += bytes;
      return;
    }
    this.reached = order;
    this.#walk();
  }

  /** Goes on behind this order, whatever is missing up to it. Returns how many were. */
  skipTo(order: number): number {
    if (order <= this.reached) return 0;
    const passed = [...this.waiting.keys()].filter((waiting) => waiting <= order);
    const skipped = order - this.reached - passed.length;
    for (const waiting of passed) this.#release(waiting);
    this.reached = order;
    this.#walk();
    return skipped;
  }

  /** Goes on behind everything that waits. */
  skipAll(): number {
    return this.skipTo(Math.max(this.reached, ...this.waiting.keys()));
  }

  /** The orders whose wait has ended since this was last asked, rising. */
  takeReleased(): readonly number[] {
    const released = this.#released;
    this.#released = [];
    return released.sort((left, right) => left - right);
  }

  #walk(): void {
    while (this.waiting.size > 0 && this.waiting.has(this.reached + 1)) {
      this.reached += 1;
      this.#release(this.reached);
    }
  }

  #release(order: number): void {
    this.#waitingBytes -= this.waiting.get(order) ?? 0;
    this.waiting.delete(order);
    this.#released.push(order);
  }
}
