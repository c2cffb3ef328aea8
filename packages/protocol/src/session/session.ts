/**
 * An established session: seals what we send and opens what the peer sent (spec §5). Opening works on copies: only when tag, signature
 * and time are right is there a next session to keep, so whatever junk arrives, the session it met is unchanged.
 */
import { type Bytes, eraseBytes } from "../base/bytes.ts";
import { type ErrorCode, HikyakuError } from "../base/errors.ts";
import { cheapJumpMax, clockSkewMsMax, rolloverAfterMessages, rolloverAfterMs, sessionMessagesMax, sessionMsMax } from "../base/limits.ts";
import type { Moment } from "../base/moment.ts";
import type { Crypto, VerifyingKey } from "../crypto/port.ts";
import type { Agreement } from "../handshake/agreement.ts";
import type { Identity } from "../identity/identity.ts";
import { type NonceSource, openPayload, sealPayload } from "../sealing/message-key.ts";
import { isSignedBy, signEnvelope } from "../sealing/signature.ts";
import type { Envelope, EnvelopeHeader } from "../wire/envelope.ts";
import type { MessageType } from "../wire/message-types.ts";
import {
  commitStep,
  eraseReceivingChain,
  forgetSkipped,
  type ReceivingChain,
  type ReceivingStep,
  receivingChainAt,
  SendingChain,
  stepTo,
} from "./ratchet.ts";
import { judgeCounter, type ReplayWindow, windowAt } from "./replay-window.ts";

export interface Session {
  readonly facts: SessionFacts;
  readonly sending: SendingChain;
  readonly receiving: ReceivingChain;
  readonly window: ReplayWindow;
}

/** What does not change while the session lives. */
export type SessionFacts = Omit<Agreement, "sendingChain" | "receivingChain"> & {
  /** By our monotonic clock. */
  readonly establishedAt: number;
};

/** The initiator has already used number 1, for the third handshake message. */
const firstFromInitiator = 2;
const firstFromResponder = 1;

export function establishSession({ sendingChain, receivingChain, ...agreed }: Agreement, elapsed: number): Session {
  const isInitiator = agreed.role === "initiator";
  const firstReceived = isInitiator ? firstFromResponder : firstFromInitiator;
  return {
    facts: { ...agreed, establishedAt: elapsed },
    sending: new SendingChain(sendingChain, isInitiator ? firstFromInitiator : firstFromResponder),
    receiving: receivingChainAt(receivingChain, firstReceived),
    window: windowAt(firstReceived - 1),
  };
}

export interface Sealed {
  readonly envelope: Envelope;
  readonly session: Session;
}

/** Seals and signs one message. Spends the session's sending chain: the returned session is the one to go on with. Throws REKEY_REQUIRED where it is worn out. */
export function seal(
  crypto: Crypto,
  identity: Identity,
  session: Session,
  message: { readonly msgType: MessageType; readonly plaintext: Bytes },
  { nonces, now, elapsed }: Moment & { readonly nonces: NonceSource },
): Sealed {
  const { facts, sending } = session;
  if (isWornOut(session, elapsed)) throw new HikyakuError("REKEY_REQUIRED", "The session is worn out: a new handshake has to replace it.");
  const header: EnvelopeHeader = {
    version: facts.version,
    msgType: message.msgType,
    senderId: facts.selfId,
    recipientId: facts.peerId,
    sessionId: facts.sessionId,
    sequenceNum: sending.sequenceNum,
    timestamp: now,
    nonce: nonces(message.plaintext),
  };
  const { messageSecret, next } = sending.step(crypto);
  const data = sealPayload(crypto, messageSecret, header, message.plaintext);
  eraseBytes(messageSecret);
  const envelope = signEnvelope(crypto, identity.key, { ...header, payload: { encrypted: true, data } });
  return { envelope, session: { ...session, sending: next } };
}

