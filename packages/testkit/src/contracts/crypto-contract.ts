/**
 * What every implementation of the crypto port has to do (spec §1, §3, §5, §13). The expectation comes from each vector file's own verdict; where our
 * rules are stricter, the cases are named here with the reason. The count of cases is asserted, so that none can fall out unseen.
 */
import { type Bytes, type Crypto, concatBytes, encodeHex, isSameBytes, selfTest } from "@hikyaku/protocol";
import { describe, expect, test } from "vitest";
import { readCraftedSignatures } from "../vectors/crafted-signatures.ts";
import { readSpeccheckCases, type SpeccheckCase } from "../vectors/ed25519-speccheck.ts";
import {
  readAgreementVectors,
  readDerivationVectors,
  readMacVectors,
  readSealingVectors,
  readSignatureVectors,
  type WycheproofCase,
} from "../vectors/wycheproof.ts";

export function cryptoContract(name: string, crypto: Crypto): void {
  describe(`${name} as crypto`, () => {
    test("passes the start-up self-test [CRY-1]", () => {
      expect(() => selfTest(crypto)).not.toThrow();
    });
    signatureContract(crypto);
    agreementContract(crypto);
    sealingContract(crypto);
    derivationContract(crypto);
    ownershipContract(crypto);
  });
}

/** The ids of the cases that `isRight` turns out to be wrong about: a shorter message than a case that fails by itself. */
function wrongIds<Vector extends WycheproofCase>(vectors: readonly Vector[], isRight: (vector: Vector) => boolean): readonly number[] {
  return vectors.filter((vector) => !isRight(vector)).map(({ id }) => id);
}

const isResult = (found: Bytes | undefined, wanted: Bytes): boolean => found !== undefined && isSameBytes(found, wanted);

function signatureContract(crypto: Crypto): void {
  test("agrees with Wycheproof on 151 of 151 Ed25519 signatures, all under keys that pass our rules [ID-2] [ID-3] [ID-4]", () => {
    const vectors = readSignatureVectors();
    const wrong = wrongIds(vectors, ({ publicKey, message, signature, verdict }) => {
      return crypto.verifyingKey(publicKey)?.verify(message, signature) === (verdict === "valid");
    });
    const keys = new Map(vectors.map(({ publicKey }) => [encodeHex(publicKey), publicKey]));
    expect([...keys.values()].every((publicKey) => crypto.isTorsionFree(publicKey))).toBe(true);
    expect([vectors.length, wrong]).toEqual([151, []]);
  });

  test("accepts none of the twelve signatures of speccheck, each stopped by the rule made for it [ID-2] [ID-3] [ID-4] [ID-5]", () => {
    expect(readSpeccheckCases().map((speccheck) => stoppedBy(crypto, speccheck))).toEqual([
      "key rule", // 0: A and R of small order, S = 0
      "key rule", // 1: A of small order
      "verification", // 2: R of small order
      "torsion rule", // 3: A and R of mixed order; both equations hold, so only the torsion rule is left
      "verification", // 4: A and R of mixed order; the cofactored equation alone holds
      "verification", // 5: A of mixed order; the cofactored equation alone holds
      "verification", // 6: S above L
      "verification", // 7: S far above L
      "verification", // 8: R not canonical, reduced before hashing
      "verification", // 9: R not canonical, hashed as it is
      "key rule", // 10: A not canonical, reduced before hashing
      "key rule", // 11: A not canonical, hashed as it is
    ]);
  });

  test.each([
    ["that only the cofactored equation accepts [ID-5]", "cofactoredOnly"],
    ["whose R is the identity, though the equation holds [ID-4]", "identityR"],
  ] as const)("refuses a signature %s, under an honest key", (_what, crafted) => {
    const { seed, publicKey, message, [crafted]: signature } = readCraftedSignatures();
    const key = crypto.verifyingKey(publicKey);
    expect(crypto.isTorsionFree(publicKey)).toBe(true);
    expect(key?.verify(message, crypto.signingKey(seed).sign(message))).toBe(true);
    expect(key?.verify(message, signature)).toBe(false);
  });

  test("answers false, never an exception, to a signature of any other length than 64 bytes [ID-4]", () => {
    const key = crypto.signingKey(new Uint8Array(32));
    const signature = key.sign(new Uint8Array(0));
    const verifying = crypto.verifyingKey(key.publicKey);
    const others = [0, 1, 32, 63].map((length) => signature.slice(0, length)).concat([concatBytes(signature, new Uint8Array(1))]);
    expect(others.map((other) => verifying?.verify(new Uint8Array(0), other))).toEqual(others.map(() => false));
  });

  test("imports no key of any other length than 32 bytes [ID-2]", () => {
    const { publicKey } = crypto.signingKey(new Uint8Array(32));
    for (const other of [new Uint8Array(0), publicKey.slice(0, 31), concatBytes(publicKey, new Uint8Array(1))]) {
      expect(crypto.verifyingKey(other)).toBeUndefined();
      expect(crypto.isTorsionFree(other)).toBe(false);
    }
  });
}

/** Which check turns a case away, in the order in which an identity meets them. */
function stoppedBy(crypto: Crypto, { publicKey, message, signature }: SpeccheckCase): string {
  const key = crypto.verifyingKey(publicKey);
  if (key === undefined) return "key rule";
  if (!key.verify(message, signature)) return "verification";
  return crypto.isTorsionFree(publicKey) ? "nothing" : "torsion rule";
}

