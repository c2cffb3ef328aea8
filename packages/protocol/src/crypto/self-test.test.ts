import { ed25519 } from "@noble/curves/ed25519.js";
import { expect, test } from "vitest";
import { type Bytes, concatBytes, encodeHex, isSameBytes } from "../base/bytes.ts";
import { HikyakuError } from "../base/errors.ts";
import { craftedSignatures, refusedKeys } from "./known-answers.ts";
import type { AgreementKey, Crypto, SigningKey, VerifyingKey } from "./port.ts";
import { pureCrypto } from "./pure.ts";
import { selfTest } from "./self-test.ts";

const whole = pureCrypto;
const flipped = (bytes: Bytes): Bytes => bytes.with(0, (bytes[0] ?? 0) ^ 1);

const withVerify = (verify: (key: VerifyingKey, message: Bytes, signature: Bytes) => boolean): Partial<Crypto> => ({
  verifyingKey(publicKey) {
    const key = whole.verifyingKey(publicKey);
    return key && { publicKey, verify: (message, signature) => verify(key, message, signature) };
  },
});
const withSigning = (change: (key: SigningKey) => Partial<SigningKey>): Partial<Crypto> => ({
  signingKey: (seed) => ({ ...whole.signingKey(seed), ...change(whole.signingKey(seed)) }),
});
const withAgreement = (change: (key: AgreementKey) => Partial<AgreementKey>): Partial<Crypto> => ({
  agreementKey(privateKey) {
    const key = whole.agreementKey(privateKey);
    return { ...key, ...change(key) };
  },
});
/** A verifier as lenient as noble's own with ZIP-215 rules, behind our key rule. */
const zip215 = (key: VerifyingKey, message: Bytes, signature: Bytes): boolean =>
  signature.length === 64 && ed25519.verify(signature, message, key.publicKey, { zip215: true });
/** Also an `open` that compares as much of a tag as it was given. */
const openCutTag: Crypto["open"] = (sealing, sealed) => {
  const tag = whole.seal(sealing, new Uint8Array(0));
  const isPrefix = sealed.length > 3 && sealed.length < 16 && sealed.every((byte, index) => byte === tag[index]);
  return isPrefix ? new Uint8Array(0) : whole.open(sealing, sealed);
};
/** Takes the keys that the rule refuses where `isTaken` says so. */
const takingKeys = (isTaken: (publicKey: Bytes) => boolean): Partial<Crypto> => ({
  verifyingKey: (publicKey) => whole.verifyingKey(publicKey) ?? (isTaken(publicKey) ? { publicKey, verify: () => false } : undefined),
});

