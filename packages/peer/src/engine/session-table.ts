/** Every session this peer holds, and which of a peer's sessions sends (spec §4, "which session sends"). */
import {
  type Bytes,
  type Crypto,
  type Envelope,
  eraseSession,
  type Identity,
  isDueForRollover,
  isWornOut,
  limits,
  type MessageType,
  type NonceSource,
  type Opening,
  open,
  type Session,
  type SessionFacts,
  seal,
  tidySession,
  type VerifyingKey,
} from "@hikyaku/protocol";

/** One session as it moves on. */
export class LiveSession {
  readonly facts: SessionFacts;
  /** The session of a handshake that crossed this one's, if any. */
  readonly crossedWith: string | undefined;
  /** When the last authentic message came or the session was made. */
  heardAt: number;
  /** Whether the peer has shown that it holds the keys too. */
  isReady: boolean;
  /** Where the peer said it can be reached. */
  announced: readonly string[] = [];
  #session: Session;

  constructor(
    session: Session,
    { now, isReady, crossedWith }: { readonly now: number; readonly isReady: boolean; readonly crossedWith?: string | undefined },
  ) {
    this.facts = session.facts;
    this.crossedWith = crossedWith;
    this.heardAt = now;
    this.isReady = isReady;
    this.#session = session;
  }

  seal(
    crypto: Crypto,
    identity: Identity,
    message: { readonly msgType: MessageType; readonly plaintext: Bytes },
    at: { readonly nonces: NonceSource; readonly now: number },
  ): Envelope {
    const { envelope, session } = seal(crypto, identity, this.#session, message, at);
    this.#session = session;
    return envelope;
  }

  /** Opens one envelope; nothing but a good one changes the session. */
  open(crypto: Crypto, peerKey: VerifyingKey, envelope: Envelope, now: number): Opening {
    const opening = open(crypto, this.#session, peerKey, envelope, now);
    if (opening.kind !== "opened") return opening;
    this.#session = opening.session;
    this.heardAt = now;
    this.isReady = true;
    return opening;
  }

  isDueForRollover(now: number): boolean {
    return isDueForRollover(this.#session, now);
  }

  /** LIFE-2: idle for 15 minutes, a day old, or out of numbers. */
  isExpired(now: number): boolean {
    return now - this.heardAt >= limits.sessionIdleMsMax || isWornOut(this.#session, now);
  }

  /** Forgets what it kept for messages that will not come any more. */
  tidy(now: number): void {
    this.#session = tidySession(this.#session, now);
  }

  erase(): void {
    eraseSession(this.#session);
  }
}

interface PeerSessions {
  readonly all: LiveSession[];
  sending: LiveSession | undefined;
}

export class SessionTable {
  readonly #byPeer = new Map<string, PeerSessions>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether one more would go above the bound. */
  isFull(): boolean {
    return this.#size >= limits.sessionsMax;
  }

  has(peerId: string): boolean {
    return this.#byPeer.has(peerId);
  }

  find(peerId: string, sessionId: string): LiveSession | undefined {
    return this.#byPeer.get(peerId)?.all.find((session) => session.facts.sessionId === sessionId);
  }

  /** The session to send in, if there is one that still may. Over HTTP nothing is sent before the peer has shown the keys (spec HS-12). */
  sendingTo(peerId: string, now: number): LiveSession | undefined {
    const sending = this.#byPeer.get(peerId)?.sending;
    return sending?.isReady === true && !sending.isExpired(now) ? sending : undefined;
  }

  /**
   * LIFE-3: the handshake completed last takes over sending; only where the two crossed on the wire does the smaller session id, because then "last" may
   * differ from side to side. The others go on receiving.
   */
  add(session: LiveSession): void {
    const { peerId, sessionId } = session.facts;
    const sessions = this.#byPeer.get(peerId) ?? { all: [], sending: undefined };
    this.#byPeer.set(peerId, sessions);
    sessions.all.push(session);
    this.#size += 1;
    const crossed = sessions.all.find((other) => other.facts.sessionId === session.crossedWith);
    sessions.sending = crossed !== undefined && crossed.facts.sessionId < sessionId ? crossed : session;
    if (sessions.all.length > limits.sessionsPerPeerMax) {
      const oldest = sessions.all.find((other) => other !== sessions.sending);
      if (oldest !== undefined) this.drop(oldest);
    }
  }

  /** Sends no more in this session; it goes on receiving until it is swept. */
  retire(session: LiveSession): void {
    const sessions = this.#byPeer.get(session.facts.peerId);
    if (sessions?.sending === session) sessions.sending = undefined;
  }

  drop(session: LiveSession): void {
    const sessions = this.#byPeer.get(session.facts.peerId);
    const at = sessions?.all.indexOf(session) ?? -1;
    if (sessions === undefined || at < 0) return;
    sessions.all.splice(at, 1);
    this.#size -= 1;
    this.retire(session);
    session.erase();
    if (sessions.all.length === 0) this.#byPeer.delete(session.facts.peerId);
  }

  /** Drops what has expired, and what no longer sends and was silent for a minute. */
  sweep(now: number): void {
    for (const { all, sending } of this.#byPeer.values()) {
      const isSilent = (session: LiveSession): boolean => session !== sending && now - session.heardAt >= limits.retiredSessionMsMax;
      for (const session of all.filter((one) => isSilent(one) || one.isExpired(now))) this.drop(session);
      for (const session of all) session.tidy(now);
    }
  }

  /** The sessions that send, one a peer. */
  *sending(): Generator<LiveSession> {
    for (const { sending } of this.#byPeer.values()) if (sending !== undefined) yield sending;
  }

  clear(): void {
    for (const peerId of this.#byPeer.keys()) this.dropPeer(peerId);
  }

  dropPeer(peerId: string): void {
    for (const session of this.#byPeer.get(peerId)?.all.slice() ?? []) this.drop(session);
  }
}
