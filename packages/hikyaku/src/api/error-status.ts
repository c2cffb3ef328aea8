/** The HTTP status beside each code on the control interface. */
import type { ErrorCode } from "@hikyaku/protocol";

const statuses: Partial<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  UNKNOWN_PEER: 404,
  UNKNOWN_TASK: 404,
  MESSAGE_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA: 415,
  OVERLOADED: 503,
  UNREACHABLE: 502,
  TIMED_OUT: 504,
  INTERNAL_ERROR: 500,
  STORAGE_FAILED: 500,
};

/** Whatever else the peer refuses is a conflict with its state or with another peer's will. */
export const controlStatusOf = (code: ErrorCode): number => statuses[code] ?? 409;
