/** The crypto port on node:crypto: what runs wherever Node does. Held to the same contract suite as the pure implementation. */
import { type Crypto, pureCrypto } from "@hikyaku/protocol";
import { open, seal } from "./node-aes-gcm.ts";
import { signingKey, verifyingKey } from "./node-ed25519.ts";
import { expand, hmacSha256, sha256, sha512 } from "./node-hashes.ts";
import { agreementKey } from "./node-x25519.ts";

export const nodeCrypto: Crypto = {
  name: "node:crypto",
  sha256,
  sha512,
  hmacSha256,
  expand,
  seal,
  open,
  signingKey,
  verifyingKey,
  // ID-3: OpenSSL has no such question; asked once per identity, noble's two milliseconds do not matter.
  isTorsionFree: (publicKey) => pureCrypto.isTorsionFree(publicKey),
  agreementKey,
};
