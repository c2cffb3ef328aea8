/**
 * The ten-field envelope (spec §2). Its schema is closed and every value is restricted ASCII or a small integer, so writing the known keys in sorted
 * order *is* the canonical form, and a text is accepted only if it equals what we would have written. Bytes and numbers stand here in their
 * own types; hex, base64 and ISO time exist on the wire only.
 */
import { decodeBase64, encodeBase64 } from "../base/base64.ts";
import { type Bytes, decodeHex, encodeHex, isSameBytes } from "../base/bytes.ts";
import { envelopeBytesMax, envelopeDepthMax, idLengthMax, messageTypeLengthMax } from "../base/limits.ts";
import { decodeUtf8, encodeUtf8 } from "../base/utf8.ts";
import { isShallow } from "./depth-scan.ts";

interface Payload {
  readonly encrypted: boolean;
  /** Plain or sealed body; base64 on the wire. */
  readonly data: Bytes;
}

/** The eight fields that say who, whom, where and when. */
export interface EnvelopeHeader {
  readonly version: string;
  readonly msgType: string;
  readonly senderId: string;
  readonly recipientId: string;
  /** A lowercase UUIDv4. */
  readonly sessionId: string;
  readonly sequenceNum: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** 32 bytes. */
  readonly nonce: Bytes;
}

export interface UnsignedEnvelope extends EnvelopeHeader {
  readonly payload: Payload;
}

export interface Envelope extends UnsignedEnvelope {
  /** 64 bytes, Ed25519. */
  readonly signature: Bytes;
}

export const nonceBytes = 32;
export const signatureBytes = 64;
const idPattern = new RegExp(`^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,${idLengthMax}}$`);
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const versionPattern = /^[0-9]{1,3}\.[0-9]{1,3}$/;
const typePattern = new RegExp(`^[a-z0-9_]{1,${messageTypeLengthMax}}$`);
const timestampPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** The last moment that the wire's form of time can express. */
const timestampMax = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export const isUuidV4 = (text: string): boolean => uuidPattern.test(text);

/** Whether every value has its restricted form (spec ENV-4, ENV-5). The reader of JSON judges texts instead; both let the same envelopes in. */
export const hasWireForm = (envelope: Envelope): boolean =>
  versionPattern.test(envelope.version) &&
  typePattern.test(envelope.msgType) &&
  idPattern.test(envelope.senderId) &&
  idPattern.test(envelope.recipientId) &&
  isUuidV4(envelope.sessionId) &&
  isCount(envelope.sequenceNum) &&
  isCount(envelope.timestamp) &&
  envelope.timestamp <= timestampMax &&
  envelope.nonce.length === nonceBytes &&
  envelope.signature.length === signatureBytes;

/** The canonical UTF-8 bytes: what travels as an HTTP body, and what transcripts hash. */
export function encodeEnvelope(envelope: Envelope): Bytes {
  const { payload, signature } = envelope;
  return encodeUtf8(writeEnvelope(envelope, { payload: writePayload(encodeBase64(payload.data), payload.encrypted), signature }));
}

export const writePayload = (data: string, encrypted: boolean): string => `{"data":"${data}","encrypted":${encrypted}}`;

/** What stands beside the eight header fields. */
export interface Beside {
  /** Additional data says that the payload is sealed, without the payload. */
  readonly encrypted?: true;
  /** Canonical JSON text. */
  readonly payload?: string;
  readonly signature?: Bytes;
}

/** Canonical text of the header fields and what is asked for beside them. The one place that knows the order of keys: encoding, signed bytes and additional data all come from here. */
export function writeEnvelope(envelope: EnvelopeHeader, { encrypted, payload, signature }: Beside): string {
  const encryptedField = encrypted === undefined ? "" : `"encrypted":${encrypted},`;
  const payloadField = payload === undefined ? "" : `"payload":${payload},`;
  const signatureField = signature === undefined ? "" : `"signature":"${encodeHex(signature)}",`;
  return (
    `{${encryptedField}"msg_type":"${envelope.msgType}","nonce":"${writeNonce(envelope.nonce)}",${payloadField}` +
    `"recipient_id":"${envelope.recipientId}","sender_id":"${envelope.senderId}","sequence_num":${envelope.sequenceNum},` +
    `"session_id":"${envelope.sessionId}",${signatureField}"timestamp":"${writeTimestamp(envelope.timestamp)}","version":"${envelope.version}"}`
  );
}

