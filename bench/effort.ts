/** How much measuring is done: every figure of the bench is the median of rounds, each of which takes a while. */
export interface Effort {
  readonly rounds: number;
  /** Rounds before those, thrown away: until the compiler has seen how the code is used, it is measured and not the code. */
  readonly warmUps: number;
  readonly roundMs: number;
}

/** Medians of five, as docs/performance.md says. */
export const fullEffort: Effort = { rounds: 5, warmUps: 3, roundMs: 300 };

/** `--quick`: shows that everything runs. Its figures are no claims. */
export const quickEffort: Effort = { rounds: 1, warmUps: 1, roundMs: 60 };
