import type { Bytes } from "../base/bytes.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { ProtocolVersion, Suite } from "../wire/versions.ts";

/** What a finished handshake hands to the session: two chains and the facts both sides agree on. */
export interface Agreement {
  readonly sessionId: string;
  readonly role: "initiator" | "responder";
  readonly selfId: string;
  readonly peerId: string;
  readonly version: ProtocolVersion;
  readonly suite: Suite;
  /** What both sides said they can do. */
  readonly features: readonly string[];
  readonly sendingChain: Bytes;
  readonly receivingChain: Bytes;
  /** The hash of the whole handshake. */
  readonly th3: Bytes;
  readonly exporter: Bytes;
  /** The peer's clock minus ours, in milliseconds. */
  readonly clockOffsetMs: number;
}

export interface HandshakeRefusal {
  readonly kind: "refused";
  readonly code: Extract<
    ErrorCode,
    "MALFORMED_MESSAGE" | "INVALID_VERSION" | "INVALID_SIGNATURE" | "CLOCK_SKEW" | "HANDSHAKE_FAILED" | "DOWNGRADE_REFUSED"
  >;
  /** For our own log: which check it was. Never sent. */
  readonly check: string;
}

export const refuse = (code: HandshakeRefusal["code"], check: string): HandshakeRefusal => ({ kind: "refused", code, check });
