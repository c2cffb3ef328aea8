/** When to try again (spec DLV-5): exponential with full jitter, so that many who lost one peer do not all come back at once. Time and dice are arguments. */
import { limits } from "@hikyaku/protocol";

export interface Backoff {
  /** Failures in a row. */
  readonly failures: number;
  /** When the first of them happened, in monotonic milliseconds. */
  readonly since: number;
  /** Not before this. */
  readonly retryAt: number;
}

/** The backoff after one more failure; `dice` lies in [0, 1). */
export function afterFailure(before: Backoff | undefined, now: number, dice: number): Backoff {
  const failures = (before?.failures ?? 0) + 1;
  const since = before?.since ?? now;
  const isLongGone = now - since >= limits.longGoneMs;
  const cap = isLongGone ? limits.longGoneRetryMs : Math.min(limits.retryMsMax, limits.retryMsMin * 2 ** Math.min(failures - 1, 16));
  // Never at once: a peer that refuses quickly must not be asked in a tight loop.
  return { failures, since, retryAt: now + Math.max(cap * dice, limits.retryMsMin / 4) };
}
