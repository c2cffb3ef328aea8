/** Throughput: a number of exchanges under way at once, each followed by the next, until the time is up. */
export interface Flight {
  readonly inFlight: number;
  readonly forMs: number;
}

/** Resolves with how many were carried through. Rejects with the first failure. */
export async function keepInFlight({ inFlight, forMs }: Flight, exchange: () => Promise<unknown>): Promise<number> {
  const until = performance.now() + forMs;
  let count = 0;
  const work = async (): Promise<void> => {
    for (; performance.now() < until; count += 1) await exchange();
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return count;
}
