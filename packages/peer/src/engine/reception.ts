/**
 * What happens to one frame, cheapest check first (spec §7): form, recipient, session, window, seal, signature, and only then meaning. What fails before
 * the signature is known to be good is answered with one constant refusal, and changes nothing but counters.
 */
import {
  type Bytes,
  decodeBinaryFrame,
  decodeEnvelope,
  type Envelope,
  type ErrorCode,
  encodeHex,
  isSignedBy,
  limits,
} from "@hikyaku/protocol";
import type { Origin, Stream } from "../ports/link.ts";
import { type Received, refused, taken, type Way } from "./answer.ts";
import type { Dialogue } from "./dialogue.ts";
import type { HandshakesIn } from "./handshakes-in.ts";
import type { HandshakesOut } from "./handshakes-out.ts";
import type { KeyRing } from "./key-ring.ts";
import { type Ground, momentOf } from "./needs.ts";
import type { SessionTable } from "./session-table.ts";

export interface ReceptionParts {
  readonly ground: Ground;
  readonly keys: KeyRing;
  readonly sessions: SessionTable;
  readonly handshakesIn: HandshakesIn;
  readonly handshakesOut: HandshakesOut;
  readonly dialogue: Dialogue;
}

export class Reception {
  readonly #parts: ReceptionParts;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
  }

  /** One frame. Rejects only where our own storage fails: then nothing was acknowledged. */
  async receive(frame: Bytes, origin: Origin, way: Way): Promise<Received> {
    if (frame.length > limits.envelopeBytesMax) return this.#refuse("MESSAGE_TOO_LARGE", "MESSAGE_TOO_LARGE");
    // FRAME-5: binary frames travel on streams only.
    const envelope = typeof way === "object" ? decodeStreamFrame(frame) : decodeEnvelope(frame);
    if (envelope === undefined) return this.#refuse("MALFORMED_MESSAGE", "MALFORMED_MESSAGE");
    const received = await this.#receiveEnvelope(envelope, frame, origin, way);
    return { ...received, ref: encodeHex(envelope.nonce) };
  }

  async #receiveEnvelope(envelope: Envelope, frame: Bytes, origin: Origin, way: Way): Promise<Received> {
    const { did } = this.#parts.ground.identity;
    if (envelope.recipientId !== did) return this.#refuse("REJECTED", "UNKNOWN_RECIPIENT");
    if (envelope.senderId === did) return this.#refuse("REJECTED", "REFLECTED");
    return envelope.msgType.startsWith("handshake")
      ? this.#receiveHandshake(envelope, frame, origin, typeof way === "object" ? way : undefined)
      : await this.#receiveMessage(envelope, way);
  }

  #receiveHandshake(envelope: Envelope, frame: Bytes, origin: Origin, stream: Stream | undefined): Received {
    if (frame.length > limits.handshakeEnvelopeBytesMax) return this.#refuse("MESSAGE_TOO_LARGE", "MESSAGE_TOO_LARGE");
    const { handshakesIn, handshakesOut } = this.#parts;
    switch (envelope.msgType) {
      case "handshake":
        return { answer: handshakesIn.receiveOffer(envelope, frame, origin) };
      case "handshake_ack":
        return { answer: handshakesOut.receiveAnswer(envelope, frame, stream) };
      case "handshake_confirm":
        return handshakesIn.receiveConfirm(envelope, frame);
      default:
        return this.#refuse("REJECTED", "UNSUPPORTED_TYPE");
    }
  }

  async #receiveMessage(envelope: Envelope, way: Way): Promise<Received> {
    const { ground, keys, sessions, dialogue } = this.#parts;
    const session = sessions.find(envelope.senderId, envelope.sessionId);
    const peerKey = session === undefined ? undefined : keys.keyOf(envelope.senderId);
    if (session === undefined || peerKey === undefined) return this.#refuse("REJECTED", "NO_SESSION");
    const at = momentOf(ground);
    if (session.isExpired(at.elapsed)) return this.#refuse("REJECTED", "SESSION_EXPIRED");
    const opening = sessions.open(ground.crypto, session, peerKey, envelope, at);
    if (opening.kind === "refused") {
      if (opening.code !== "REPLAY_DETECTED") return this.#refuse("REJECTED", opening.code);
      // MSG-5, HTTP-7: a copy of a genuine message is answered as the first was; junk under a used number must not learn that there is a session.
      if (!isSignedBy(ground.crypto, peerKey, envelope)) return this.#refuse("REJECTED", "INVALID_SIGNATURE");
      ground.counters.add("refused.REPLAY_DETECTED");
      return { answer: taken() };
    }
    const ref = encodeHex(envelope.nonce);
    await dialogue.receive(session, { msgType: envelope.msgType, plaintext: opening.plaintext, ref, way });
    return { answer: taken(), provenBy: envelope.senderId };
  }

  /** `shown` is what the sender learns, `counted` what it really was. */
  #refuse(shown: ErrorCode, counted: ErrorCode | "NO_SESSION" | "REFLECTED"): Received {
    this.#parts.ground.counters.add(`refused.${counted}`);
    return { answer: refused(shown) };
  }
}

/** By what a refusal names the envelope of this frame, which came on a stream. */
export function refOf(frame: Bytes): string | undefined {
  const envelope = decodeStreamFrame(frame);
  return envelope === undefined ? undefined : encodeHex(envelope.nonce);
}

/** No JSON text begins like a binary frame. */
const decodeStreamFrame = (frame: Bytes): Envelope | undefined =>
  frame[0] === openingBrace ? decodeEnvelope(frame) : decodeBinaryFrame(frame);

const openingBrace = 0x7b;
