/**
 * The session that one peer's courier seals in (spec §6, HS-13): made where there is none, renewed in time, and given up for another where the peer seems to have lost
 * it. Handshakes that nothing but such a doubt asks for are at least ten seconds apart.
 */
import { limits } from "@hikyaku/protocol";
import type { Contact } from "../links/contact.ts";
import type { Link } from "../ports/link.ts";
import type { HandshakesOut } from "./handshakes-out.ts";
import type { Ground } from "./needs.ts";
import type { LiveSession, SessionTable } from "./session-table.ts";

export interface SendingSessionParts {
  readonly ground: Ground;
  readonly sessions: SessionTable;
  readonly handshakes: () => HandshakesOut;
  readonly closing: AbortSignal;
}

export class SendingSession {
  readonly #did: string;
  readonly #parts: SendingSessionParts;
  /** Told which session only receives from now on. */
  readonly #retired: (sessionId: string) => void;
  #newSessionAt = Number.NEGATIVE_INFINITY;

  constructor(did: string, parts: SendingSessionParts, retired: (sessionId: string) => void) {
    this.#did = did;
    this.#parts = parts;
    this.#retired = retired;
  }

  /** The session to seal in on this link, after a handshake where that takes one. */
  async on(link: Link, contact: Contact): Promise<LiveSession> {
    const { sessions, handshakes, closing } = this.#parts;
    const now = this.#elapsed();
    const current = sessions.sendingTo(this.#did, now, link);
    if (current === undefined) return await handshakes().connect(contact, {}, link, closing);
    const isDue = current.isDueForRollover(now) && now - this.#newSessionAt >= limits.handshakeIntervalMsMin;
    return isDue ? await this.#rollOver(current, link, contact) : current;
  }

  /** The session that is there already, for what goes along with an answer. */
  current(): LiveSession | undefined {
    return this.#parts.sessions.sendingTo(this.#did, this.#elapsed());
  }

  /** The session may not be known over there any more: another is made, at most once in ten seconds, and this one only receives. Whether what it carried may go again. */
  doubt(sessionId: string | undefined): boolean {
    const { sessions } = this.#parts;
    const now = this.#elapsed();
    const current = this.current();
    if (current === undefined || current.facts.sessionId !== sessionId) return sessionId !== undefined;
    if (now - this.#newSessionAt < limits.handshakeIntervalMsMin) return false;
    this.#newSessionAt = now;
    sessions.retire(current);
    this.#retired(sessionId);
    return true;
  }

  /** How long it is until a doubt may bring another session. */
  get settledMs(): number {
    return this.#newSessionAt + limits.handshakeIntervalMsMin - this.#elapsed();
  }

  async #rollOver(current: LiveSession, link: Link, contact: Contact): Promise<LiveSession> {
    const { handshakes, closing, ground } = this.#parts;
    this.#newSessionAt = this.#elapsed();
    try {
      return await handshakes().connect(contact, { rolloverOf: current.facts.sessionId }, link, closing);
    } catch (error) {
      // LIFE-1: while there is no new session to be had, this one goes on.
      if (closing.aborted || current.isExpired(this.#elapsed())) throw error;
      ground.counters.add("rollover.failed");
      return current;
    }
  }

  #elapsed(): number {
    return this.#parts.ground.clock.elapsed();
  }
}
