/** Raw 32-byte keys of the two curves in and out of node:crypto, which takes them only in wrappings (RFC 8410). DER in and JWK out are the fastest. */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { type Bytes, concatBytes, eraseBytes } from "@hikyaku/protocol";
import { plainBytes } from "./plain-bytes.ts";

export type Curve = "Ed25519" | "X25519";

/** Everything that stands before the key in its DER form, RFC 8410 §4 and §7; the curves differ in the last byte of the object identifier. */
const identifiers: Readonly<Record<Curve, number>> = { Ed25519: 0x70, X25519: 0x6e };
const publicPrefix = (curve: Curve): Bytes => Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, identifiers[curve], 3, 0x21, 0);
const privatePrefix = (curve: Curve): Bytes =>
  Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, identifiers[curve], 4, 0x22, 4, 0x20);

export function importPublicKey(curve: Curve, publicKey: Bytes): KeyObject {
  return createPublicKey({ key: Buffer.from(concatBytes(publicPrefix(curve), publicKey).buffer), format: "der", type: "spki" });
}

export function importPrivateKey(curve: Curve, privateKey: Bytes): KeyObject {
  const wrapped = concatBytes(privatePrefix(curve), privateKey);
  try {
    return createPrivateKey({ key: Buffer.from(wrapped.buffer), format: "der", type: "pkcs8" });
  } finally {
    eraseBytes(wrapped);
  }
}

/** The public half, which a JWK (RFC 8037 §2) carries beside the private one. */
export function publicKeyOf(privateKey: KeyObject): Bytes {
  return plainBytes(Buffer.from(privateKey.export({ format: "jwk" }).x ?? "", "base64url"));
}
