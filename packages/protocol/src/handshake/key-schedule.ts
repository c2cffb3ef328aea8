/** From one shared secret to the keys of a session (spec §4). Secrets are erased by whoever holds them last. */
import { type Bytes, eraseBytes } from "../base/bytes.ts";
import { expandLabel, extract, zeroes32 } from "../crypto/key-derivation.ts";
import type { Crypto } from "../crypto/port.ts";

const nothing: Bytes = new Uint8Array(0);
const secretBytes = 32;

export interface HandshakeKeys {
  /** HS: the root of what follows. */
  readonly handshakeSecret: Bytes;
  /** Keys the responder's MAC. */
  readonly responderMacKey: Bytes;
  /** Keys the initiator's MAC. */
  readonly initiatorMacKey: Bytes;
  /** Seals the third message. */
  readonly confirmSecret: Bytes;
}

/** `psk` proves a pairing token and is absent otherwise. Erases `sharedSecret`. */
export function deriveHandshakeKeys(
  crypto: Crypto,
  { sharedSecret, psk, thc }: { readonly sharedSecret: Bytes; readonly psk: Bytes | undefined; readonly thc: Bytes },
): HandshakeKeys {
  const early = extract(crypto, zeroes32, psk ?? zeroes32);
  const derived = expandLabel(crypto, early, "derived", nothing, secretBytes);
  const handshakeSecret = extract(crypto, derived, sharedSecret);
  eraseBytes(early, derived, sharedSecret);
  return {
    handshakeSecret,
    responderMacKey: expandLabel(crypto, handshakeSecret, "fin r", thc, secretBytes),
    initiatorMacKey: expandLabel(crypto, handshakeSecret, "fin i", thc, secretBytes),
    confirmSecret: expandLabel(crypto, handshakeSecret, "hs i", thc, secretBytes),
  };
}

export interface MasterKeys {
  readonly masterSecret: Bytes;
  /** First chain key of what the initiator sends. */
  readonly initiatorChain: Bytes;
  /** First chain key of what the responder sends. */
  readonly responderChain: Bytes;
}

/** Erases `handshakeSecret`. */
export function deriveMasterKeys(
  crypto: Crypto,
  { handshakeSecret, thc, th2 }: { readonly handshakeSecret: Bytes; readonly thc: Bytes; readonly th2: Bytes },
): MasterKeys {
  const derived = expandLabel(crypto, handshakeSecret, "derived", thc, secretBytes);
  const masterSecret = extract(crypto, derived, zeroes32);
  eraseBytes(derived, handshakeSecret);
  return {
    masterSecret,
    initiatorChain: expandLabel(crypto, masterSecret, "ck i2r", th2, secretBytes),
    responderChain: expandLabel(crypto, masterSecret, "ck r2i", th2, secretBytes),
  };
}

/** A secret for later uses outside this protocol. Erases `masterSecret`. */
export function deriveExporter(crypto: Crypto, masterSecret: Bytes, th3: Bytes): Bytes {
  const exporter = expandLabel(crypto, masterSecret, "exp", th3, secretBytes);
  eraseBytes(masterSecret);
  return exporter;
}
