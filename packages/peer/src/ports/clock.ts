/** Time as the engine sees it. Only adapters ask the machine, so that a simulation can turn the hands itself. */

export interface Timer {
  /** The callback does not run after this; canceling twice is harmless. */
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump either way. */
  now(): number;
  /** Monotonic milliseconds from an arbitrary start: for measuring, never for stamping. Whether a machine counts the time that it sleeps is its own affair. */
  elapsed(): number;
  /** Runs `callback` once, no sooner than `delayMs` from now. A pending timer alone does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
}
