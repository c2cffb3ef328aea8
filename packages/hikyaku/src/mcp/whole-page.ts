/** A page of a list of which the peer tells only so much at once: where much of it is hidden from this agent, it is asked on from where it stopped. */

/** Some of what was asked for; the rest lies beyond `next`, where there is one. */
export interface PartialPage<Item> {
  readonly items: readonly Item[];
  readonly next?: number | undefined;
}

/** `ask` gives what lies beyond a cursor, at most as much as it is told. */
export async function wholePage<Item>(
  { beyond, limit }: { readonly beyond: number | undefined; readonly limit: number },
  ask: (beyond: number | undefined, most: number) => Promise<PartialPage<Item>>,
): Promise<readonly Item[]> {
  const found: Item[] = [];
  let cursor = beyond;
  // The list is bounded by what the peer keeps.
  do {
    const { items, next } = await ask(cursor, limit - found.length);
    found.push(...items);
    cursor = next;
  } while (cursor !== undefined && found.length < limit);
  return found;
}
