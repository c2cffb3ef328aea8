import fc from "fast-check";
import { expect, test } from "vitest";
import { RateLimiter } from "./rate-limiter.ts";
import { fullBucket, takeToken } from "./token-bucket.ts";

const rate = { perMinute: 60, burst: 3 };

test("a burst passes at once, and then one a second [LIM-2]", () => {
  const limiter = new RateLimiter(10);
  expect([0, 0, 0].map((now) => limiter.take("desk", rate, now))).toEqual([undefined, undefined, undefined]);
  expect(limiter.take("desk", rate, 0)).toBe(1);
  expect(limiter.take("desk", rate, 999)).toBe(1);
  expect(limiter.take("desk", rate, 1000)).toBeUndefined();
  expect(limiter.take("desk", rate, 1000)).toBe(1);
  expect([9e6, 9e6, 9e6, 9e6].map((now) => limiter.take("desk", rate, now))).toEqual([undefined, undefined, undefined, 1]);
});

test("whoever is limited does not limit others, and gets tokens back that were taken in error [LIM-2]", () => {
  const limiter = new RateLimiter(10);
  for (let taken = 0; taken < 3; taken += 1) limiter.take("desk", rate, 0);
  expect(limiter.take("lap", rate, 0)).toBeUndefined();
  limiter.giveBack("desk");
  expect(limiter.take("desk", rate, 0)).toBeUndefined();
  expect(limiter.take("desk", rate, 0)).toBe(1);
});

test("names are bounded: newcomers share one bucket, and whoever was there keeps its own [LIM-4]", () => {
  const limiter = new RateLimiter(2);
  limiter.take("desk", rate, 0);
  limiter.take("lap", rate, 0);
  const strangers = Array.from({ length: 100 }, (_, index) => limiter.take(`stranger ${index}`, rate, 0));
  expect(strangers.filter((wait) => wait === undefined)).toHaveLength(rate.burst);
  expect(limiter.size).toBe(3);
  expect(limiter.take("desk", rate, 0)).toBeUndefined();
});

test("a bucket that has filled up makes room [LIM-4]", () => {
  const limiter = new RateLimiter(1);
  limiter.take("desk", rate, 0);
  limiter.take("lap", rate, 1000);
  expect(limiter.size).toBe(1);
  limiter.sweep(2000);
  expect(limiter.size).toBe(0);
});

test("no bucket ever gives more than its burst and what has flowed in since [LIM-2]", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 200 }), (pauses) => {
      let now = 0;
      let bucket = fullBucket(rate, now);
      let taken = 0;
      for (const pause of pauses) {
        now += pause;
        const result = takeToken(bucket, rate, now);
        if (result.kind === "empty") continue;
        bucket = result.bucket;
        taken += 1;
      }
      expect(taken).toBeLessThanOrEqual(rate.burst + (now * rate.perMinute) / 60_000 + 1e-6);
    }),
  );
});
