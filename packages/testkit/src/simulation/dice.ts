/** The only source of chance in a simulation: sfc32 (Doty-Humphrey), one generator for each part that rolls, so that a change in one part leaves the rolls of the others. */
import type { Random } from "@hikyaku/peer";
import type { Bytes } from "@hikyaku/protocol";

export class Dice implements Random {
  readonly #state: Uint32Array;

  /** `label` keeps two generators of one seed apart. */
  constructor(seed: number, label: string) {
    this.#state = new Uint32Array([hashOf(label), seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 1]);
    for (let turn = 0; turn < warmUps; turn += 1) this.#roll();
  }

  /** In [0, 1). */
  next(): number {
    return this.#roll() / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** An integer from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** Mostly small, sometimes large: spread evenly over the orders of magnitude. */
  stretched(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.next());
  }

  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new RangeError("there is nothing to pick from");
    return items[Math.floor(this.next() * items.length)] as Item;
  }

  bytes(length: number): Bytes {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index += 4) {
      const word = this.#roll();
      for (let part = 0; part < 4 && index + part < length; part += 1) bytes[index + part] = (word >>> (8 * part)) & 0xff;
    }
    return bytes;
  }

  /** What a copy of this machine would roll from here on. */
  save(): Uint32Array {
    return this.#state.slice();
  }

  restore(saved: Uint32Array): void {
    this.#state.set(saved);
  }

  #roll(): number {
    const state = this.#state;
    const a = state[0] ?? 0;
    const b = state[1] ?? 0;
    const c = state[2] ?? 0;
    const count = state[3] ?? 0;
    const sum = (a + b + count) >>> 0;
    state[3] = count + 1;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + sum;
    return sum;
  }
}

const warmUps = 12;

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
