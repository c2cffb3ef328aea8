/**
 * What the core needs of a crypto library (spec §1, §3, §5). Two implementations stand behind it: pure JavaScript here, `node:crypto` in the
 * package for Node; one contract suite holds both to the same vectors. Everything is synchronous and takes its randomness as an argument.
 */
import type { Bytes } from "../base/bytes.ts";

/** An Ed25519 private key, imported once and used only to sign. */
export interface SigningKey {
  readonly publicKey: Bytes;
  /** The 64-byte signature of RFC 8032 Ed25519 over `message`. */
  sign(message: Bytes): Bytes;
}

/** An Ed25519 public key that passed the cheap rules of spec ID-2, imported once because importing costs nearly half a verification. */
export interface VerifyingKey {
  readonly publicKey: Bytes;
  /** Strict and cofactorless: R canonical and not of small order, S < L. Any other length than 64 bytes is false, never an exception. */
  verify(message: Bytes, signature: Bytes): boolean;
}

/** An ephemeral X25519 private key. */
export interface AgreementKey {
  readonly publicKey: Bytes;
  /** RFC 7748 X25519 with the other side's 32 bytes; undefined where the result is all zero (small-order input) or the input is not 32 bytes. */
  agree(otherPublicKey: Bytes): Bytes | undefined;
  /** Forgets the private half; `agree` throws afterwards. */
  erase(): void;
}

export interface Sealing {
  /** AES-256: 32 bytes. */
  readonly key: Bytes;
  /** 12 bytes. */
  readonly iv: Bytes;
  readonly aad: Bytes;
}

export interface Crypto {
  /** Shown in self-test failures and statistics. */
  readonly name: string;
  sha256(data: Bytes): Bytes;
  hmacSha256(key: Bytes, data: Bytes): Bytes;
  /** HKDF-Expand of RFC 5869 with SHA-256; `length` ≤ 8 160 bytes. */
  expand(secret: Bytes, info: Bytes, length: number): Bytes;
  sha512(data: Bytes): Bytes;
  /** AES-256-GCM: ciphertext ‖ 16-byte tag. */
  seal(sealing: Sealing, plaintext: Bytes): Bytes;
  /** The plaintext, or undefined where the tag does not fit or the input is shorter than a tag. */
  open(sealing: Sealing, sealed: Bytes): Bytes | undefined;
  signingKey(seed: Bytes): SigningKey;
  /** undefined unless the key is 32 bytes, canonical (y < p), a point of the curve and not one of the eight of small order (spec ID-2). */
  verifyingKey(publicKey: Bytes): VerifyingKey | undefined;
  /** Whether the point lies in the prime-order subgroup (spec ID-3). Costs milliseconds in pure JavaScript: ask once per identity. */
  isTorsionFree(publicKey: Bytes): boolean;
  /** An X25519 key from 32 random bytes. */
  agreementKey(privateKey: Bytes): AgreementKey;
}
