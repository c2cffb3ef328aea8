import type { Bytes } from "../base/bytes.ts";
import type { Crypto, SigningKey } from "../crypto/port.ts";
import { encodeDid } from "./did.ts";

/** Who we are: one Ed25519 key, used only to sign and never for key agreement (spec ID-1). */
export interface Identity {
  readonly did: string;
  readonly publicKey: Bytes;
  readonly key: SigningKey;
}

/** The identity of a 32-byte secret seed. */
export function createIdentity(crypto: Crypto, seed: Bytes): Identity {
  const key = crypto.signingKey(seed);
  return { did: encodeDid(key.publicKey), publicKey: key.publicKey, key };
}
