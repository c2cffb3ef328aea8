/**
 * Crypto that costs next to nothing and keeps no secret, for most simulated worlds: their judges ask whether equal keys, counters and texts met, whether what was bent was
 * noticed, and whether two ends agree, and for that a quick digest is as good as a slow one. Every function has the shapes, lengths and equalities of the real one: what is
 * derived alike is alike, and nothing else is; a seal or a signature fits only what it was made for.
 */
import {
  type AgreementKey,
  type Bytes,
  type Crypto,
  isSameBytes,
  type Sealing,
  type SigningKey,
  type VerifyingKey,
} from "@hikyaku/protocol";
import { digestOf } from "./digest.ts";

const nameOf = (name: string): Bytes => Uint8Array.from(Buffer.from(name)) as Bytes;
const names = {
  sha256: nameOf("sha256"),
  sha512: nameOf("sha512"),
  hmac: nameOf("hmac"),
  expand: nameOf("expand"),
  pad: nameOf("pad"),
  tag: nameOf("tag"),
  identity: nameOf("identity"),
  signature: nameOf("signature"),
  ephemeral: nameOf("ephemeral"),
  shared: nameOf("shared"),
};
const tagBytes = 16;

export const simulatedCrypto: Crypto = {
  name: "simulated",
  sha256: (data) => digestOf(32, names.sha256, data),
  sha512: (data) => digestOf(64, names.sha512, data),
  hmacSha256: (key, data) => digestOf(32, names.hmac, key, data),
  expand: (secret, info, length) => digestOf(length, names.expand, secret, info),
  seal,
  open,
  signingKey,
  verifyingKey,
  isTorsionFree: () => true,
  agreementKey,
};

function seal(sealing: Sealing, plaintext: Bytes): Bytes {
  const sealed = new Uint8Array(plaintext.length + tagBytes);
  sealed.set(veil(sealing, plaintext));
  sealed.set(tagOf(sealing, plaintext), plaintext.length);
  return sealed;
}

function open(sealing: Sealing, sealed: Bytes): Bytes | undefined {
  if (sealed.length < tagBytes) return undefined;
  const plaintext = veil(sealing, sealed.subarray(0, -tagBytes));
  return isSameBytes(tagOf(sealing, plaintext), sealed.subarray(-tagBytes)) ? plaintext : undefined;
}

/** Turns plaintext to ciphertext and back: with a pad that repeats, which is enough to be unreadable for an eavesdropper who does not try. */
function veil({ key, iv }: Sealing, text: Bytes): Bytes {
  const pad = digestOf(padBytes, names.pad, key, iv);
  const veiled = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) veiled[index] = (text[index] ?? 0) ^ (pad[index % padBytes] ?? 0);
  return veiled;
}

const padBytes = 64;
const tagOf = ({ key, iv, aad }: Sealing, plaintext: Bytes): Bytes => digestOf(tagBytes, names.tag, key, iv, aad, plaintext);

function signingKey(seed: Bytes): SigningKey {
  const publicKey = digestOf(32, names.identity, seed);
  return { publicKey, sign: (message) => signatureOf(publicKey, message) };
}

function verifyingKey(publicKey: Bytes): VerifyingKey | undefined {
  if (publicKey.length !== 32) return undefined;
  return { publicKey, verify: (message, signature) => isSameBytes(signatureOf(publicKey, message), signature) };
}

/** Whoever has the public key could make it: in a simulated world nobody does who is not meant to. */
const signatureOf = (publicKey: Bytes, message: Bytes): Bytes => digestOf(64, names.signature, publicKey, message);

function agreementKey(privateKey: Bytes): AgreementKey {
  const publicKey = digestOf(32, names.ephemeral, privateKey);
  let isErased = false;
  return {
    publicKey,
    agree: (other) => {
      if (isErased) throw new Error("this agreement key was erased");
      return other.length === 32 ? sharedOf(publicKey, other) : undefined;
    },
    erase: () => {
      isErased = true;
    },
  };
}

const sharedOf = (one: Bytes, other: Bytes): Bytes =>
  Buffer.compare(one, other) < 0 ? digestOf(32, names.shared, one, other) : digestOf(32, names.shared, other, one);
