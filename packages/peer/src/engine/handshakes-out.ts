/** Handshakes that we begin: one attempt at a time with each peer, shared by all who want a session with it (spec §4 "A on M2"). */
import {
  type Bytes,
  confirmAnswer,
  type Envelope,
  encodeEnvelope,
  establishSession,
  type HandshakeRefusal,
  HikyakuError,
  limits,
  makeOffer,
  newSessionId,
  type PendingOffer,
} from "@hikyaku/protocol";
import type { Link, Reception } from "../ports/link.ts";
import type { KnownPeer } from "../ports/trust-store.ts";
import type { Alarms } from "./alarms.ts";
import { type Answer, refused, taken } from "./answer.ts";
import { isSameFrame } from "./half-opens.ts";
import type { KeyRing } from "./key-ring.ts";
import { dice, type Ground, momentOf, type Settings } from "./needs.ts";
import { LiveSession, type SessionTable } from "./session-table.ts";
import { untilAborted } from "./waits.ts";

/** Whom to connect to: a known peer, or a stranger from a pairing link. */
export type Contact = Pick<KnownPeer, "did" | "name" | "addresses" | "minVersion">;

export interface OfferOptions {
  readonly pairingToken?: Bytes;
  readonly rolloverOf?: string;
}

/** Moves one frame to a contact and takes in whatever comes back on the same link. */
type Exchange = (link: Link, frame: Bytes, signal: AbortSignal) => Promise<Reception>;

export interface HandshakesOutParts {
  readonly ground: Ground;
  readonly settings: Settings;
  readonly keys: KeyRing;
  readonly sessions: SessionTable;
  readonly alarms: Alarms;
  /** Tries the contact's addresses until one takes the frame. */
  readonly exchangeAnywhere: (
    contact: Contact,
    frame: Bytes,
    signal: AbortSignal,
  ) => Promise<{ readonly link: Link; readonly reception: Reception }>;
  readonly exchange: Exchange;
  /** Told of every session that was made here. */
  readonly established: (session: LiveSession, contact: Contact) => void;
  /** Aborts when the peer closes. */
  readonly closing: AbortSignal;
}

interface Attempt {
  readonly contact: Contact;
  readonly pending: PendingOffer;
  /** A peer's offer that came while ours was unanswered. */
  crossedWith?: string;
  /** Set by the genuine M2. */
  confirmed?: { readonly m2: Bytes; readonly m3: Bytes; readonly session: LiveSession };
  /** Why the answer was not accepted. */
  failure?: HikyakuError;
}

export class HandshakesOut {
  readonly #parts: HandshakesOutParts;
  readonly #attempts = new Map<string, Attempt>();
  readonly #running = new Map<string, Promise<LiveSession>>();

  constructor(parts: HandshakesOutParts) {
    this.#parts = parts;
  }

  /**
   * A ready session with the contact, from a handshake that is under way already or from a new one. The signal ends the caller's waiting only: others
   * may wait for the same attempt. Rejects with a sentence that names the cause.
   */
  connect(contact: Contact, options: OfferOptions, signal: AbortSignal): Promise<LiveSession> {
    const running = options.pairingToken === undefined ? this.#running.get(contact.did) : undefined;
    if (running !== undefined) return untilAborted(running, signal);
    const started = this.#attempt(contact, options).finally(() => {
      if (this.#running.get(contact.did) === started) this.#running.delete(contact.did);
    });
    this.#running.set(contact.did, started);
    return untilAborted(started, signal);
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

  /** M2. The frame to send back is M3. */
  receiveAnswer(m2: Envelope, frame: Bytes): Answer {
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
      this.#parts.alarms.judge(did, confirmed);
      return this.#refuse(confirmed.check);
    }
    const session = new LiveSession(establishSession(confirmed.agreement, at.elapsed), {
      at,
      isReady: false,
      crossedWith: attempt.crossedWith,
    });
    attempt.confirmed = { m2: frame, m3: encodeEnvelope(confirmed.m3), session };
    sessions.add(session);
    return taken(attempt.confirmed.m3);
  }

  async #attempt(contact: Contact, options: OfferOptions): Promise<LiveSession> {
    const { ground, settings, sessions } = this.#parts;
    const sessionId = newSessionId(ground.random.bytes(16));
    const offer = { recipientId: contact.did, abilities: settings.abilities, ...options };
    const offerDice = { sessionId, challenge: dice(ground), ephemeral: dice(ground), nonce: dice(ground) };
    const pending = makeOffer(ground.crypto, ground.identity, offer, offerDice, ground.clock.now());
    const attempt: Attempt = { contact, pending };
    this.#attempts.set(sessionId, attempt);
    try {
      const session = await this.#drive(attempt);
      ground.log.write("info", "session.established", { peer: contact.did, role: "initiator", version: session.facts.version });
      ground.counters.add("session.established");
      this.#parts.established(session, contact);
      return session;
    } catch (error) {
      if (attempt.confirmed !== undefined) sessions.drop(attempt.confirmed.session);
      throw error;
    } finally {
      this.#attempts.delete(sessionId);
      pending.agreementKey.erase();
    }
  }

  /** Sends M1; taking in its answer sends M3. Then repeats M3 until the peer has shown that it holds the keys (spec HS-12). */
  async #drive(attempt: Attempt): Promise<LiveSession> {
    const { ground, closing, exchangeAnywhere } = this.#parts;
    const { contact, pending } = attempt;
    const beganAt = ground.clock.elapsed();
    const { link, reception } = await exchangeAnywhere(contact, encodeEnvelope(pending.m1), closing);
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
  async #repeat(link: Link, m3: Bytes): Promise<Reception | undefined> {
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
function refusalOf(reception: Reception & { kind: "refused" }, { name }: Contact, { settings }: PendingOffer): HikyakuError {
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

function pause({ clock }: Ground, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => {
      signal.removeEventListener("abort", cancel);
      resolve();
    });
    const cancel = (): void => {
      timer.cancel();
      reject(new HikyakuError("CANCELED", "The handshake was canceled.", { cause: signal.reason }));
    };
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
  });
}
