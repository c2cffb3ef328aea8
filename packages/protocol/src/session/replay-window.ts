/**
 * A replay window remembers which message counters a session has already opened (spec MSG-5). It judges counters only; whether a message is
 * authentic is decided by whoever commits the judged window (see session.ts).
 */
import { forwardJumpMax, replayWindowSize } from "../base/limits.ts";

export interface ReplayWindow {
  readonly highest: number;
  /** Bit `i` is set when the counter `highest - i` has been seen; a bigint, because number shifts wrap at 32. */
  readonly seen: bigint;
}

export type Verdict =
  | { readonly kind: "fresh"; readonly window: ReplayWindow }
  | { readonly kind: "replayed" }
  | { readonly kind: "out-of-range" };

const windowMask = (1n << BigInt(replayWindowSize)) - 1n;

/** A window that has seen `highest` and whatever came before it. */
export const windowAt = (highest: number): ReplayWindow => ({ highest, seen: windowMask });

/** Judges one counter. Replays are everyday weather on a lossy network, so they are an answer, not an error. */
export function judgeCounter(window: ReplayWindow, counter: number): Verdict {
  const age = window.highest - counter;
  // What is older than the window cannot be told from a replay; a far jump would cost a derivation for each counter skipped.
  if (age >= replayWindowSize || -age > forwardJumpMax) return { kind: "out-of-range" };
  if (age < 0) {
    const slid = (window.seen << BigInt(-age)) & windowMask;
    return { kind: "fresh", window: { highest: counter, seen: slid | 1n } };
  }
  const bit = 1n << BigInt(age);
  if ((window.seen & bit) !== 0n) return { kind: "replayed" };
  return { kind: "fresh", window: { ...window, seen: window.seen | bit } };
}