export type Opening =
  | { readonly kind: "opened"; readonly plaintext: Bytes; readonly session: Session }
  | {
      readonly kind: "refused";
      readonly code: Extract<
        ErrorCode,
        | "INVALID_VERSION"
        | "ENCRYPTION_REQUIRED"
        | "CLOCK_SKEW"
        | "SEQUENCE_ERROR"
        | "REPLAY_DETECTED"
        | "DECRYPTION_FAILED"
        | "INVALID_SIGNATURE"
      >;
    };

export interface OpeningSettings extends Moment {
  /** How many secrets of skipped messages the session may keep afterwards, where that is less than its own bound. */
  readonly skippedMax?: number;
}

/**
 * Opens one envelope of this session. The caller has looked the session up by sender and session id and checked the recipient. When the answer is
 * `opened`, the session handed in is spent: its used-up secrets are erased.
 */
export function open(crypto: Crypto, session: Session, peerKey: VerifyingKey, envelope: Envelope, at: OpeningSettings): Opening {
  const { facts } = session;
  const { now, elapsed, skippedMax } = at;
  if (envelope.version !== facts.version) return { kind: "refused", code: "INVALID_VERSION" };
  if (!envelope.payload.encrypted) return { kind: "refused", code: "ENCRYPTION_REQUIRED" };
  if (Math.abs(envelope.timestamp - (now + facts.clockOffsetMs)) > clockSkewMsMax) return { kind: "refused", code: "CLOCK_SKEW" };
  const verdict = judgeCounter(session.window, envelope.sequenceNum);
  if (verdict.kind === "replayed") return { kind: "refused", code: "REPLAY_DETECTED" };
  if (verdict.kind === "out-of-range" || envelope.sequenceNum > sessionMessagesMax) return { kind: "refused", code: "SEQUENCE_ERROR" };

  // MSG-7: a long jump costs a derivation for each number skipped, so there the signature is checked before anything is derived.
  const isFarAhead = envelope.sequenceNum - session.receiving.sequenceNum > cheapJumpMax;
  if (isFarAhead && !isSignedBy(crypto, peerKey, envelope)) return { kind: "refused", code: "INVALID_SIGNATURE" };
  const step = stepTo(crypto, session.receiving, envelope.sequenceNum, { elapsed, ...(skippedMax === undefined ? {} : { skippedMax }) });
  const plaintext = step === undefined ? undefined : openPayload(crypto, step.messageSecret, envelope);
  if (step === undefined || plaintext === undefined) return { kind: "refused", code: "DECRYPTION_FAILED" };
  if (!isFarAhead && !isSignedBy(crypto, peerKey, envelope)) return { kind: "refused", code: "INVALID_SIGNATURE" };
  return { kind: "opened", plaintext, session: commit(session, step, verdict.window) };
}

/** MSG-6: nothing is stored and nothing erased before this line. */
const commit = (session: Session, step: ReceivingStep, window: ReplayWindow): Session => ({
  ...session,
  receiving: commitStep(session.receiving, step),
  window,
});

/** The session without the skipped secrets whose time is over. */
export function tidySession(session: Session, elapsed: number): Session {
  const receiving = forgetSkipped(session.receiving, elapsed);
  return receiving === session.receiving ? session : { ...session, receiving };
}

/** Whether it is time to make a new session; this one still works meanwhile. */
export const isDueForRollover = ({ facts, sending, window }: Session, elapsed: number): boolean =>
  elapsed - facts.establishedAt >= rolloverAfterMs || Math.max(sending.sequenceNum, window.highest) >= rolloverAfterMessages;

/** Whether this session must not be used any more, in either direction. */
export const isWornOut = ({ facts, sending, window }: Session, elapsed: number): boolean =>
  elapsed - facts.establishedAt >= sessionMsMax || Math.max(sending.sequenceNum, window.highest) >= sessionMessagesMax;

export function eraseSession(session: Session): void {
  session.sending.erase();
  eraseReceivingChain(session.receiving);
  eraseBytes(session.facts.exporter);
}
