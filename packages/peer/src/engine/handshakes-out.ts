/** Handshakes that we begin: one attempt at a time with each peer, shared by all who want a session with it (spec §4 "A on M2"). */
import {
  type Bytes,
  confirmAnswer,
  type Envelope,
  encodeEnvelope,
  encodeHex,
  establishSession,
  type HandshakeRefusal,
  HikyakuError,
  limits,
  makeOffer,
  newSessionId,
  type PendingOffer,
} from "@hikyaku/protocol";
import type { Contact } from "../links/contact.ts";
import type { Exchange, Link, Reception, Refusal, Stream } from "../ports/link.ts";
import type { Alarms } from "./alarms.ts";
import { type Answer, refused, taken } from "./answer.ts";
import { isSameFrame } from "./half-opens.ts";
import type { KeyRing } from "./key-ring.ts";
import { dice, type Ground, momentOf, type Settings } from "./needs.ts";
import { pause } from "./pause.ts";
import { LiveSession, type SessionTable } from "./session-table.ts";
import { untilAborted } from "./waits.ts";

export interface OfferOptions {
  readonly pairingToken?: Bytes;
  readonly rolloverOf?: string;
}

export interface HandshakesOutParts {
  readonly ground: Ground;
  readonly settings: Settings;
  readonly keys: KeyRing;
  readonly sessions: SessionTable;
  readonly alarms: Alarms;
  /** Moves a frame over an exchange and takes in whatever comes back. */
  readonly exchange: (link: Exchange, frame: Bytes, signal: AbortSignal) => Promise<Reception>;
  /** Aborts when a stream is down. */
  readonly goneOf: (stream: Stream) => AbortSignal;
  /** Told of every session that was made here. */
  readonly established: (session: LiveSession) => void;
  /** Aborts when the peer closes. */
  readonly closing: AbortSignal;
}

interface Attempt {
  readonly contact: Contact;
  readonly pending: PendingOffer;
  readonly link: Link;
  /** Settled by the genuine M2, or by what ends the attempt before. */
  readonly answered: PromiseWithResolvers<Confirmed>;
  /** A peer's offer that came while ours was unanswered. */
  crossedWith?: string;
  /** Set by the genuine M2. */
  confirmed?: Confirmed;
  /** Why the answer that came on this attempt's own way was not accepted. */
  failure?: HikyakuError;
}

interface Confirmed {
  readonly m2: Bytes;
  readonly m3: Bytes;
  readonly session: LiveSession;
}

export class HandshakesOut {
  readonly #parts: HandshakesOutParts;
  readonly #attempts = new Map<string, Attempt>();
  readonly #running = new Map<string, Promise<LiveSession>>();

  constructor(parts: HandshakesOutParts) {
    this.#parts = parts;
  }

