/** The HTTP status beside each code (spec §8). A refusal is the caller's doing unless this table says otherwise. */
import type { ErrorCode } from "@hikyaku/protocol";

const statuses: Readonly<Partial<Record<ErrorCode, number>>> = {
  MESSAGE_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA: 415,
  RATE_LIMITED: 429,
  OVERLOADED: 503,
  INTERNAL_ERROR: 500,
};

export const httpStatusOf = (code: ErrorCode): number => statuses[code] ?? 400;
