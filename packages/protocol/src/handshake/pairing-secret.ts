/** What a pairing token becomes: a key that only the two who saw the link can mix in, and a public name for it (spec §12). */
import { type Bytes, concatBytes } from "../base/bytes.ts";
import { expandLabel, extract, label, zeroes32 } from "../crypto/key-derivation.ts";
import type { Crypto } from "../crypto/port.ts";

export const pairingKeyOf = (crypto: Crypto, token: Bytes): Bytes =>
  expandLabel(crypto, extract(crypto, zeroes32, token), "pair", new Uint8Array(0), 32);

/** 16 bytes that select the token without giving it away. */
export const pairingIdOf = (crypto: Crypto, token: Bytes): Bytes => crypto.sha256(concatBytes(label("pcp/1 pair id"), token)).slice(0, 16);