  /**
   * A session with the contact, from a handshake that is under way already or from a new one on this link: over an exchange it is ready, over a stream it may be
   * used there at once. The signal ends the caller's waiting only: others may wait for the same attempt. Rejects with a sentence that names the cause.
   */
  connect(contact: Contact, options: OfferOptions, link: Link, signal: AbortSignal): Promise<LiveSession> {
    const running = options.pairingToken === undefined ? this.#running.get(contact.did) : undefined;
    if (running !== undefined) return untilAborted(running, signal, "handshake");
    const started = this.#attempt(contact, options, link).finally(() => {
      if (this.#running.get(contact.did) === started) this.#running.delete(contact.did);
    });
    this.#running.set(contact.did, started);
    return untilAborted(started, signal, "handshake");
  }

  /**
   * Called when a peer's offer comes: if our own to it has no answer yet, the two cross, and both remember it.
   * Returns the session id of ours.
   */
  cross(peerId: string, theirs: string): string | undefined {
    for (const [ours, attempt] of this.#attempts) {
      if (attempt.contact.did !== peerId || attempt.confirmed !== undefined) continue;
      attempt.crossedWith = theirs;
      return ours;
    }
    return undefined;
  }

  /** The other side did not take a frame on this stream, whose nonce is `ref` where it said so: whether it was the M1 of an attempt that is under way. */
  refused(stream: Stream, refusal: Refusal, ref: string | undefined): boolean {
    const isMeant = ({ link, confirmed, pending }: Attempt): boolean =>
      link === stream && confirmed === undefined && (ref === undefined || ref === encodeHex(pending.m1.nonce));
    const attempt = [...this.#attempts.values()].find(isMeant);
    attempt?.answered.reject(refusalOf(refusal, attempt.contact, attempt.pending));
    return attempt !== undefined;
  }

  /** M2. Over an exchange the frame to send back is M3; over a stream whoever began the attempt sends it, before anything else. */
  receiveAnswer(m2: Envelope, frame: Bytes, stream: Stream | undefined): Answer {
    const { ground, keys, sessions } = this.#parts;
    const attempt = this.#attempts.get(m2.sessionId);
    const peerKey = attempt === undefined ? undefined : keys.keyOf(attempt.contact.did);
    if (attempt === undefined || peerKey === undefined) return this.#refuse("no such attempt");
    if (attempt.confirmed !== undefined)
      return isSameFrame(attempt.confirmed.m2, frame) ? taken(attempt.confirmed.m3) : this.#refuse("another M2");
    const { minVersion, did, name } = attempt.contact;
    if (!keys.isTorsionFree(did)) return this.#refuse("key is not torsion-free");
    if (sessions.isFull()) return this.#refuse("all sessions are taken");
    const at = momentOf(ground);
    const confirmed = confirmAnswer(ground.crypto, ground.identity, attempt.pending, m2, {
      peerKey,
      minVersion,
      nonces: ground.nonces,
      now: at.now,
    });
    if (confirmed.kind !== "confirmed") {
      attempt.failure = failureOf(confirmed.code, name);
      if (stream !== undefined && stream === attempt.link) attempt.answered.reject(attempt.failure);
      this.#parts.alarms.judge(did, confirmed);
      return this.#refuse(confirmed.check);
    }
    const session = new LiveSession(establishSession(confirmed.agreement, at.elapsed), {
      at,
      isReady: false,
      crossedWith: attempt.crossedWith,
      bornOn: attempt.link,
    });
    attempt.confirmed = { m2: frame, m3: encodeEnvelope(confirmed.m3), session };
    sessions.add(session);
    attempt.answered.resolve(attempt.confirmed);
    return attempt.link.kind === "stream" ? taken() : taken(attempt.confirmed.m3);
  }

  async #attempt(contact: Contact, options: OfferOptions, link: Link): Promise<LiveSession> {
    const { ground, settings, sessions } = this.#parts;
    const sessionId = newSessionId(ground.random.bytes(16));
    const offer = { recipientId: contact.did, abilities: settings.abilities, ...options };
    const offerDice = { sessionId, challenge: dice(ground), ephemeral: dice(ground), nonce: dice(ground) };
    const pending = makeOffer(ground.crypto, ground.identity, offer, offerDice, ground.clock.now());
    const attempt: Attempt = { contact, pending, link, answered: Promise.withResolvers() };
    attempt.answered.promise.catch(() => undefined);
    this.#attempts.set(sessionId, attempt);
    try {
      const session = link.kind === "stream" ? await this.#driveOn(link, attempt) : await this.#drive(link, attempt);
      ground.log.write("info", "session.established", { peer: contact.did, role: "initiator", version: session.facts.version });
      ground.counters.add("session.established");
      this.#parts.established(session);
      return session;
    } catch (error) {
      if (attempt.confirmed !== undefined) sessions.drop(attempt.confirmed.session);
      throw error;
    } finally {
      this.#attempts.delete(sessionId);
      pending.agreementKey.erase();
    }
  }

  /** On a stream nothing is lost while it is up, so M1 and M3 go once, and messages may follow M3 at once. */
  async #driveOn(stream: Stream, { contact, pending, answered }: Attempt): Promise<LiveSession> {
    const { ground, closing, goneOf } = this.#parts;
    const late = new HikyakuError("TIMED_OUT", `${contact.name} did not answer the handshake within ${limits.halfOpenMsMax / 1000} s.`);
    const timer = ground.clock.after(limits.halfOpenMsMax, () => answered.reject(late));
    const stop = AbortSignal.any([goneOf(stream), closing]);
    const cancel = (): void => answered.reject(stop.reason);
    stop.addEventListener("abort", cancel, { once: true });
    try {
      if (stop.aborted) throw stop.reason;
      await stream.send(encodeEnvelope(pending.m1), closing);
      const { m3, session } = await answered.promise;
      await stream.send(m3, closing);
      return session;
    } finally {
      timer.cancel();
      stop.removeEventListener("abort", cancel);
    }
  }

  /** Sends M1; taking in its answer sends M3. Then repeats M3 until the peer has shown that it holds the keys (spec HS-12). */
  async #drive(link: Exchange, attempt: Attempt): Promise<LiveSession> {
    const { ground, closing, exchange } = this.#parts;
    const { contact, pending } = attempt;
    const beganAt = ground.clock.elapsed();
    const reception = await exchange(link, encodeEnvelope(pending.m1), closing);
    if (reception.kind === "refused") throw refusalOf(reception, contact, pending);
    if (attempt.confirmed === undefined)
      throw attempt.failure ?? new HikyakuError("HANDSHAKE_FAILED", `${contact.name} gave no answer to the handshake.`);
    const { m3, session } = attempt.confirmed;
    while (!session.isReady) {
      await pause(ground, limits.confirmRepeatMs, closing);
      if (ground.clock.elapsed() - beganAt >= limits.halfOpenMsMax)
        throw new HikyakuError(
          "TIMED_OUT",
          `${contact.name} began a handshake and did not finish it within ${limits.halfOpenMsMax / 1000} s.`,
        );
      const repeated = await this.#repeat(link, m3);
      // Whoever is merely busy gets another try; a refusal is unsigned and ends nothing that time does not end (spec ERR-2).
      if (repeated?.kind === "refused" && repeated.code === "HANDSHAKE_FAILED") throw refusalOf(repeated, contact, pending);
    }
    return session;
  }

  /** HS-12: a repetition that does not get through is one more that was lost; the next one may arrive. */
  async #repeat(link: Exchange, m3: Bytes): Promise<Reception | undefined> {
    const { ground, closing, exchange } = this.#parts;
    try {
      return await exchange(link, m3, closing);
    } catch (error) {
      if (closing.aborted || !(error instanceof HikyakuError)) throw error;
      ground.counters.add("answer.lost");
      return undefined;
    }
  }

  #refuse(check: string): Answer {
    this.#parts.ground.counters.add("refused.HANDSHAKE_FAILED");
    this.#parts.ground.log.write("info", "handshake.refused", { code: "HANDSHAKE_FAILED", check });
    return refused("HANDSHAKE_FAILED");
  }
}

