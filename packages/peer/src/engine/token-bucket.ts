/** A token bucket as a plain value: so many at once, so many a minute (spec LIM-2). Time is an argument, so a simulation can turn the hands. */
import type { limits } from "@hikyaku/protocol";

type Rate = limits.Rate;

export interface Bucket {
  readonly tokens: number;
  /** Monotonic milliseconds. */
  readonly filledAt: number;
}

const minuteMs = 60_000;

export const fullBucket = ({ burst }: Rate, now: number): Bucket => ({ tokens: burst, filledAt: now });

const refill = ({ tokens, filledAt }: Bucket, { perMinute, burst }: Rate, now: number): Bucket => ({
  tokens: Math.min(burst, tokens + (Math.max(now - filledAt, 0) * perMinute) / minuteMs),
  filledAt: now,
});

/** The bucket with one token less, or how long until there is one. */
export function takeToken(
  bucket: Bucket,
  rate: Rate,
  now: number,
): { readonly kind: "taken"; readonly bucket: Bucket } | { readonly kind: "empty"; readonly waitS: number } {
  const filled = refill(bucket, rate, now);
  if (filled.tokens >= 1) return { kind: "taken", bucket: { ...filled, tokens: filled.tokens - 1 } };
  return { kind: "empty", waitS: Math.ceil(((1 - filled.tokens) * minuteMs) / rate.perMinute / 1000) };
}

/** The bucket with a token put back. */
export const returnToken = (bucket: Bucket, rate: Rate): Bucket => ({ ...bucket, tokens: Math.min(rate.burst, bucket.tokens + 1) });

/** Whether nothing would be lost by forgetting this bucket. */
export const isFull = (bucket: Bucket, rate: Rate, now: number): boolean => refill(bucket, rate, now).tokens >= rate.burst;
