/** Questions to many at once, but never to more than a few. */
export const atOnceMax = 8;

/** The results in the order of the items. */
export async function inParallel<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<readonly Result[]> {
  const results = new Map<number, Result>();
  const rest = items.entries();
  // All workers draw from one iterator, so each takes the next item as soon as it is free.
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) results.set(index, await work(item));
  };
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, worker));
  return items.map((_, index) => results.get(index) as Result);
}
