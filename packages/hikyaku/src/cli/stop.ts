/** Commands that run until somebody stops them. */
import { exitInterrupted } from "./exit-code.ts";

export interface Stop extends Disposable {
  /** Resolves on the first SIGINT or SIGTERM. */
  readonly asked: Promise<void>;
}

/**
 * A second signal ends the process at once, whatever is still in work. `hurry` ends what would outlive it, so with one a terminal that hangs up ends the process the same way:
 * what has left the terminal's group nobody else would end.
 */
export function awaitStop(hurry?: () => void): Stop {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isAsked = false;
  const end = (): never => {
    hurry?.();
    process.exit(exitInterrupted);
  };
  const stop = (): void => {
    if (isAsked) end();
    isAsked = true;
    resolve();
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, stop);
  if (hurry !== undefined) process.once("SIGHUP", end);
  const ignore = (): void => {
    for (const signal of signals) process.off(signal, stop);
    process.off("SIGHUP", end);
  };
  return { asked: promise, [Symbol.dispose]: ignore };
}
