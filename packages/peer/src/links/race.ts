/** Several addresses at once (RFC 8305): the next one starts when the one before has failed or not answered for a moment, and the first that opens wins. */
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";

export interface Racer<Prize> {
  /** Opens one way; the signal aborts when another has won. */
  readonly open: (signal: AbortSignal) => Promise<Prize>;
  /** Takes back what was opened too late. */
  readonly discard: (prize: Prize) => void;
}

/** The prize and whose it is, or the failures of all, in the order of the racers. A failure that is no HikyakuError is a mistake and rejects. */
export async function race<Prize>(
  clock: Clock,
  racers: readonly Racer<Prize>[],
  signal: AbortSignal,
): Promise<
  | { readonly kind: "won"; readonly index: number; readonly prize: Prize }
  | { readonly kind: "lost"; readonly failures: readonly HikyakuError[] }
> {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const failures: HikyakuError[] = [];
  const finish = Promise.withResolvers<{ readonly index: number; readonly prize: Prize } | undefined>();
  let started = 0;
  let running = 0;
  let hasEnded = false;
  const end = (outcome: { readonly index: number; readonly prize: Prize } | undefined): void => {
    hasEnded = true;
    finish.resolve(outcome);
  };
  const startNext = (): void => {
    const index = started;
    const racer = racers[index];
    if (racer === undefined || hasEnded) return;
    started += 1;
    running += 1;
    const stagger = clock.after(limits.raceStaggerMs, startNext);
    racer.open(stop).then(
      (prize) => {
        stagger.cancel();
        if (hasEnded) racer.discard(prize);
        else end({ index, prize });
      },
      (error: unknown) => {
        running -= 1;
        stagger.cancel();
        if (!(error instanceof HikyakuError)) return finish.reject(error);
        failures[index] = error;
        startNext();
        if (running === 0 && started === racers.length) end(undefined);
      },
    );
  };
  if (racers.length === 0) return { kind: "lost", failures };
  startNext();
  try {
    const won = await finish.promise;
    return won === undefined ? { kind: "lost", failures } : { kind: "won", ...won };
  } finally {
    hasEnded = true;
    over.abort(new HikyakuError("CANCELED", "Another address was faster."));
  }
}
