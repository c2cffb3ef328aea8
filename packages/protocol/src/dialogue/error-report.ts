import * as z from "zod/mini";

/** An authenticated refusal (spec §8): which of the receiver's messages, and why. Never sent in answer to another. */
export interface ErrorBody {
  /** A code, maybe of a newer version than ours. */
  readonly code: string;
  /** The nonce of the refused envelope, in hex. */
  readonly ref: string;
  /** Seconds to wait before trying again. */
  readonly retry_after?: number;
}

export const errorSchema: z.ZodMiniType<ErrorBody> = z.object({
  code: z.string().check(z.regex(/^[A-Z_]{1,64}$/)),
  ref: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  retry_after: z.exactOptional(z.int().check(z.nonnegative())),
});
