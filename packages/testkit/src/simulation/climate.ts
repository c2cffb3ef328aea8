/** How rough one simulated world is: drawn once for each seed, and not every world has every kind of trouble, since some troubles hide others. */
import type { Dice } from "./dice.ts";

export interface Climate {
  /** No more faults: what is left must settle now. */
  isCalm: boolean;
  /** All ways take equally long. */
  isSteady: boolean;
  /** When calm began. */
  calmAt: number;
  readonly activeMs: number;
  /** One way, usually. */
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Of frames of exchanges, and their answers; of streams, how often one breaks with a frame. */
  readonly loss: number;
  readonly duplication: number;
  readonly flip: number;
  readonly longDelay: number;
  readonly streamBreak: number;
  readonly stall: number;
  /** How long a stream takes until it takes the next frame: what gathers meanwhile goes together. */
  readonly writeMsMax: number;
  readonly commitMsMax: number;
  readonly diskFull: number;
  readonly crashes: number;
  readonly stops: number;
  readonly partitions: number;
  readonly clockJumps: number;
  readonly naps: number;
  readonly fullDisks: number;
  readonly slowDisks: number;
  readonly slowHandler: number;
  readonly failingHandler: number;
  /** A program that dies while its handler runs. */
  readonly dyingHandler: number;
  readonly shortLife: number;
}

/** Above the least, once it is calm. */
export const calmDelayMs = 20;

export function drawClimate(dice: Dice): Climate {
  const sometimes = (value: () => number): number => (dice.chance(0.6) ? value() : 0);
  const isLong = dice.chance(0.33);
  return {
    isCalm: false,
    isSteady: false,
    calmAt: Number.POSITIVE_INFINITY,
    activeMs: isLong ? dice.between(80_000, 150_000) : dice.between(15_000, 75_000),
    delayMsMin: dice.between(0, 5),
    delayMsMax: dice.stretched(10, 1_500),
    loss: sometimes(() => dice.next() * 0.48),
    duplication: sometimes(() => dice.next() * 0.15),
    flip: sometimes(() => dice.next() * 0.06),
    longDelay: sometimes(() => dice.next() * 0.035),
    streamBreak: sometimes(() => dice.next() * 0.05),
    stall: sometimes(() => dice.next() * 0.03),
    writeMsMax: dice.pick([0, 20, 60, 120]),
    commitMsMax: dice.pick([2, 5, 30, 120]),
    diskFull: sometimes(() => dice.next() * 0.04),
    crashes: sometimes(() => dice.between(2, 4)),
    stops: sometimes(() => dice.between(2, 5)),
    partitions: sometimes(() => dice.between(3, 6)),
    clockJumps: sometimes(() => dice.between(1, 2)),
    naps: isLong ? dice.between(10, 13) : dice.chance(0.1) ? 1 : 0,
    fullDisks: sometimes(() => dice.between(0, 2)),
    slowDisks: sometimes(() => dice.between(1, 3)),
    slowHandler: sometimes(() => dice.next() * 0.35),
    failingHandler: sometimes(() => dice.next() * 0.08),
    dyingHandler: sometimes(() => dice.next() * 0.05),
    shortLife: sometimes(() => dice.next() * 0.2),
  };
}
