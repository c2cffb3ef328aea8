/** Wycheproof's cases (spec/vectors/wycheproof), flattened out of their groups, with bytes instead of hex. */
import type { Bytes } from "@hikyaku/protocol";
import { bytesOfHex, readVectorJson } from "./vector-files.ts";

export interface WycheproofCase {
  readonly id: number;
  /** `acceptable` leaves it to the implementation. */
  readonly verdict: "valid" | "invalid" | "acceptable";
  readonly flags: readonly string[];
}

export interface SignatureVector extends WycheproofCase {
  readonly publicKey: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
}

export interface AgreementVector extends WycheproofCase {
  readonly publicKey: Bytes;
  readonly privateKey: Bytes;
  readonly shared: Bytes;
}

export interface SealingVector extends WycheproofCase {
  readonly key: Bytes;
  readonly iv: Bytes;
  readonly aad: Bytes;
  readonly plaintext: Bytes;
  readonly ciphertext: Bytes;
  readonly tag: Bytes;
}

export interface DerivationVector extends WycheproofCase {
  readonly inputKey: Bytes;
  readonly salt: Bytes;
  readonly info: Bytes;
  readonly length: number;
  readonly output: Bytes;
}

export interface MacVector extends WycheproofCase {
  readonly key: Bytes;
  readonly message: Bytes;
  readonly tag: Bytes;
}

export function readSignatureVectors(): readonly SignatureVector[] {
  return read("ed25519_test.json", (test: Hex<"msg" | "sig">, group: { readonly publicKey: Hex<"pk"> }) => ({
    publicKey: bytesOfHex(group.publicKey.pk),
    message: bytesOfHex(test.msg),
    signature: bytesOfHex(test.sig),
  }));
}

export function readAgreementVectors(): readonly AgreementVector[] {
  return read("x25519_test.json", (test: Hex<"public" | "private" | "shared">) => ({
    publicKey: bytesOfHex(test.public),
    privateKey: bytesOfHex(test.private),
    shared: bytesOfHex(test.shared),
  }));
}

export function readSealingVectors(): readonly SealingVector[] {
  return read("aes_gcm_test.json", (test: Hex<"key" | "iv" | "aad" | "msg" | "ct" | "tag">) => ({
    key: bytesOfHex(test.key),
    iv: bytesOfHex(test.iv),
    aad: bytesOfHex(test.aad),
    plaintext: bytesOfHex(test.msg),
    ciphertext: bytesOfHex(test.ct),
    tag: bytesOfHex(test.tag),
  }));
}

export function readDerivationVectors(): readonly DerivationVector[] {
  return read("hkdf_sha256_test.json", (test: Hex<"ikm" | "salt" | "info" | "okm"> & { readonly size: number }) => ({
    inputKey: bytesOfHex(test.ikm),
    salt: bytesOfHex(test.salt),
    info: bytesOfHex(test.info),
    length: test.size,
    output: bytesOfHex(test.okm),
  }));
}

export function readMacVectors(): readonly MacVector[] {
  return read("hmac_sha256_test.json", (test: Hex<"key" | "msg" | "tag">) => ({
    key: bytesOfHex(test.key),
    message: bytesOfHex(test.msg),
    tag: bytesOfHex(test.tag),
  }));
}

type Hex<Name extends string> = Readonly<Record<Name, string>>;

interface RawCase {
  readonly tcId: number;
  readonly result: WycheproofCase["verdict"];
  readonly flags: readonly string[];
}

interface RawFile<Group, Test> {
  readonly testGroups: readonly (Group & { readonly tests: readonly (RawCase & Test)[] })[];
}

/** Every case of one file, `decode` giving what is particular to it. */
function read<Group, Test, Fields>(name: string, decode: (test: Test, group: Group) => Fields): readonly (WycheproofCase & Fields)[] {
  const { testGroups } = readVectorJson<RawFile<Group, Test>>(`wycheproof/${name}`);
  return testGroups.flatMap((group) =>
    group.tests.map((test) => ({ id: test.tcId, verdict: test.result, flags: test.flags, ...decode(test, group) })),
  );
}
