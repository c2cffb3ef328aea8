/**
 * The one error family (spec §8). A code says what was refused; the table says to whom it may be shown. Edges translate codes by tables of
 * their own: HTTP status, exit code. Expected outcomes inside the core are values, not errors.
 */

/**
 * Who may learn of a refusal:
 * - `anyone`: whoever sent the bytes.
 * - `offer`: the sender of a first handshake message, before its signature is known to be good.
 * - `verified-offer`: the sender of a first handshake message whose signature verified.
 * - `handshake`: the other side of a handshake, uniformly.
 * - `session`: an authenticated peer only; to anybody else it is REJECTED.
 * - `nobody`: counted here and never told.
 * - `local`: a person or program on this machine only.
 */
export type Audience = "anyone" | "offer" | "verified-offer" | "handshake" | "session" | "nobody" | "local";

export const errorAudiences = {
  INVALID_VERSION: "offer",
  INVALID_SIGNATURE: "offer",
  REPLAY_DETECTED: "verified-offer",
  UNKNOWN_SENDER: "verified-offer",
  CLOCK_SKEW: "verified-offer",
  HANDSHAKE_FAILED: "handshake",
  REJECTED: "anyone",
  MALFORMED_MESSAGE: "anyone",
  MESSAGE_TOO_LARGE: "anyone",
  UNSUPPORTED_MEDIA: "anyone",
  RATE_LIMITED: "anyone",
  OVERLOADED: "anyone",
  INTERNAL_ERROR: "anyone",
  SESSION_EXPIRED: "session",
  SEQUENCE_ERROR: "session",
  UNKNOWN_RECIPIENT: "session",
  ENCRYPTION_REQUIRED: "session",
  REKEY_REQUIRED: "session",
  UNAUTHORIZED: "session",
  UNSUPPORTED_TYPE: "session",
  INVALID_PAYLOAD: "session",
  MESSAGE_EXPIRED: "session",
  QUOTA_EXCEEDED: "session",
  INTERRUPTED: "session",
  TRANSFER_REJECTED: "session",
  TRANSFER_CORRUPT: "session",
  RELAY_REFUSED: "session",
  HOP_LIMIT: "session",
  GROUP_EPOCH_MISMATCH: "session",
  DECRYPTION_FAILED: "nobody",
  DOWNGRADE_REFUSED: "local",
  KEY_CHANGED: "local",
  KEY_REVOKED: "local",
  UNREACHABLE: "local",
  TIMED_OUT: "local",
  CANCELED: "local",
  CLOSED: "local",
  CRYPTO_UNAVAILABLE: "local",
  INVALID_ARGUMENT: "local",
  APPROVAL_REQUIRED: "local",
  UNKNOWN_PEER: "local",
  UNKNOWN_TASK: "local",
  TASK_FAILED: "local",
  STORAGE_FAILED: "local",
  KEY_FILE: "local",
  FOLDER_IN_USE: "local",
  ADDRESS_IN_USE: "local",
} as const;

export type ErrorCode = keyof typeof errorAudiences;

export const audienceOf = (code: ErrorCode): Audience => errorAudiences[code];

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorAudiences, text);

/** What a peer may tell us about a message of ours: its word must not sound like an alarm or a condition of this machine. */
export const toldByPeer = (text: string): ErrorCode =>
  isErrorCode(text) && audienceOf(text) !== "local" && audienceOf(text) !== "nobody" ? text : "REJECTED";

/** A refusal with a code. The message says what was wanted and what was found, and holds no secret. */
export class HikyakuError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HikyakuError";
    this.code = code;
  }
}
