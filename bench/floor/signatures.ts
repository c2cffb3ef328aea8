/** Ed25519 with keys that were imported once, over 1 KiB: what every message costs its sender and its recipient. */
import { generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import type { Effort } from "../effort.ts";
import { computingCostUs } from "../measure.ts";

export interface SignatureFloors {
  readonly signUs: number;
  readonly verifyUs: number;
}

export async function measureSignatures(effort: Effort): Promise<SignatureFloors> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const message = randomBytes(1024);
  const signature = sign(null, message, privateKey);
  return {
    signUs: await computingCostUs(effort, () => sign(null, message, privateKey)),
    verifyUs: await computingCostUs(effort, () => verify(null, message, publicKey, signature)),
  };
}
