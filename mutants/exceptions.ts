/** Rules about security that have no mutant, and why. */
import type { Exception } from "./gate.ts";

export const exceptions: readonly Exception[] = [];
