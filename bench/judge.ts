/** From what a row measured to its line in the results. */
import type { Counterpart, Measured, Row } from "./row.ts";

/** One line, exactly as it stands in the JSON. */
export interface RowResult {
  readonly id: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly floor: number;
  readonly ratio: number;
  readonly goal: string;
  readonly reached: boolean;
  readonly peers: readonly Counterpart[];
}

export type Judgement =
  | { readonly kind: "measured"; readonly result: RowResult }
  /** An error of the bench: it is faster than a part of its own work, or brought no figure. */
  | { readonly kind: "impossible"; readonly why: string };

export function judge({ id, name, unit, goal }: Pick<Row, "id" | "name" | "unit" | "goal">, { value, floor, peers }: Measured): Judgement {
  // A value may be below zero: what comes on top of the floor, on a machine that wanders.
  if (!Number.isFinite(value) || !Number.isFinite(floor) || floor <= 0)
    return { kind: "impossible", why: `${id} brought no figures: value ${value}, floor ${floor}` };
  const ratio = goal.ratioOf({ value, floor });
  if (goal.beatsFloor({ value, floor }))
    return { kind: "impossible", why: `${id} beats its own floor (ratio ${digits(ratio)}, goal ${goal.text}): the bench measures wrongly` };
  const result = { id, name, value: rounded(value), unit, floor: rounded(floor), ratio: rounded(ratio), goal: goal.text };
  return { kind: "measured", result: { ...result, reached: goal.isReached({ value, floor }), peers: peers.map(roundedPeer) } };
}

const roundedPeer = ({ name, value, lacks }: Counterpart): Counterpart => ({ name, value: rounded(value), lacks });

/** Four digits: more would be noise. */
const rounded = (value: number): number => Number(value.toPrecision(4));

export const digits = (value: number): string =>
  Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
