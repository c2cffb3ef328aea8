/** A page of a list of which the caller may not see everything: read on until it is full, the list ends, or it has been enough for one answer. */
import { setImmediate as turn } from "node:timers/promises";

interface Cursor {
  readonly position: number;
}

/** What is read at once after a first page with hidden entries: a small page of little that is visible shall not cost a read for each hidden entry. */
const entriesReadMin = 100;

/** Reads of one answer; who wants to look further asks again. */
const readsMax = 10;

export interface SeenPage<Entry> {
  readonly entries: readonly Entry[];
  /** The cursor to go on from, where the list goes on behind what was hidden. */
  readonly next?: number;
}

/** `read` gives the entries beyond a cursor, at most as many as it is told. */
export async function seenPage<Entry extends Cursor>(
  read: (beyond: number | undefined, most: number) => Promise<readonly Entry[]>,
  { beyond, limit, sees }: { readonly beyond: number | undefined; readonly limit: number; readonly sees: (entry: Entry) => boolean },
): Promise<SeenPage<Entry>> {
  const seen: Entry[] = [];
  let cursor = beyond;
  let most = limit;
  for (let reads = 0; reads < readsMax; reads += 1) {
    // A read stands still for as long as it takes: others have their turn in between.
    if (reads > 0) await turn();
    const page = await read(cursor, most);
    seen.push(...page.filter(sees));
    const last = page.at(-1);
    if (last === undefined || page.length < most || seen.length >= limit) return { entries: seen.slice(0, limit) };
    cursor = last.position;
    most = Math.max(limit, entriesReadMin);
  }
  return { entries: seen, ...(cursor === undefined ? {} : { next: cursor }) };
}