let lastNonce: Bytes = new Uint8Array(0);
let lastNonceText = "";

/** As often as the time below. The copy is compared by its bytes, since those of an envelope's nonce may have been changed. */
function writeNonce(nonce: Bytes): string {
  if (isSameBytes(nonce, lastNonce)) return lastNonceText;
  lastNonceText = encodeHex(nonce);
  lastNonce = new Uint8Array(nonce);
  return lastNonceText;
}

let lastTimestamp = 0;
let lastTimestampText = new Date(lastTimestamp).toISOString();

/** An envelope's time is written three times on its way out, and three times on its way in. */
function writeTimestamp(timestamp: number): string {
  if (timestamp === lastTimestamp) return lastTimestampText;
  lastTimestampText = new Date(timestamp).toISOString();
  lastTimestamp = timestamp;
  return lastTimestampText;
}

/** Reads one envelope that fills `bytes` exactly, or answers undefined: anything else is MALFORMED_MESSAGE (spec ENV-1 to ENV-6). */
export function decodeEnvelope(bytes: Bytes): Envelope | undefined {
  if (bytes.length > envelopeBytesMax || !isShallow(bytes, envelopeDepthMax)) return undefined;
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return readEnvelope(value, text);
}

function readEnvelope(value: unknown, text: string): Envelope | undefined {
  const fields = fieldsOf(value, 10);
  const payloadFields = fieldsOf(fields?.["payload"], 2);
  if (fields === undefined || payloadFields === undefined) return undefined;
  const dataText = payloadFields["data"];
  const data = typeof dataText === "string" ? decodeBase64(dataText) : undefined;
  const encrypted = payloadFields["encrypted"];
  const nonce = readHex(fields["nonce"], nonceBytes);
  const signature = readHex(fields["signature"], signatureBytes);
  const timestamp = readTimestamp(fields["timestamp"]);
  const version = readText(fields["version"], versionPattern);
  const msgType = readText(fields["msg_type"], typePattern);
  const senderId = readText(fields["sender_id"], idPattern);
  const recipientId = readText(fields["recipient_id"], idPattern);
  const sessionId = readText(fields["session_id"], uuidPattern);
  const sequenceNum = fields["sequence_num"];
  if (data === undefined || typeof encrypted !== "boolean" || nonce === undefined || signature === undefined) return undefined;
  if (timestamp === undefined || version === undefined || msgType === undefined || senderId === undefined) return undefined;
  if (recipientId === undefined || sessionId === undefined || !isCount(sequenceNum)) return undefined;
  const envelope: Envelope = {
    version,
    msgType,
    senderId,
    recipientId,
    sessionId,
    sequenceNum,
    timestamp,
    nonce,
    payload: { encrypted, data },
    signature,
  };
  const canonical = writeEnvelope(envelope, { payload: writePayload(String(dataText), encrypted), signature });
  return canonical === text ? envelope : undefined;
}

/** The own fields of a plain object that has exactly `count` of them. */
function fieldsOf(value: unknown, count: number): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.keys(value).length === count ? (value as Record<string, unknown>) : undefined;
}

const readText = (value: unknown, pattern: RegExp): string | undefined =>
  typeof value === "string" && pattern.test(value) ? value : undefined;

const readHex = (value: unknown, length: number): Bytes | undefined => (typeof value === "string" ? decodeHex(value, length) : undefined);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function readTimestamp(value: unknown): number | undefined {
  const text = readText(value, timestampPattern);
  const timestamp = text === undefined ? Number.NaN : Date.parse(text);
  return timestamp >= 0 && writeTimestamp(timestamp) === text ? timestamp : undefined;
}
