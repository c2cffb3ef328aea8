/** A page of a list of which the caller may not see everything: read on until it is full or the list ends. */

interface Cursor {
  readonly position: number;
}

/** `read` gives the entries beyond a cursor, at most `limit`. */
export async function seenPage<Entry extends Cursor>(
  read: (beyond: number | undefined) => Promise<readonly Entry[]>,
  { beyond, limit, sees }: { readonly beyond: number | undefined; readonly limit: number; readonly sees: (entry: Entry) => boolean },
): Promise<readonly Entry[]> {
  const seen: Entry[] = [];
  let cursor = beyond;
  // The list is bounded by what the store keeps.
  for (;;) {
    const page = await read(cursor);
    seen.push(...page.filter(sees));
    const last = page.at(-1);
    if (last === undefined || page.length < limit || seen.length >= limit) return seen.slice(0, limit);
    cursor = last.position;
  }
}
