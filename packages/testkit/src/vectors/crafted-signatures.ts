/** Two signatures that lenient verifiers take (spec/vectors/pcp/crafted-signatures.json), with what they were built from. */
import type { Bytes } from "@hikyaku/protocol";
import { bytesOfHex, readVectorJson } from "./vector-files.ts";

export interface CraftedSignatures {
  readonly seed: Bytes;
  readonly publicKey: Bytes;
  readonly message: Bytes;
  readonly torsionPoint: Bytes;
  readonly cofactoredOnly: Bytes;
  readonly identityR: Bytes;
}

type Raw = Readonly<Record<"seed" | "public_key" | "message" | "torsion_point" | "cofactored_only" | "identity_r", string>>;

export function readCraftedSignatures(): CraftedSignatures {
  const raw = readVectorJson<Raw>("pcp/crafted-signatures.json");
  return {
    seed: bytesOfHex(raw.seed),
    publicKey: bytesOfHex(raw.public_key),
    message: bytesOfHex(raw.message),
    torsionPoint: bytesOfHex(raw.torsion_point),
    cofactoredOnly: bytesOfHex(raw.cofactored_only),
    identityR: bytesOfHex(raw.identity_r),
  };
}
