/** What the simulated crypto rests on: one bit more or less anywhere is another digest. */
import { expect, test } from "vitest";
import { digestOf, digestTextOf } from "./digest.ts";

const bytesOf = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, index) => index * 7);

test("turning any one bit turns about half of the digest", () => {
  for (const length of [1, 3, 4, 32, 61, 200]) {
    const bytes = bytesOf(length);
    const before = digestOf(32, bytes);
    for (let bit = 0; bit < 8 * length; bit += 1) {
      const bent = bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
      const after = digestOf(32, bent);
      const differing = after.reduce((sum, byte, index) => sum + bitsOf(byte ^ (before[index] ?? 0)), 0);
      expect(differing).toBeGreaterThan(70);
      expect(differing).toBeLessThan(186);
    }
  }
});

const bitsOf = (byte: number): number => byte.toString(2).replaceAll("0", "").length;

test("a hundred thousand counters, nonces and seams have as many digests", () => {
  const seen = new Set<string>();
  for (let index = 0; index < 50_000; index += 1) {
    const counter = new Uint8Array(new Uint32Array([index, 0]).buffer);
    seen.add(digestTextOf(counter));
    seen.add(digestTextOf(counter.slice(0, 3), counter.slice(3)));
  }
  expect(seen.size).toBe(100_000);
});

test("equal parts have one digest, whose beginning does not depend on how much of it is asked for", () => {
  expect(digestOf(64, bytesOf(40), bytesOf(3)).slice(0, 31)).toEqual(digestOf(31, bytesOf(40), bytesOf(3)));
  expect(digestOf(32, bytesOf(0))).not.toEqual(digestOf(32));
});
