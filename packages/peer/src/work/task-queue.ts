/** Tasks of one capability that wait for their turn: requesters take turns, so that nobody's work waits behind all of somebody else's; of one requester's the most urgent goes first, then the oldest. */
import type { Priority } from "@hikyaku/protocol";
import type { TaskKey } from "../ports/task-store.ts";

type Shelf = Record<Priority, string[]>;

export class TaskQueue {
  /** By requester; whoever is at the front is next. */
  readonly #shelves = new Map<string, Shelf>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add({ peer, id }: TaskKey, priority: Priority): void {
    const shelf = this.#shelves.get(peer) ?? { high: [], normal: [], low: [] };
    this.#shelves.set(peer, shelf);
    shelf[priority].push(id);
    this.#size += 1;
  }

  /** Takes the next one. Its requester goes to the end of the line. */
  next(): TaskKey | undefined {
    const first = this.#shelves.entries().next().value;
    if (first === undefined) return undefined;
    const [peer, shelf] = first;
    this.#shelves.delete(peer);
    const id = shelf.high.shift() ?? shelf.normal.shift() ?? shelf.low.shift();
    if (shelf.high.length + shelf.normal.length + shelf.low.length > 0) this.#shelves.set(peer, shelf);
    if (id === undefined) return undefined;
    this.#size -= 1;
    return { role: "worker", peer, id };
  }

  /** Whether it was here. */
  remove({ peer, id }: TaskKey): boolean {
    const shelf = this.#shelves.get(peer);
    if (shelf === undefined) return false;
    for (const line of Object.values(shelf)) {
      const at = line.indexOf(id);
      if (at < 0) continue;
      line.splice(at, 1);
      this.#size -= 1;
      if (shelf.high.length + shelf.normal.length + shelf.low.length === 0) this.#shelves.delete(peer);
      return true;
    }
    return false;
  }
}
