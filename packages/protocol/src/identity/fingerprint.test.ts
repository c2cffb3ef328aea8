import { createHash } from "node:crypto";
import { base32 } from "@scure/base";
import fc from "fast-check";
import { expect, test } from "vitest";
import { pureCrypto } from "../crypto/pure.ts";
import { fingerprintOf, safetyNumberOf } from "./fingerprint.ts";

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

const alice = Uint8Array.from({ length: 32 }, (_, at) => at);
/** Differs from Alice's in the last byte only, and is the larger. */
const bob = alice.with(31, 200);

test("a fingerprint is 160 bits of a labelled hash, in eight groups of four letters [ID-6]", () => {
  const fingerprint = fingerprintOf(pureCrypto, alice);
  expect(fingerprint).toMatch(/^[A-Z2-7]{4}( [A-Z2-7]{4}){7}$/);
  expect(fingerprint.replaceAll(" ", "")).toBe(base32.encode(sha256("pcp/1 fingerprint\0", alice).subarray(0, 20)));
});

test("two keys that differ in one bit have fingerprints that differ [ID-6]", () => {
  expect(fingerprintOf(pureCrypto, alice.with(0, 1))).not.toBe(fingerprintOf(pureCrypto, alice));
});

/** Spec §1 word for word, on the platform's own hashes. */
function expectedSafetyNumber(smaller: Uint8Array, larger: Uint8Array): string {
  let hash = sha256("pcp/1 safety\0", smaller, larger);
  for (let round = 0; round < 5199; round += 1) hash = sha256(hash, smaller, larger);
  const long = createHash("sha512").update(hash).digest();
  return Array.from({ length: 12 }, (_, group) => String(long.readUInt32BE(2 * group) % 100_000).padStart(5, "0")).join(" ");
}

test("a safety number is what the spec says, sixty digits in twelve groups [ID-7]", () => {
  const number = safetyNumberOf(pureCrypto, alice, bob);
  expect(number).toMatch(/^\d{5}( \d{5}){11}$/);
  expect(number).toBe(expectedSafetyNumber(alice, bob));
});

test("both sides compute the same safety number, whichever key is the larger and wherever they differ first [ID-7]", () => {
  const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(anyKey, anyKey, (one, two) => {
      const [smaller, larger] = Buffer.compare(one, two) < 0 ? [one, two] : [two, one];
      expect(safetyNumberOf(pureCrypto, one, two)).toBe(expectedSafetyNumber(smaller, larger));
      expect(safetyNumberOf(pureCrypto, two, one)).toBe(expectedSafetyNumber(smaller, larger));
    }),
    {
      numRuns: 5,
      examples: [
        [alice, bob],
        [bob, alice],
        [alice, alice],
      ],
    },
  );
});

test("another key gives another safety number [ID-7]", () => {
  expect(safetyNumberOf(pureCrypto, alice, bob.with(31, 201))).not.toBe(safetyNumberOf(pureCrypto, alice, bob));
});
