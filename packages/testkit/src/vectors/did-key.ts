/** The did:key examples of the W3C community group (spec/vectors/did-key), their Ed25519 half: a seed and the name of its key. */
import type { Bytes } from "@hikyaku/protocol";
import { bytesOfHex, readVectorJson } from "./vector-files.ts";

export interface DidKeyCase {
  readonly did: string;
  readonly seed: Bytes;
  readonly publicKeyBase58: string;
}

interface RawCase {
  readonly seed: string;
  readonly verificationKeyPair: { readonly publicKeyBase58: string };
}

export function readDidKeyCases(): readonly DidKeyCase[] {
  return Object.entries(readVectorJson<Readonly<Record<string, RawCase>>>("did-key/ed25519-x25519.json")).map(([did, raw]) => ({
    did,
    seed: bytesOfHex(raw.seed),
    publicKeyBase58: raw.verificationKeyPair.publicKeyBase58,
  }));
}
