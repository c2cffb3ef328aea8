/** How often each kind of fault struck, and each way of getting over it was taken. A simulation in which something never happens proves nothing about it. */

export type Tally = Map<string, number>;

export function count(tally: Tally, name: string, by = 1): void {
  tally.set(name, (tally.get(name) ?? 0) + by);
}

export function addAll(tally: Tally, other: Iterable<readonly [string, number]>): void {
  for (const [name, number] of other) count(tally, name, number);
}
