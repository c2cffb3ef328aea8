/**
 * The start-up self-test (spec §13, CRY-1): every primitive gives its known answers and turns down what it must, or the program does not start. A
 * library that says yes to everything passes every honest exchange, so the refusals count as much as the answers.
 */
import { type Bytes, isSameBytes } from "../base/bytes.ts";
import { HikyakuError } from "../base/errors.ts";
import {
  abc,
  agreementAnswer,
  craftedSignatures,
  emptySealing,
  expandAnswer,
  fullSealing,
  hmacAnswers,
  mixedOrderKey,
  refusedKeys,
  sha256OfAbc,
  sha512OfAbc,
  signingAnswers,
} from "./known-answers.ts";
import type { Crypto } from "./port.ts";

interface Check {
  readonly primitive: string;
  readonly holds: (crypto: Crypto) => boolean;
}

const checks: readonly Check[] = [
  { primitive: "SHA-256", holds: (crypto) => isSameBytes(crypto.sha256(abc), sha256OfAbc) },
  { primitive: "SHA-512", holds: (crypto) => isSameBytes(crypto.sha512(abc), sha512OfAbc) },
  { primitive: "HMAC-SHA-256", holds: macsMatch },
  { primitive: "HKDF-Expand", holds: expandMatches },
  { primitive: "AES-256-GCM sealing", holds: sealingMatches },
  { primitive: "AES-256-GCM opening", holds: openingIsExact },
  { primitive: "Ed25519 signing", holds: signaturesMatch },
  { primitive: "Ed25519 verification", holds: verificationIsExact },
  { primitive: "Ed25519 strict verification", holds: verificationIsStrict },
  { primitive: "Ed25519 key rule", holds: keyRuleHolds },
  { primitive: "Ed25519 torsion rule", holds: torsionRuleHolds },
  { primitive: "X25519", holds: agreementMatches },
  { primitive: "X25519 refusal", holds: agreementRefuses },
];

/** Throws CRYPTO_UNAVAILABLE, naming the primitive, at the first check that does not hold. */
export function selfTest(crypto: Crypto): void {
  for (const { primitive, holds } of checks) {
    let cause: unknown;
    try {
      if (holds(crypto)) continue;
    } catch (error) {
      cause = error;
    }
    throw new HikyakuError("CRYPTO_UNAVAILABLE", `${crypto.name} fails its self-test of ${primitive}`, { cause });
  }
}

function macsMatch(crypto: Crypto): boolean {
  return hmacAnswers.every(({ key, data, mac }) => isSameBytes(crypto.hmacSha256(key, data), mac));
}

function expandMatches(crypto: Crypto): boolean {
  const { secret, info, output } = expandAnswer;
  return isSameBytes(crypto.expand(secret, info, output.length), output) && throws(() => crypto.expand(secret, info, 255 * 32 + 1));
}

function sealingMatches(crypto: Crypto): boolean {
  return [emptySealing, fullSealing].every((answer) => isSameBytes(crypto.seal(answer, answer.plaintext), answer.sealed));
}

function openingIsExact(crypto: Crypto): boolean {
  const { aad, sealed, plaintext } = fullSealing;
  const opened = crypto.open(fullSealing, sealed);
  if (opened === undefined || !isSameBytes(opened, plaintext)) return false;
  const forgeries = [0, sealed.length - 16, sealed.length - 1].map((index) => withBitFlipped(sealed, index));
  // CRY-2: OpenSSL by default is content with the first four bytes of a tag.
  const cutTags = [0, 4, 8, 12, 15].map((length) => emptySealing.sealed.slice(0, length));
  return (
    forgeries.every((forgery) => crypto.open(fullSealing, forgery) === undefined) &&
    crypto.open({ ...fullSealing, aad: withBitFlipped(aad, 0) }, sealed) === undefined &&
    cutTags.every((cut) => crypto.open(emptySealing, cut) === undefined)
  );
}

function signaturesMatch(crypto: Crypto): boolean {
  return signingAnswers.every(({ seed, publicKey, message, signature }) => {
    const key = crypto.signingKey(seed);
    return isSameBytes(key.publicKey, publicKey) && isSameBytes(key.sign(message), signature);
  });
}

function verificationIsExact(crypto: Crypto): boolean {
  return signingAnswers.every(({ publicKey, message, signature }) => {
    const key = crypto.verifyingKey(publicKey);
    const forgeries = [withBitFlipped(signature, 0), withBitFlipped(signature, 32), signature.slice(0, 63), Uint8Array.of(...signature, 0)];
    return (
      key?.verify(message, signature) === true &&
      forgeries.every((forgery) => key.verify(message, forgery) === false) &&
      key.verify(Uint8Array.of(...message, 0), signature) === false
    );
  });
}

/** ID-4 and ID-5, under keys that pass the key rule, so that nothing but `verify` can refuse. */
function verificationIsStrict(crypto: Crypto): boolean {
  return craftedSignatures.every(
    ({ publicKey, message, signature }) => crypto.verifyingKey(publicKey)?.verify(message, signature) === false,
  );
}

function keyRuleHolds(crypto: Crypto): boolean {
  return refusedKeys.every((publicKey) => crypto.verifyingKey(publicKey) === undefined);
}

function torsionRuleHolds(crypto: Crypto): boolean {
  return (
    signingAnswers.every(({ publicKey }) => crypto.isTorsionFree(publicKey) === true) &&
    [mixedOrderKey, ...refusedKeys].every((publicKey) => crypto.isTorsionFree(publicKey) === false)
  );
}

function agreementMatches(crypto: Crypto): boolean {
  const { privateKey, publicKey, otherPublicKey, shared } = agreementAnswer;
  const key = crypto.agreementKey(privateKey);
  const agreed = key.agree(otherPublicKey);
  return isSameBytes(key.publicKey, publicKey) && agreed !== undefined && isSameBytes(agreed, shared);
}

function agreementRefuses(crypto: Crypto): boolean {
  const { privateKey, otherPublicKey } = agreementAnswer;
  const key = crypto.agreementKey(privateKey);
  // CRY-3: u = 0 and u = 1 are of small order; their result is all zero.
  const refused = [new Uint8Array(32), withBitFlipped(new Uint8Array(32), 0), otherPublicKey.slice(0, 31)];
  const isRefusing = refused.every((other) => key.agree(other) === undefined);
  key.erase();
  return isRefusing && throws(() => key.agree(otherPublicKey));
}

function withBitFlipped(bytes: Bytes, index: number): Bytes {
  return bytes.with(index, (bytes[index] ?? 0) ^ 1);
}

function throws(action: () => unknown): boolean {
  try {
    action();
  } catch {
    return true;
  }
  return false;
}
