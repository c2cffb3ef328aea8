/** What a row must reach, and what it cannot reach because its floor is a part of its own work. Value and floor stand in the unit of the row. */
export interface Figures {
  readonly value: number;
  readonly floor: number;
}

export interface Goal {
  /** As the table shows it. */
  readonly text: string;
  ratioOf(figures: Figures): number;
  isReached(figures: Figures): boolean;
  /** Whether the row claims to be faster than a part of itself: then the bench is wrong, not the program fast. */
  beatsFloor(figures: Figures): boolean;
}

/** Floor and row are not measured in the same second, and machines wander. */
const wander = 0.1;

const quotient = ({ value, floor }: Figures): number => value / floor;

/** For rates: at least this part of what the bare parts would do. */
export const atLeast = (factor: number): Goal => ({
  text: `≥ ${factor} × floor`,
  ratioOf: quotient,
  isReached: (figures) => quotient(figures) >= factor,
  beatsFloor: (figures) => quotient(figures) > 1 + wander,
});

/** For times: at most so many times what the bare parts take. */
export const atMost = (factor: number): Goal => ({
  text: `≤ ${factor} × floor`,
  ratioOf: quotient,
  isReached: (figures) => quotient(figures) <= factor,
  beatsFloor: (figures) => quotient(figures) < 1 - wander,
});

/** For rates whose floor is a yardstick and no part of the work: a bundle needs one signature for many messages and may pass it. */
export const atLeastTimes = (factor: number): Goal => ({
  text: `≥ ${factor} × yardstick`,
  ratioOf: quotient,
  isReached: (figures) => quotient(figures) >= factor,
  beatsFloor: () => false,
});

/** For times that come on top of the floor: the value is what is left once the floor has been taken away. */
export const atMostBeyond = (extra: number, unit: string): Goal => {
  const ratioOf = ({ value, floor }: Figures): number => (value + floor) / floor;
  return {
    text: `≤ ${extra} ${unit} beyond floor`,
    ratioOf,
    isReached: ({ value }) => value <= extra,
    beatsFloor: (figures) => ratioOf(figures) < 1 - wander,
  };
};
