/** What exactly an envelope's signature and its additional data cover (spec §3). Every signed thing begins with a label of its own. */
import { encodeBase64 } from "../base/base64.ts";
import { type Bytes, encodeHex } from "../base/bytes.ts";
import { encodeUtf8 } from "../base/utf8.ts";
import { type EnvelopeHeader, type UnsignedEnvelope, writeEnvelope, writePayload } from "./envelope.ts";

/**
 * The bytes that the sender signs. Version 1.2 replaces the payload by its digest, so that the JSON and the binary form of an envelope
 * share one signature and a large payload is hashed once (spec SIG-2); all others, and every handshake message, sign it whole (spec SIG-1).
 */
export function signedBytes(envelope: UnsignedEnvelope, sha256: (data: Bytes) => Bytes): Bytes {
  const { encrypted, data } = envelope.payload;
  if (envelope.version === "1.2") {
    const payload = `{"digest":"${encodeHex(sha256(data))}","encrypted":${encrypted}}`;
    return encodeUtf8(`pcp/1.2 sig envelope\0${writeEnvelope(envelope, { payload })}`);
  }
  return encodeUtf8(`pcp/1 sig envelope\0${writeEnvelope(envelope, { payload: writePayload(encodeBase64(data), encrypted) })}`);
}

/** The additional data of AES-GCM: every header field, so that none can be changed without breaking the seal (spec MSG-3). */
export const additionalData = (header: EnvelopeHeader): Bytes => encodeUtf8(`pcp/1 aad\0${writeEnvelope(header, { encrypted: true })}`);

/** The canonical header of a handshake message: all fields but payload and signature (spec §4, `thc`). */
export const headerBytes = (header: EnvelopeHeader): Bytes => encodeUtf8(writeEnvelope(header, {}));
