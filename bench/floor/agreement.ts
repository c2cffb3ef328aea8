/** X25519: a fresh key, an agreement with keys at hand, and the import of a key that came as bytes. */
import { createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import type { Effort } from "../effort.ts";
import { computingCostUs } from "../measure.ts";

export interface AgreementFloors {
  readonly generateUs: number;
  readonly agreeUs: number;
  /** Of a public key: a private one is multiplied while it is imported, which `generateUs` counts already. */
  readonly importUs: number;
}

export async function measureAgreement(effort: Effort): Promise<AgreementFloors> {
  const { privateKey } = generateKeyPairSync("x25519");
  const { publicKey } = generateKeyPairSync("x25519");
  // Of the forms that every supported Node reads this is the quickest; DER costs about a third more.
  const key = publicKey.export({ format: "jwk" });
  return {
    generateUs: await computingCostUs(effort, () => generateKeyPairSync("x25519")),
    agreeUs: await computingCostUs(effort, () => diffieHellman({ privateKey, publicKey })),
    importUs: await computingCostUs(effort, () => createPublicKey({ key, format: "jwk" })),
  };
}
