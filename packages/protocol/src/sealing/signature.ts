import type { Crypto, SigningKey, VerifyingKey } from "../crypto/port.ts";
import type { Envelope, UnsignedEnvelope } from "../wire/envelope.ts";
import { signedBytes } from "../wire/signed-bytes.ts";

/** Signs every field of an envelope in the form that its version asks for (spec SIG-1, SIG-2). */
export const signEnvelope = (crypto: Crypto, key: SigningKey, unsigned: UnsignedEnvelope): Envelope => ({
  ...unsigned,
  signature: key.sign(signedBytes(unsigned, (data) => crypto.sha256(data))),
});

/** Whether the envelope was signed with this key. The key comes from the sender's id or the trust store, never from the message (spec SIG-4). */
export const isSignedBy = (crypto: Crypto, key: VerifyingKey, envelope: Envelope): boolean =>
  key.verify(
    signedBytes(envelope, (data) => crypto.sha256(data)),
    envelope.signature,
  );