const broken: readonly (readonly [primitive: string, how: string, change: Partial<Crypto>])[] = [
  ["SHA-256", "a wrong digest", { sha256: (data) => flipped(whole.sha256(data)) }],
  ["SHA-256", "an empty digest", { sha256: () => new Uint8Array(0) }],
  ["SHA-512", "a wrong digest", { sha512: (data) => flipped(whole.sha512(data)) }],
  ["HMAC-SHA-256", "ignoring the key", { hmacSha256: (_key, data) => whole.sha256(data) }],
  ["HMAC-SHA-256", "cutting long keys", { hmacSha256: (key, data) => whole.hmacSha256(key.slice(0, 64), data) }],
  ["HKDF-Expand", "ignoring info", { expand: (secret, _info, length) => whole.expand(secret, new Uint8Array(0), length) }],
  ["HKDF-Expand", "one block only", { expand: (secret, info) => whole.expand(secret, info, 32) }],
  ["HKDF-Expand", "no upper bound", { expand: (secret, info, length) => whole.expand(secret, info, Math.min(length, 8160)) }],
  ["AES-256-GCM sealing", "not encrypting", { seal: (_sealing, plaintext) => concatBytes(plaintext, new Uint8Array(16)) }],
  ["AES-256-GCM sealing", "ignoring the AAD", { seal: (sealing, data) => whole.seal({ ...sealing, aad: new Uint8Array(0) }, data) }],
  ["AES-256-GCM opening", "ignoring the tag", { open: (sealing, sealed) => whole.seal(sealing, sealed.slice(0, -16)).slice(0, -16) }],
  ["AES-256-GCM opening", "taking cut tags", { open: openCutTag }],
  ["AES-256-GCM opening", "opening nothing", { open: () => undefined }],
  ["Ed25519 signing", "a wrong signature", withSigning((key) => ({ sign: (message) => flipped(key.sign(message)) }))],
  ["Ed25519 signing", "a wrong public key", withSigning((key) => ({ publicKey: flipped(key.publicKey) }))],
  ["Ed25519 verification", "always true", withVerify(() => true)],
  ["Ed25519 verification", "always false", withVerify(() => false)],
  ["Ed25519 verification", "ignoring the message", withVerify((key, _message, signature) => isKnownSignature(key, signature))],
  ["Ed25519 verification", "reading past 64 bytes", withVerify((key, message, signature) => key.verify(message, signature.slice(0, 64)))],
  ["Ed25519 verification", "refusing every key", { verifyingKey: () => undefined }],
  ["Ed25519 strict verification", "cofactored as noble is", withVerify(zip215)],
  ["Ed25519 key rule", "taking every key", takingKeys(() => true)],
  ["Ed25519 torsion rule", "always true", { isTorsionFree: () => true }],
  ["Ed25519 torsion rule", "always false", { isTorsionFree: () => false }],
  ["X25519", "a wrong result", withAgreement((key) => ({ agree: (other) => key.agree(flipped(other)) }))],
  ["X25519", "a wrong public key", withAgreement((key) => ({ publicKey: flipped(key.publicKey) }))],
  ["X25519 refusal", "handing out zeroes", withAgreement((key) => ({ agree: (other) => key.agree(other) ?? new Uint8Array(32) }))],
  ["X25519 refusal", "living on after erasure", withAgreement(() => ({ erase: () => undefined }))],
];

/** The refusals one by one: a self-test that held only some of these would pass every case above. */
const tooLenient: typeof broken = [
  ...craftedSignatures.map(({ why, signature: crafted }) => {
    const change = withVerify((key, message, signature) => isSameBytes(signature, crafted) || key.verify(message, signature));
    return ["Ed25519 strict verification", `taking the signature with ${why}`, change] as const;
  }),
  ...refusedKeys.map((refused) => {
    const change = takingKeys((publicKey) => isSameBytes(publicKey, refused));
    return ["Ed25519 key rule", `taking the key ${encodeHex(refused)}`, change] as const;
  }),
];

function isKnownSignature(key: VerifyingKey, signature: Bytes): boolean {
  return [new Uint8Array(0), Uint8Array.of(0x72), Uint8Array.of(0xaf, 0x82)].some((message) => key.verify(message, signature));
}

function failureOf(crypto: Crypto): unknown {
  try {
    selfTest(crypto);
  } catch (error) {
    return error;
  }
  return undefined;
}

test("a whole implementation passes [CRY-1]", () => {
  expect(failureOf(whole)).toBeUndefined();
});

test.each([...broken, ...tooLenient])("%s is found out: %s [CRY-1]", (primitive, _how, change) => {
  const failure = failureOf({ ...whole, ...change, name: "a broken one" });
  expect(failure).toBeInstanceOf(HikyakuError);
  expect(failure).toMatchObject({ code: "CRYPTO_UNAVAILABLE", message: `a broken one fails its self-test of ${primitive}` });
});

test("a primitive that throws is a failure with its cause, not a pass [CRY-1]", () => {
  const cause = new TypeError("not built in");
  const absent = () => {
    throw cause;
  };
  expect(failureOf({ ...whole, sha512: absent })).toMatchObject({ code: "CRYPTO_UNAVAILABLE", cause });
});
