/** The twelve cases of ed25519-speccheck (spec/vectors/ed25519-speccheck), numbered as in the paper "Taming the many EdDSAs" (IACR ePrint 2020/1244). */
import type { Bytes } from "@hikyaku/protocol";
import { bytesOfHex, readVectorJson } from "./vector-files.ts";

export interface SpeccheckCase {
  readonly id: number;
  readonly publicKey: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
}

type RawCase = Readonly<Record<"message" | "pub_key" | "signature", string>>;

export function readSpeccheckCases(): readonly SpeccheckCase[] {
  return readVectorJson<readonly RawCase[]>("ed25519-speccheck/cases.json").map((raw, id) => ({
    id,
    publicKey: bytesOfHex(raw.pub_key),
    message: bytesOfHex(raw.message),
    signature: bytesOfHex(raw.signature),
  }));
}