function agreementContract(crypto: Crypto): void {
  test("agrees with Wycheproof on 518 X25519 results and refuses the 31 that are all zero [CRY-3]", () => {
    const vectors = readAgreementVectors();
    // Our rule: an all-zero result is an acceptable result to the file and never to us.
    const zero = new Set(vectors.filter(({ flags }) => flags.includes("ZeroSharedSecret")).map(({ id }) => id));
    const wrong = wrongIds(vectors, ({ id, privateKey, publicKey, shared }) => {
      const found = crypto.agreementKey(privateKey).agree(publicKey);
      return zero.has(id) ? found === undefined : isResult(found, shared);
    });
    expect([vectors.length, zero.size, wrong]).toEqual([518, 31, []]);
  });

  test("agrees with nobody whose key is not 32 bytes, and not at all once erased [CRY-3]", () => {
    const secret = new Uint8Array(32).fill(7);
    const key = crypto.agreementKey(secret);
    expect(key.agree(new Uint8Array(31).fill(9))).toBeUndefined();
    expect(key.agree(new Uint8Array(33).fill(9))).toBeUndefined();
    key.erase();
    expect(() => key.agree(new Uint8Array(32).fill(9))).toThrow("erased");
    // The caller's own copy is the caller's to erase.
    expect(secret).toEqual(new Uint8Array(32).fill(7));
  });
}

function sealingContract(crypto: Crypto): void {
  test("agrees with Wycheproof on the 66 of 316 AES-GCM cases with our sizes [CRY-2]", () => {
    const all = readSealingVectors();
    const ours = all.filter(({ key, iv, tag }) => key.length === 32 && iv.length === 12 && tag.length === 16);
    const wrong = wrongIds(ours, (vector) => {
      const sealed = concatBytes(vector.ciphertext, vector.tag);
      if (vector.verdict === "invalid") return crypto.open(vector, sealed) === undefined;
      return isResult(crypto.open(vector, sealed), vector.plaintext) && isSameBytes(crypto.seal(vector, vector.plaintext), sealed);
    });
    expect([all.length, ours.length, wrong]).toEqual([316, 66, []]);
  });

  test.each([0, 1, 40])("opens nothing whose tag is not whole, behind %i bytes of ciphertext [CRY-2]", (length) => {
    const sealing = { key: new Uint8Array(32), iv: new Uint8Array(12), aad: new Uint8Array(3) };
    const sealed = crypto.seal(sealing, new Uint8Array(length));
    expect(crypto.open(sealing, sealed)).toEqual(new Uint8Array(length));
    for (let end = 0; end < sealed.length; end += 1) expect(crypto.open(sealing, sealed.slice(0, end))).toBeUndefined();
  });
}

function derivationContract(crypto: Crypto): void {
  test("agrees with Wycheproof on 86 of 86 HKDF cases; asked for too much, it throws", () => {
    const vectors = readDerivationVectors();
    const wrong = wrongIds(vectors, ({ salt, inputKey, info, length, output, verdict }) => {
      const secret = crypto.hmacSha256(salt, inputKey);
      if (verdict === "valid") return isSameBytes(crypto.expand(secret, info, length), output);
      return throws(() => crypto.expand(secret, info, length));
    });
    expect([vectors.length, wrong]).toEqual([86, []]);
  });

  test("expands no secret that is shorter than a hash, as RFC 5869 §2.3 asks", () => {
    expect(() => crypto.expand(new Uint8Array(31), new Uint8Array(0), 32)).toThrow("at least");
  });

  test("agrees with Wycheproof on the 87 of 174 HMAC cases whose tag is whole", () => {
    const all = readMacVectors();
    const whole = all.filter(({ tag }) => tag.length === 32);
    const wrong = wrongIds(whole, ({ key, message, tag, verdict }) => {
      return isSameBytes(crypto.hmacSha256(key, message), tag) === (verdict === "valid");
    });
    expect([all.length, whole.length, wrong]).toEqual([174, 87, []]);
  });
}

function throws(action: () => unknown): boolean {
  try {
    action();
  } catch {
    return true;
  }
  return false;
}

function ownershipContract(crypto: Crypto): void {
  test("hands out plain bytes in memory of their own", () => {
    const bytes = new Uint8Array(32).fill(5);
    const sealing = { key: bytes, iv: new Uint8Array(12), aad: bytes };
    const signing = crypto.signingKey(bytes);
    const agreement = crypto.agreementKey(bytes);
    const found = {
      sha256: crypto.sha256(bytes),
      sha512: crypto.sha512(bytes),
      hmacSha256: crypto.hmacSha256(bytes, bytes),
      expand: crypto.expand(bytes, bytes, 44),
      seal: crypto.seal(sealing, bytes),
      open: crypto.open(sealing, crypto.seal(sealing, bytes)),
      signingPublicKey: signing.publicKey,
      signature: signing.sign(bytes),
      verifyingPublicKey: crypto.verifyingKey(signing.publicKey)?.publicKey,
      agreementPublicKey: agreement.publicKey,
      agreed: agreement.agree(agreement.publicKey),
    };
    const borrowed = Object.entries(found).filter(([, result]) => {
      return result?.constructor !== Uint8Array || result.byteLength !== result.buffer.byteLength;
    });
    expect(borrowed).toEqual([]);
  });

  test("keeps no hold on the bytes that a key was imported from", () => {
    const seed = new Uint8Array(32).fill(1);
    const message = new Uint8Array(0);
    const signing = crypto.signingKey(seed);
    const agreement = crypto.agreementKey(seed);
    const other = crypto.agreementKey(new Uint8Array(32).fill(2)).publicKey;
    const before = [signing.sign(message), agreement.agree(other)];
    seed.fill(0);
    expect([signing.sign(message), agreement.agree(other)]).toEqual(before);
    const encoded = signing.publicKey.slice();
    const verifying = crypto.verifyingKey(encoded);
    encoded.fill(0);
    expect(verifying?.verify(message, signing.sign(message))).toBe(true);
  });
}
