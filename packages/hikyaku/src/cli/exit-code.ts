/** What scripts can tell from the exit code. The README lists the same table. */
import type { ErrorCode } from "@hikyaku/protocol";

export const exitOk = 0;
const exitFailed = 1;
const exitUsage = 2;
export const exitNotRunning = 3;
export const exitUnreachable = 4;
const exitRefused = 5;
export const exitMachine = 6;
const exitTask = 7;
export const exitInterrupted = 130;

const codes: Partial<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: exitUsage,
  UNKNOWN_PEER: exitUsage,
  UNKNOWN_TASK: exitUsage,
  UNREACHABLE: exitUnreachable,
  TIMED_OUT: exitUnreachable,
  OVERLOADED: exitUnreachable,
  RATE_LIMITED: exitUnreachable,
  CLOSED: exitNotRunning,
  KEY_FILE: exitMachine,
  FOLDER_IN_USE: exitMachine,
  ADDRESS_IN_USE: exitMachine,
  STORAGE_FAILED: exitMachine,
  CRYPTO_UNAVAILABLE: exitMachine,
  INTERNAL_ERROR: exitFailed,
  CANCELED: exitFailed,
  TASK_FAILED: exitTask,
};

/** Whatever is not listed is the other side's refusal. */
export const exitCodeOf = (code: ErrorCode): number => codes[code] ?? exitRefused;
