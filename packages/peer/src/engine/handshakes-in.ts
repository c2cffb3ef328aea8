/** Handshakes that others begin with us: offers in, sessions out (spec §4 "B on M1", "B on M3"; §7 for the order of checks). */
import {
  acceptConfirm,
  answerOffer,
  audienceOf,
  type Bytes,
  type Envelope,
  type ErrorCode,
  encodeBody,
  encodeEnvelope,
  encodeHex,
  establishSession,
  type HalfOpen,
  type HandshakeRefusal,
  limits,
  type ReadOffer,
  readOffer,
} from "@hikyaku/protocol";
import type { Origin } from "../ports/link.ts";
import type { Admission } from "./admission.ts";
import type { Alarms } from "./alarms.ts";
import { type Answer, type Received, taken } from "./answer.ts";
import { type Claim, HalfOpens, isSameFrame, OfferNonces, type OpenHandshake } from "./half-opens.ts";
import type { KeyRing } from "./key-ring.ts";
import type { KnownPeers } from "./known-peers.ts";
import { dice, type Ground, momentOf, type Settings } from "./needs.ts";
import type { Pairings } from "./pairings.ts";
import { isFriend, mayConnect } from "./policy.ts";
import { LiveSession, type SessionTable } from "./session-table.ts";

export interface HandshakesInParts {
  readonly ground: Ground;
  readonly settings: Settings;
  readonly known: KnownPeers;
  readonly keys: KeyRing;
  readonly sessions: SessionTable;
  readonly pairings: Pairings;
  readonly admission: Admission;
  readonly alarms: Alarms;
  /** Where this peer can be reached, for READY. */
  readonly addresses: () => readonly string[];
  /** Tells our own attempts of an offer that came, and returns the one that it crosses. */
  readonly cross: (peerId: string, sessionId: string) => string | undefined;
  /** Told of every session that was made here. */
  readonly established: (session: LiveSession, pairingId: string | undefined) => void;
}

export class HandshakesIn {
  readonly #parts: HandshakesInParts;
  readonly #halfOpens = new HalfOpens();
  readonly #nonces = new OfferNonces();

  constructor(parts: HandshakesInParts) {
    this.#parts = parts;
  }

