/**
 * The binary form of an envelope, for links that carry bytes (spec §14, FRAME-1 to FRAME-5): the same ten fields as deterministic CBOR, without hex and base64. The signed
 * bytes are rebuilt from the fields (signed-bytes.ts), so an envelope has one signature in both forms. Which form a link carries is the engine's business.
 */
import { type Bytes, decodeHex, encodeHex } from "../base/bytes.ts";
import { envelopeBytesMax, idLengthMax, messageTypeLengthMax } from "../base/limits.ts";
import { CborReader, CborWriter, headBytes, stringBytes } from "./cbor.ts";
import { type Envelope, hasWireForm, nonceBytes, signatureBytes } from "./envelope.ts";

const frameVersion = "1.2";
const handshakePrefix = "handshake";
const frameFields = 10;
const payloadFields = 2;
const uuidBytes = 16;

/** The one binary form of an envelope, in a buffer of its own. Throws where an envelope has none, or a larger one than anybody accepts: that would be a mistake of ours. */
export function encodeBinaryFrame(envelope: Envelope): Bytes {
  const sessionId = bytesOfUuid(envelope.sessionId);
  if (sessionId === undefined || !isFramable(envelope)) throw new TypeError("an envelope without a binary form");
  const length = frameBytesOf(envelope);
  if (length > envelopeBytesMax) throw new RangeError(`a frame of ${length} bytes is above the limit of ${envelopeBytesMax}`);
  const writer = new CborWriter(length);
  writer.arrayHead(frameFields);
  writer.text(envelope.version);
  writer.text(envelope.msgType);
  writer.text(envelope.senderId);
  writer.text(envelope.recipientId);
  writer.bytes(sessionId);
  writer.number(envelope.sequenceNum);
  writer.number(envelope.timestamp);
  writer.bytes(envelope.nonce);
  writer.arrayHead(payloadFields);
  writer.boolean(envelope.payload.encrypted);
  writer.bytes(envelope.payload.data);
  writer.bytes(envelope.signature);
  return writer.finish();
}

/**
 * Reads one frame that fills `bytes` exactly, or answers undefined: anything else is MALFORMED_MESSAGE. Nonce, data and signature are parts of one copy of
 * `bytes` and share no memory with it, so they can be kept when a link uses its buffer again.
 */
export function decodeBinaryFrame(bytes: Bytes): Envelope | undefined {
  if (bytes.length > envelopeBytesMax) return undefined;
  const reader = new CborReader(bytes);
  if (reader.arrayHead() !== frameFields || reader.text(frameVersion.length) !== frameVersion) return undefined;
  const msgType = reader.text(messageTypeLengthMax);
  const senderId = reader.text(idLengthMax);
  const recipientId = reader.text(idLengthMax);
  const sessionId = reader.bytes(uuidBytes);
  const sequenceNum = reader.number();
  const timestamp = reader.number();
  const nonce = reader.bytes(nonceBytes);
  if (msgType === undefined || senderId === undefined || recipientId === undefined || sessionId === undefined) return undefined;
  if (sequenceNum === undefined || timestamp === undefined || nonce === undefined) return undefined;
  const payload = readPayload(reader);
  const signature = reader.bytes(signatureBytes);
  if (payload === undefined || signature === undefined || !reader.isAtEnd) return undefined;
  const envelope: Envelope = {
    version: frameVersion,
    msgType,
    senderId,
    recipientId,
    sessionId: uuidOfBytes(sessionId),
    sequenceNum,
    timestamp,
    nonce,
    payload,
    signature,
  };
  return isFramable(envelope) ? envelope : undefined;
}

/** FRAME-3: what makes a session is signed whole and must be readable to peers of every version, so it is never a frame. */
const isFramable = (envelope: Envelope): boolean =>
  envelope.version === frameVersion && !envelope.msgType.startsWith(handshakePrefix) && hasWireForm(envelope);

function readPayload(reader: CborReader): Envelope["payload"] | undefined {
  if (reader.arrayHead() !== payloadFields) return undefined;
  const encrypted = reader.boolean();
  const data = reader.bytes(envelopeBytesMax);
  return encrypted === undefined || data === undefined ? undefined : { encrypted, data };
}

/** Counted before anything is written, so that a frame costs one buffer. */
function frameBytesOf({ version, msgType, senderId, recipientId, sequenceNum, timestamp, payload }: Envelope): number {
  const texts = stringBytes(version.length) + stringBytes(msgType.length) + stringBytes(senderId.length) + stringBytes(recipientId.length);
  const numbers = headBytes(sequenceNum) + headBytes(timestamp);
  const fixed = headBytes(frameFields) + stringBytes(uuidBytes) + stringBytes(nonceBytes) + stringBytes(signatureBytes);
  return texts + numbers + fixed + headBytes(payloadFields) + 1 + stringBytes(payload.data.length);
}

const bytesOfUuid = (uuid: string): Bytes | undefined => decodeHex(uuid.replaceAll("-", ""), uuidBytes);

function uuidOfBytes(bytes: Bytes): string {
  const hex = encodeHex(bytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
