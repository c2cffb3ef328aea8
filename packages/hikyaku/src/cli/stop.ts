/** Commands that run until somebody stops them. */
import { exitInterrupted } from "./exit-code.ts";

export interface Stop extends Disposable {
  /** Resolves on the first SIGINT or SIGTERM. */
  readonly asked: Promise<void>;
}

/** A second signal ends the process at once, whatever is still in work; `hurry` may end by itself what would outlive it. */
export function awaitStop(hurry: () => void = () => undefined): Stop {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isAsked = false;
  const stop = (): void => {
    if (isAsked) {
      hurry();
      process.exit(exitInterrupted);
    }
    isAsked = true;
    resolve();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, stop);
  const ignore = (): void => signals.forEach((signal) => process.off(signal, stop));
  return { asked: promise, [Symbol.dispose]: ignore };
}
