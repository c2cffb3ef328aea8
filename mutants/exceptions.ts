/** Rules about security that have no mutant, and why. */
import type { Exception } from "./gate.ts";

export const exceptions: readonly Exception[] = [
  {
    must: "LIFE-4",
    why: "It forbids something that no line does: there is no code that stores a session, so there is no guard to take away. A test restarts a peer and plays what was recorded.",
  },
];
