/** The stand-in must refuse what the real implementation refuses, or nearly all worlds would see nothing. */
import { type Bytes, pureCrypto, selfTest } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { answeringSelfTests } from "./self-test-answers.ts";
import { simulatedCrypto } from "./simulated-crypto.ts";

const bytesOf = (length: number, first: number): Bytes => Uint8Array.from({ length }, (_, index) => first + index);
const bend = (bytes: Bytes, index: number): Bytes => bytes.with(index, (bytes[index] ?? 0) ^ 1);
const sealing = { key: bytesOf(32, 1), iv: bytesOf(12, 2), aad: bytesOf(20, 3) };
const plaintext = bytesOf(70, 4);

test("a seal opens to its plaintext, and not where a bit of it, its key, number or header was turned", () => {
  const sealed = simulatedCrypto.seal(sealing, plaintext);
  expect(sealed).toHaveLength(plaintext.length + 16);
  expect(simulatedCrypto.open(sealing, sealed)).toEqual(plaintext);
  for (let index = 0; index < sealed.length; index += 1) expect(simulatedCrypto.open(sealing, bend(sealed, index))).toBeUndefined();
  for (const name of ["key", "iv", "aad"] as const)
    expect(simulatedCrypto.open({ ...sealing, [name]: bend(sealing[name], 5) }, sealed)).toBeUndefined();
  expect(simulatedCrypto.open(sealing, sealed.slice(0, 15))).toBeUndefined();
});

test("a signature fits its key and its message alone", () => {
  const key = simulatedCrypto.signingKey(bytesOf(32, 1));
  const other = simulatedCrypto.signingKey(bytesOf(32, 2));
  const signature = key.sign(plaintext);
  const isGood = (publicKey: Bytes, message: Bytes, by: Bytes): boolean | undefined =>
    simulatedCrypto.verifyingKey(publicKey)?.verify(message, by);
  expect(isGood(key.publicKey, plaintext, signature)).toBe(true);
  expect(isGood(other.publicKey, plaintext, signature)).toBe(false);
  expect(isGood(key.publicKey, bend(plaintext, 0), signature)).toBe(false);
  expect(isGood(key.publicKey, plaintext, bend(signature, 63))).toBe(false);
});

test("both ends of an agreement come to one secret, nobody else does, and an erased key agrees with nobody", () => {
  const [a, b, c] = [1, 2, 3].map((first) => simulatedCrypto.agreementKey(bytesOf(32, first)));
  expect(a?.agree(b?.publicKey ?? plaintext)).toEqual(b?.agree(a?.publicKey ?? plaintext));
  expect(a?.agree(c?.publicKey ?? plaintext)).not.toEqual(a?.agree(b?.publicKey ?? plaintext));
  a?.erase();
  expect(() => a?.agree(bytesOf(32, 9))).toThrow("erased");
});

test("the self-test is put to the real implementation, at every start, and everything else to the stand-in", () => {
  const crypto = answeringSelfTests(pureCrypto)(simulatedCrypto);
  for (let start = 0; start < 2; start += 1) expect(() => selfTest(crypto)).not.toThrow();
  expect(crypto.sha256(plaintext)).toEqual(simulatedCrypto.sha256(plaintext));
  expect(() => selfTest(simulatedCrypto)).toThrow("self-test");
});

test("a real implementation that fails its self-test lets no world begin", () => {
  const broken = { ...pureCrypto, hmacSha256: () => new Uint8Array(32) };
  expect(() => answeringSelfTests(broken)).toThrow("HMAC");
});
