/** Envelopes with durable messages that are on their way (spec DLV-3): which messages each carries, so that what has had no receipt in time is sent again. */
import type { Link } from "../ports/link.ts";
import type { LaneEntry } from "./outgoing-lane.ts";

export interface Flight {
  /** The envelope's nonce in hex, by which an error names it. */
  readonly ref: string;
  readonly sessionId: string;
  /** Absent where it left as an answer to the peer's own call. */
  readonly link: Link | undefined;
  /** Monotonic milliseconds. */
  readonly sentAt: number;
  /** Those without a receipt. */
  readonly entries: Set<LaneEntry>;
}

export class Flights {
  /** Oldest first. */
  readonly #byRef = new Map<string, Flight>();

  get size(): number {
    return this.#byRef.size;
  }

  add(flight: Flight): void {
    this.#byRef.set(flight.ref, flight);
    for (const entry of flight.entries) entry.lane.fly(entry, flight);
  }

  get(ref: string): Flight | undefined {
    return this.#byRef.get(ref);
  }

  oldest(): Flight | undefined {
    return this.#byRef.values().next().value;
  }

  /** The recipient has this one. */
  arrive(entry: LaneEntry): void {
    const { flight } = entry;
    flight?.entries.delete(entry);
    if (flight?.entries.size === 0) this.#byRef.delete(flight.ref);
  }

  /** What the flight carried is ready again. */
  turnBack(flight: Flight): readonly LaneEntry[] {
    if (!this.#byRef.delete(flight.ref)) return [];
    for (const entry of flight.entries) entry.lane.land(entry);
    return [...flight.entries];
  }

  /** The same for all that `isOver` says will not arrive any more. */
  turnBackAll(isOver: (flight: Flight) => boolean): readonly LaneEntry[] {
    return [...this.#byRef.values()].filter(isOver).flatMap((flight) => this.turnBack(flight));
  }
}
