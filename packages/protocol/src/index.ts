/** The door of the core: values in, values out, in any JavaScript engine. */
export { decodeBase64, encodeBase64 } from "./base/base64.ts";
export { type Bytes, concatBytes, decodeHex, encodeHex, eraseBytes, isSameBytes } from "./base/bytes.ts";
export { type Audience, audienceOf, type ErrorCode, HikyakuError, isErrorCode, toldByPeer } from "./base/errors.ts";
export * as limits from "./base/limits.ts";
export type { Moment } from "./base/moment.ts";
export { decodeUtf8, encodeUtf8 } from "./base/utf8.ts";
export { isStrictPoint, type SplitSignature, splitSignature } from "./crypto/ed25519-rules.ts";
export type { AgreementKey, Crypto, Sealing, SigningKey, VerifyingKey } from "./crypto/port.ts";
export { pureCrypto } from "./crypto/pure.ts";
export { selfTest } from "./crypto/self-test.ts";
export { type ApplicationFields, hasSoundLane, type LaneFields, withoutApplicationFields } from "./dialogue/application.ts";
export {
  type ApplicationBody,
  type ApplicationType,
  type BodyByType,
  type DialogueType,
  decodeBody,
  encodeBody,
  encodeKeptBody,
  isApplication,
  isDialogueType,
} from "./dialogue/bodies.ts";
export type { Capability, CapabilityResponseBody, CapabilityStatement } from "./dialogue/capability.ts";
export { canBeSigned, judgeStatement, type StatementVerdict, signStatement, type Telling } from "./dialogue/capability-statement.ts";
export type { StatusBody, WakeUpBody } from "./dialogue/liveness.ts";
export type { MessageBody } from "./dialogue/message.ts";
export { isMessageId, newMessageId, newSessionId } from "./dialogue/message-id.ts";
export type { LaneFloor, ReceiptBody, ReceiptStage } from "./dialogue/receipt.ts";
export { isScope, type Scope, scopes } from "./dialogue/scopes.ts";
export {
  isFinalState,
  type TaskArtifact,
  type TaskCancelBody,
  type TaskChain,
  type TaskDelegateBody,
  type TaskInputBody,
  type TaskQueryBody,
  type TaskState,
  type TaskUpdateBody,
  taskStates,
} from "./dialogue/task.ts";
export type { Agreement, HandshakeRefusal } from "./handshake/agreement.ts";
export {
  type Confirmed,
  confirmAnswer,
  makeOffer,
  type OfferDice,
  type OfferSettings,
  type PendingOffer,
} from "./handshake/initiator.ts";
export type { Abilities } from "./handshake/negotiation.ts";
export { pairingIdOf, pairingKeyOf } from "./handshake/pairing-secret.ts";
export {
  type Accepted,
  acceptConfirm,
  answerOffer,
  eraseHalfOpen,
  type HalfOpen,
  type ReadOffer,
  readOffer,
} from "./handshake/responder.ts";
export { decodeDid, encodeDid } from "./identity/did.ts";
export { fingerprintOf, safetyNumberOf } from "./identity/fingerprint.ts";
export { createIdentity, type Identity } from "./identity/identity.ts";
export { freshNonces, type NonceSource } from "./sealing/message-key.ts";
export { isSignedBy, signEnvelope } from "./sealing/signature.ts";
export {
  eraseSession,
  establishSession,
  isDueForRollover,
  isWornOut,
  type Opening,
  type OpeningSettings,
  open,
  type Sealed,
  type Session,
  type SessionFacts,
  seal,
  tidySession,
} from "./session/session.ts";
export { decodeBinaryFrame, encodeBinaryFrame } from "./wire/binary-frame.ts";
export { type BundleItem, bundleHeadBytesOf, bundleItemBytesOf, decodeBundle, encodeBundle } from "./wire/bundle.ts";
export { readJson } from "./wire/canonical-json.ts";
export { decodeEnvelope, type Envelope, encodeEnvelope, type UnsignedEnvelope } from "./wire/envelope.ts";
export { factsOf, isMessageType, type MessageKind, type MessageType, messageTypeNames, type Priority } from "./wire/message-types.ts";
export { decodePairingLink, encodePairingLink, type PairingLink } from "./wire/pairing-link.ts";
export { isPeerAddress } from "./wire/peer-address.ts";
export { isProtocolVersion, type ProtocolVersion, protocolVersions, type Suite, suites } from "./wire/versions.ts";
