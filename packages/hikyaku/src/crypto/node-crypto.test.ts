import { pureCrypto } from "@hikyaku/protocol";
import { cryptoContract } from "@hikyaku/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { nodeCrypto } from "./node-crypto.ts";

cryptoContract("node:crypto", nodeCrypto);

const seed = 20_260_201;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyBytes = fc.uint8Array({ maxLength: 200 });

test("both implementations hash, authenticate and expand alike", () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, bytes(32), fc.integer({ min: 1, max: 100 }), (left, right, secret, length) => {
      expect(nodeCrypto.sha256(left)).toEqual(pureCrypto.sha256(left));
      expect(nodeCrypto.sha512(left)).toEqual(pureCrypto.sha512(left));
      expect(nodeCrypto.hmacSha256(left, right)).toEqual(pureCrypto.hmacSha256(left, right));
      expect(nodeCrypto.expand(secret, right, length)).toEqual(pureCrypto.expand(secret, right, length));
    }),
    { seed, numRuns: 200 },
  );
});

test("both implementations seal alike, and open what the other sealed unless a bit was flipped [CRY-2]", () => {
  const sealing = fc.record({ key: bytes(32), iv: bytes(12), aad: anyBytes });
  fc.assert(
    fc.property(sealing, anyBytes, fc.nat(), fc.nat(7), (keys, plaintext, where, bit) => {
      const sealed = nodeCrypto.seal(keys, plaintext);
      expect(pureCrypto.seal(keys, plaintext)).toEqual(sealed);
      expect([nodeCrypto, pureCrypto].map((crypto) => crypto.open(keys, sealed))).toEqual([plaintext, plaintext]);
      const index = where % sealed.length;
      const damaged = sealed.with(index, (sealed[index] ?? 0) ^ (1 << bit));
      expect([nodeCrypto, pureCrypto].map((crypto) => crypto.open(keys, damaged))).toEqual([undefined, undefined]);
    }),
    { seed, numRuns: 200 },
  );
});

test("both implementations sign alike, and give one verdict on any damaged signature [ID-4] [ID-5]", () => {
  fc.assert(
    fc.property(bytes(32), anyBytes, fc.nat(63), fc.nat(255), (secret, message, index, change) => {
      const key = nodeCrypto.signingKey(secret);
      const signature = key.sign(message);
      expect(pureCrypto.signingKey(secret).publicKey).toEqual(key.publicKey);
      expect(pureCrypto.signingKey(secret).sign(message)).toEqual(signature);
      const damaged = signature.with(index, (signature[index] ?? 0) ^ change);
      const verdicts = [nodeCrypto, pureCrypto].map((crypto) => crypto.verifyingKey(key.publicKey)?.verify(message, damaged));
      expect(verdicts).toEqual([change === 0, change === 0]);
    }),
    { seed, numRuns: 50 },
  );
});

test("both implementations take and refuse the same keys, half of random ones being off the curve [ID-2]", () => {
  const verdicts: boolean[] = [];
  fc.assert(
    fc.property(bytes(32), (publicKey) => {
      const isTaken = nodeCrypto.verifyingKey(publicKey) !== undefined;
      expect(pureCrypto.verifyingKey(publicKey) !== undefined).toBe(isTaken);
      verdicts.push(isTaken);
    }),
    { seed, numRuns: 300 },
  );
  expect(new Set(verdicts)).toEqual(new Set([true, false]));
});

test("both implementations agree on X25519 with any 32 bytes [CRY-3]", () => {
  fc.assert(
    fc.property(bytes(32), bytes(32), (secret, other) => {
      const [ours, theirs] = [nodeCrypto.agreementKey(secret), pureCrypto.agreementKey(secret)];
      expect(ours.publicKey).toEqual(theirs.publicKey);
      expect(ours.agree(other)).toEqual(theirs.agree(other));
    }),
    { seed, numRuns: 50 },
  );
});
