/** What went over streams lately and nobody keeps, by the nonce of its envelope (spec HS-13): where the peer has lost the session, the refusal comes after the sending. */
import { limits } from "@hikyaku/protocol";
import type { Cargo } from "./cargo.ts";

export interface Spoken {
  readonly sessionId: string;
  readonly cargo: readonly Cargo[];
}

export class SpokenBook {
  readonly #spoken = new Map<string, Spoken>();

  note(ref: string, spoken: Spoken): void {
    const oldest = this.#spoken.keys().next();
    if (this.#spoken.size >= limits.spokenMax && oldest.done !== true) this.#spoken.delete(oldest.value);
    this.#spoken.set(ref, spoken);
  }

  find(ref: string): Spoken | undefined {
    return this.#spoken.get(ref);
  }

  forget(ref: string): void {
    this.#spoken.delete(ref);
  }
}

/** Kept messages go again by themselves; a receipt's reader asks again, and what is transient has had its moment. */
export const isWorthRepeating = ({ entry, msgType }: Cargo): boolean =>
  entry === undefined && msgType !== "receipt" && msgType !== "message";
