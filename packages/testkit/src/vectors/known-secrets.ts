/** The chain of secrets in spec/vectors/pcp/known-answers.json, case by case, for tests that derive them without playing a handshake. */
import type { Bytes } from "@hikyaku/protocol";
import { bytesOfHex, readVectorJson } from "./vector-files.ts";

const names = ["thc", "th2", "handshake_secret", "hs_i", "master_secret", "ck_i2r_0", "ms_i2r_seq3", "key_iv_i2r_seq3"] as const;

export type KnownSecrets = Readonly<Record<(typeof names)[number], Bytes>>;

interface RawFile {
  readonly cases: readonly Readonly<Record<(typeof names)[number], string>>[];
}

export function readKnownSecrets(): readonly KnownSecrets[] {
  return readVectorJson<RawFile>("pcp/known-answers.json").cases.map(
    (raw) => Object.fromEntries(names.map((name) => [name, bytesOfHex(raw[name])])) as KnownSecrets,
  );
}