  get sizes(): { readonly halfOpens: number; readonly offerNonces: number } {
    return { halfOpens: this.#halfOpens.size, offerNonces: this.#nonces.size };
  }

  sweep(): void {
    this.#halfOpens.sweep(this.#parts.ground.clock.elapsed());
  }

  /** Whoever is blocked or forgotten now shall not finish what it began before. */
  forget(did: string): void {
    this.#halfOpens.dropPeer(did);
  }

  close(): void {
    this.#halfOpens.clear();
  }

  /** M1. Everything cheap comes first; keys are made last, and only for a sender who proved itself and is welcome. */
  receiveOffer(m1: Envelope, frame: Bytes, { prefix }: Origin): Answer {
    const { alarms, ground, known, keys, settings, sessions } = this.#parts;
    this.sweep();
    const again = this.#halfOpens.find(m1.senderId, m1.sessionId);
    if (again !== undefined)
      return isSameFrame(again.m1, frame) ? taken(again.m2) : this.#refuse("HANDSHAKE_FAILED", "session id used before");
    if (this.#halfOpens.isFull() || sessions.isFull()) return this.#refuseForNow("all half-open handshakes");
    // Imported anew although it may be held: otherwise the time of an answer would tell a stranger whom we know.
    const peerKey = keys.importKey(m1.senderId);
    if (peerKey === undefined) return this.#refuse("INVALID_SIGNATURE", "sender id holds no acceptable key");
    const read = readOffer(ground.crypto, m1, peerKey, ground.clock.now());
    if (read.kind !== "offered") {
      alarms.judge(m1.senderId, read);
      return this.#refuseHandshake(read);
    }
    const nonce = encodeHex(m1.nonce);
    if (this.#nonces.has(m1.senderId, nonce)) return this.#refuse("REPLAY_DETECTED", "offer nonce");
    this.#nonces.add(m1.senderId, nonce);
    // Only now: before the signature a claimed name must make no difference that its claimant could see.
    const standing = known.standingOf(m1.senderId);
    const claim: Claim = { senderId: m1.senderId, prefix, isFriend: isFriend(standing) };
    if (!this.#halfOpens.hasRoomFor(claim)) return this.#refuseForNow("half-open handshakes of its kind");
    const retryAfterS = this.#parts.admission.message(m1.senderId, "handshake", standing);
    if (retryAfterS !== undefined) return { ...this.#refuse("RATE_LIMITED", "handshakes of one identity"), retryAfterS };
    if (sessions.find(m1.senderId, m1.sessionId) !== undefined) return this.#refuse("HANDSHAKE_FAILED", "session id used before");
    const welcome = this.#judgeWelcome(read);
    if (welcome.kind === "refused") return welcome;
    if (!keys.isTorsionFree(m1.senderId)) return this.#refuse("INVALID_SIGNATURE", "key is not torsion-free");

    const half = answerOffer(
      ground.crypto,
      ground.identity,
      read,
      {
        abilities: settings.abilities,
        minVersion: known.get(m1.senderId)?.minVersion ?? "1.0",
        ...(welcome.psk === undefined ? {} : { psk: welcome.psk }),
      },
      { challenge: dice(ground), ephemeral: dice(ground), nonce: dice(ground) },
      ground.clock.now(),
    );
    if (half.kind !== "answered") {
      alarms.judge(m1.senderId, half);
      return this.#refuseHandshake(half);
    }
    return taken(this.#remember(half, frame, claim, welcome.pairingId).m2);
  }

  /** M3. Every check that fails gives the same answer (spec HS-8). A repeated one proves nobody: anybody could have recorded it. */
  receiveConfirm(m3: Envelope, frame: Bytes): Received {
    this.sweep();
    const handshake = this.#halfOpens.find(m3.senderId, m3.sessionId);
    if (handshake?.confirmed === undefined) return this.#confirm(handshake, m3, frame);
    const { confirmed } = handshake;
    return { answer: isSameFrame(confirmed.m3, frame) ? taken(confirmed.ready) : this.#refuse("HANDSHAKE_FAILED", "another M3") };
  }

  #confirm(handshake: OpenHandshake | undefined, m3: Envelope, frame: Bytes): Received {
    const { ground, keys, sessions } = this.#parts;
    const peerKey = handshake === undefined ? undefined : keys.keyOf(m3.senderId);
    if (handshake === undefined || peerKey === undefined) return { answer: this.#refuse("HANDSHAKE_FAILED", "no such handshake") };
    if (sessions.isFull()) return { answer: this.#refuseForNow("sessions") };
    const at = momentOf(ground);
    if (handshake.pairingId !== undefined && this.#parts.pairings.keyFor(handshake.pairingId) === undefined)
      return { answer: this.#refuse("HANDSHAKE_FAILED", "pairing token spent") };
    const accepted = acceptConfirm(ground.crypto, handshake.half, m3, peerKey);
    if (accepted.kind !== "accepted") return { answer: this.#refuseHandshake(accepted) };

    const session = new LiveSession(establishSession(accepted.agreement, at.elapsed), {
      at,
      isReady: true,
      crossedWith: handshake.crossedWith,
    });
    const ready = this.#sealReady(session);
    handshake.confirmed = { m3: frame, ready };
    this.#halfOpens.dropOlder(handshake);
    sessions.add(session);
    ground.log.write("info", "session.established", { peer: m3.senderId, role: "responder", version: session.facts.version });
    ground.counters.add("session.established");
    this.#parts.established(session, handshake.pairingId);
    return { answer: taken(ready), provenBy: m3.senderId, isBeginning: true };
  }

  #judgeWelcome({
    m1,
    offer,
  }: ReadOffer): { readonly kind: "welcome"; readonly psk?: Bytes; readonly pairingId?: string } | (Answer & { kind: "refused" }) {
    const { known, pairings } = this.#parts;
    const standing = known.standingOf(m1.senderId);
    if (standing.level === "blocked") return this.#refuse("UNKNOWN_SENDER", "blocked");
    if (offer.pairing !== undefined) {
      const pairingId = encodeHex(offer.pairing);
      const psk = pairings.keyFor(pairingId);
      return psk === undefined ? this.#refuse("HANDSHAKE_FAILED", "unknown pairing token") : { kind: "welcome", psk, pairingId };
    }
    return mayConnect(standing) ? { kind: "welcome" } : this.#judgeStranger();
  }

  /** TRUST-3, TRUST-8. */
  #judgeStranger(): { readonly kind: "welcome" } | (Answer & { kind: "refused" }) {
    const { ground, known, settings } = this.#parts;
    if (settings.firstContact !== "see") return this.#refuse("UNKNOWN_SENDER", "stranger");
    if (known.hasRoomForStranger()) return { kind: "welcome" };
    ground.counters.add("stranger.withoutRoom");
    return this.#refuse("UNKNOWN_SENDER", "too many strangers");
  }

  #remember(half: HalfOpen, m1: Bytes, { prefix, isFriend: isFriendly }: Claim, pairingId: string | undefined): OpenHandshake {
    const crossedWith = this.#parts.cross(half.m1.senderId, half.m1.sessionId);
    const handshake: OpenHandshake = {
      half,
      prefix,
      isFriend: isFriendly,
      m1,
      m2: encodeEnvelope(half.m2),
      begunAt: this.#parts.ground.clock.elapsed(),
      ...(pairingId === undefined ? {} : { pairingId }),
      ...(crossedWith === undefined ? {} : { crossedWith }),
    };
    this.#halfOpens.add(handshake);
    return handshake;
  }

  #sealReady(session: LiveSession): Bytes {
    const { crypto, identity, nonces } = this.#parts.ground;
    const addresses = this.#parts.addresses();
    const plaintext = encodeBody<"status_report">({ ready: true, ...(addresses.length === 0 ? {} : { addresses }) });
    const at = { nonces, ...momentOf(this.#parts.ground) };
    return encodeEnvelope(session.seal(crypto, identity, { msgType: "status_report", plaintext }, at));
  }

  #refuseForNow(check: string): Answer & { kind: "refused" } {
    return { ...this.#refuse("OVERLOADED", check), retryAfterS: limits.halfOpenMsMax / 1000 };
  }

  #refuseHandshake({ code, check }: HandshakeRefusal): Answer & { kind: "refused" } {
    const answer = this.#refuse(audienceOf(code) === "local" ? "HANDSHAKE_FAILED" : code, check);
    return code === "INVALID_VERSION" ? { ...answer, versions: this.#parts.settings.abilities.versions } : answer;
  }

  #refuse(code: ErrorCode, check: string): Answer & { kind: "refused" } {
    this.#parts.ground.counters.add(`refused.${code}`);
    this.#parts.ground.log.write("info", "handshake.refused", { code, check });
    return { kind: "refused", code };
  }
}
