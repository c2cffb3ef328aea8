/** How long a run may take: as long as whoever serves said, or until its task's deadline where that comes first. */
import type { Said } from "./run.ts";

export interface TimeLimit {
  /** Milliseconds since 1970. */
  readonly deadline: number;
  /** Until the deadline unless told. */
  readonly timeoutMs: number | undefined;
  /** What takes the time, as a sentence begins with it. */
  readonly who: string;
}

/** Ends the run with the last word on it once the time is over. */
export function limitTime({ deadline, timeoutMs, who }: TimeLimit, end: (said: Said) => void): NodeJS.Timeout {
  const leftMs = Math.max(0, deadline - Date.now());
  if (timeoutMs !== undefined && timeoutMs < leftMs)
    return setTimeout(() => end({ error: `${who} took longer than ${timeoutMs / 1000} s.`, code: "TIMED_OUT" }), timeoutMs);
  const late = { error: "The deadline passed before the task was done.", code: "DEADLINE_EXCEEDED" };
  return setTimeout(() => end(late), leftMs);
}
