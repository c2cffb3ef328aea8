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
  type Moment,
  type NonceSource,
  type Opening,
  type OpeningSettings,
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
  /** When the last authentic message came or the session was made. People are shown the wall clock's reading; how long ago it was, the other tells. */
  heard: Moment;
  /** Whether the peer has shown that it holds the keys too. */
  isReady: boolean;
  /** Where the peer said it can be reached. */
  announced: readonly string[] = [];
  #session: Session;

  constructor(
    session: Session,
    { at, isReady, crossedWith }: { readonly at: Moment; readonly isReady: boolean; readonly crossedWith?: string | undefined },
  ) {
    this.facts = session.facts;
    this.crossedWith = crossedWith;
    this.heard = at;
    this.isReady = isReady;
    this.#session = session;
  }

  seal(
    crypto: Crypto,
    identity: Identity,
    message: { readonly msgType: MessageType; readonly plaintext: Bytes },
    at: Moment & { readonly nonces: NonceSource },
  ): Envelope {
    const { envelope, session } = seal(crypto, identity, this.#session, message, at);
    this.#session = session;
    return envelope;
  }

  /** Opens one envelope; nothing but a good one changes the session. */
  open(crypto: Crypto, peerKey: VerifyingKey, envelope: Envelope, at: OpeningSettings): Opening {
    const opening = open(crypto, this.#session, peerKey, envelope, at);
    if (opening.kind !== "opened") return opening;
    this.#session = opening.session;
    this.heard = { now: at.now, elapsed: at.elapsed };
    this.isReady = true;
    return opening;
  }

  /** How many secrets it keeps for messages that have not come yet. */
  get skippedSecrets(): number {
    return this.#session.receiving.skipped.size;
  }

  isDueForRollover(elapsed: number): boolean {
    return isDueForRollover(this.#session, elapsed);
  }

  /** LIFE-2: idle for 15 minutes, a day old, or out of numbers. */
  isExpired(elapsed: number): boolean {
    return elapsed - this.heard.elapsed >= limits.sessionIdleMsMax || isWornOut(this.#session, elapsed);
  }

  /** Forgets what it kept for messages that will not come any more. */
  tidy(elapsed: number): void {
    this.#session = tidySession(this.#session, elapsed);
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
  #skippedSecrets = 0;

  get size(): number {
    return this.#size;
  }

  /** How many secrets all of them keep for messages that have not come yet. */
  get skippedSecrets(): number {
    return this.#skippedSecrets;
  }

  /**
   * Opens one envelope in a session of this table. LIM-6: what the others keep stays theirs. A session that skips more than is left gives up its own oldest
   * secrets, so whoever floods the table starves only itself.
   */
  open(crypto: Crypto, session: LiveSession, peerKey: VerifyingKey, envelope: Envelope, at: Moment): Opening {
    const ofOthers = this.#skippedSecrets - session.skippedSecrets;
    const skippedMax = limits.skippedSecretsPerNodeMax - ofOthers;
    return this.#counting(session, () => session.open(crypto, peerKey, envelope, { ...at, skippedMax }));
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
  sendingTo(peerId: string, elapsed: number): LiveSession | undefined {
    const sending = this.#byPeer.get(peerId)?.sending;
    return sending?.isReady === true && !sending.isExpired(elapsed) ? sending : undefined;
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
    this.#skippedSecrets -= session.skippedSecrets;
    this.retire(session);
    session.erase();
    if (sessions.all.length === 0) this.#byPeer.delete(session.facts.peerId);
  }

  /** Drops what has expired, and what no longer sends and was silent for a minute. */
  sweep(elapsed: number): void {
    for (const { all, sending } of this.#byPeer.values()) {
      const isSilent = (session: LiveSession): boolean =>
        session !== sending && elapsed - session.heard.elapsed >= limits.retiredSessionMsMax;
      for (const session of all.filter((one) => isSilent(one) || one.isExpired(elapsed))) this.drop(session);
      for (const session of all) this.#counting(session, () => session.tidy(elapsed));
    }
  }

  /** Does what may change how many secrets a session keeps, and so keeps the count of all of them without a walk over all sessions. */
  #counting<Result>(session: LiveSession, change: () => Result): Result {
    const before = session.skippedSecrets;
    const result = change();
    this.#skippedSecrets += session.skippedSecrets - before;
    return result;
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
