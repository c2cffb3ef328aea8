/** A mistake of our own: the log gets its kind and place, whoever asked gets none of it. */
import { type Log, traceOf } from "@hikyaku/peer";
import { type ErrorCode, HikyakuError } from "@hikyaku/protocol";

export interface Shown {
  readonly code: ErrorCode;
  readonly message: string;
}

export function reportMistake(error: unknown, log: Log): Shown {
  log.write("error", "control.failed", { reason: traceOf(error) });
  return { code: "INTERNAL_ERROR", message: "Something went wrong inside; the log of `hikyaku up` says more." };
}

/** Our own refusals are made to be shown; anything else is a mistake. */
export const shown = (error: unknown, log: Log): Shown =>
  error instanceof HikyakuError ? { code: error.code, message: error.message } : reportMistake(error, log);
