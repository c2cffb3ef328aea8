/**
 * One run of a simulated program, from its start to its end or crash. Whatever reaches the machine asks it first, so a program that has crashed touches nothing any more:
 * not the network, not the disk, not the clock.
 */

export class Life {
  #isOver = false;
  #actionsLeft = Number.POSITIVE_INFINITY;
  readonly #onDeath: () => void;

  constructor(onDeath: () => void) {
    this.#onDeath = onDeath;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the program may still do something to the world. Asking counts as doing. */
  acts(): boolean {
    if (this.#isOver) return false;
    this.#actionsLeft -= 1;
    if (this.#actionsLeft >= 0) return true;
    this.end();
    this.#onDeath();
    return false;
  }

  /** The program dies in the middle of what it does, before its next but so many actions. */
  dieAfter(actions: number): void {
    this.#actionsLeft = actions;
  }

  end(): void {
    this.#isOver = true;
  }
}

/** What a dead program waits for. */
export const never = <Value>(): Promise<Value> => new Promise(() => undefined);
