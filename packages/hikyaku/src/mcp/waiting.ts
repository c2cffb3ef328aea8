/** A question that hangs until there is something to answer it with. */
import { type Control, queryOf } from "./control.ts";

export type Subject = "inbox" | "peers" | "tasks";

export interface Changed {
  readonly cursor: number;
  readonly subjects: readonly Subject[];
}

export const changesAfter = (control: Control, after: number, waitMs: number, signal: AbortSignal): Promise<Changed> =>
  control.get<Changed>(`/changes?${queryOf({ after, waitMs: Math.round(waitMs) })}`, signal);

export interface Waiting {
  readonly control: Control;
  /** What has to change before it is worth looking again. */
  readonly subject: Subject;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** What `look` finds: at once where it finds anything, else as soon as it does, or nothing when the time is over. */
export async function untilSomething<Item>(
  { control, subject, seconds, signal }: Waiting,
  look: () => Promise<readonly Item[]>,
): Promise<readonly Item[]> {
  if (seconds === 0) return await look();
  const until = performance.now() + seconds * 1000;
  // Asked for before the first look, so that what comes between is not missed.
  let { cursor } = await changesAfter(control, 0, 0, signal);
  let found = await look();
  while (found.length === 0) {
    const waitMs = until - performance.now();
    if (waitMs <= 0) return found;
    const changed = await changesAfter(control, cursor, waitMs, signal);
    cursor = changed.cursor;
    if (changed.subjects.includes(subject)) found = await look();
  }
  return found;
}
