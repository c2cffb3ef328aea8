/** A page of a list of which the caller may not see everything: read on until it is full or the list ends. */

interface Cursor {
  readonly position: number;
}

/** What is read at once after a first page with hidden entries: a small page of little that is visible shall not cost a read for each hidden entry. */
const entriesReadMin = 100;

/** `read` gives the entries beyond a cursor, at most as many as it is told. */
export async function seenPage<Entry extends Cursor>(
  read: (beyond: number | undefined, most: number) => Promise<readonly Entry[]>,
  { beyond, limit, sees }: { readonly beyond: number | undefined; readonly limit: number; readonly sees: (entry: Entry) => boolean },
): Promise<readonly Entry[]> {
  const seen: Entry[] = [];
  let cursor = beyond;
  let most = limit;
  // The list is bounded by what the store keeps.
  for (;;) {
    const page = await read(cursor, most);
    seen.push(...page.filter(sees));
    const last = page.at(-1);
    if (last === undefined || page.length < most || seen.length >= limit) return seen.slice(0, limit);
    cursor = last.position;
    most = Math.max(limit, entriesReadMin);
  }
}