function failureOf(code: HandshakeRefusal["code"], name: string): HikyakuError {
  return code === "DOWNGRADE_REFUSED"
    ? new HikyakuError(
        "DOWNGRADE_REFUSED",
        `The answer in ${name}'s name chose a weaker version or suite than both sides support; somebody may be on the line.`,
      )
    : new HikyakuError("HANDSHAKE_FAILED", `Whoever answered is not ${name}: the handshake did not verify.`);
}

/** A refusal is unauthenticated, so it is told as a hint: what it says, and what to do if it is true. */
function refusalOf(reception: Refusal, { name }: Contact, { settings }: PendingOffer): HikyakuError {
  const { code } = reception;
  switch (code) {
    case "UNKNOWN_SENDER":
      return new HikyakuError(code, `${name} does not know this peer; pair the two with \`hikyaku pair\`.`);
    case "CLOCK_SKEW":
      return new HikyakuError(
        code,
        `This machine's clock and ${name}'s are more than 300 s apart; set both (for example with NTP) and try again.`,
      );
    case "INVALID_VERSION":
      return new HikyakuError(
        code,
        `${name} speaks other versions of the protocol (${reception.versions?.join(", ") ?? "unknown"}); update the older side.`,
      );
    case "RATE_LIMITED":
    case "OVERLOADED":
      return new HikyakuError(code, `${name} is busy; try again in ${reception.retryAfterS ?? 30} s.`);
    case "HANDSHAKE_FAILED":
      return settings.pairingToken === undefined
        ? new HikyakuError(code, `${name} refused the handshake.`)
        : new HikyakuError(code, "The pairing link was used already, has expired, or is not of that peer; ask for a new one.");
    default:
      return new HikyakuError(code, `${name} refused the handshake (${code}).`);
  }
}
