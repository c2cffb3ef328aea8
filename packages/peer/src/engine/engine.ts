/** Builds the parts of a peer, ties them together, and moves frames between them and the links. */
import { type Bytes, type Capability, freshNonces, HikyakuError, limits, type PairingLink, selfTest } from "@hikyaku/protocol";
import type { Reception as LinkReception, Origin } from "../ports/link.ts";
import type { KnownAddress } from "../ports/trust-store.ts";
import { Admission } from "./admission.ts";
import { Alarms } from "./alarms.ts";
import { Counters } from "./counters.ts";
import { Dialogue } from "./dialogue.ts";
import { HandshakesIn } from "./handshakes-in.ts";
import { type Contact, HandshakesOut } from "./handshakes-out.ts";
import { Heartbeats } from "./heartbeats.ts";
import { KeyRing } from "./key-ring.ts";
import { KnownPeers, mergeAddresses } from "./known-peers.ts";
import { Mail } from "./mail.ts";
import type { Ground, Needs, Settings } from "./needs.ts";
import { Outbound } from "./outbound.ts";
import { type Candidate, Pairings, type Terms } from "./pairings.ts";
import { Pickup } from "./pickup.ts";
import { Posting } from "./posting.ts";
import { Reachability } from "./reachability.ts";
import { Receipts } from "./receipts.ts";
import { Reception } from "./reception.ts";
import { type LiveSession, SessionTable } from "./session-table.ts";
import { traceOf } from "./trace.ts";
import { type Patience, patiently, Waits } from "./waits.ts";

/** How full a table is. */
export interface Size {
  readonly held: number;
  readonly most: number;
}

export class Engine {
  readonly ground: Ground;
  readonly known: KnownPeers;
  readonly sessions: SessionTable = new SessionTable();
  readonly pairings: Pairings;
  readonly alarms: Alarms;
  readonly mail: Mail;
  readonly dialogue: Dialogue;
  readonly outbound: Outbound;
  readonly posting: Posting;
  readonly reachability: Reachability;
  readonly capabilities: Capability[] = [];
  readonly #needs: Needs;
  readonly #keys: KeyRing;
  readonly #waits: Waits;
  readonly #admission: Admission;
  readonly #pickup = new Pickup();
  readonly #reception: Reception;
  readonly #handshakesIn: HandshakesIn;
  readonly #handshakesOut: HandshakesOut;
  readonly #heartbeats: Heartbeats;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<void>>();

  private constructor(needs: Needs, settings: Settings, known: KnownPeers) {
    const { crypto, identity, clock, random, log, dialer } = needs;
    const ground: Ground = {
      crypto,
      identity,
      clock,
      random,
      log,
      counters: new Counters(),
      nonces: freshNonces(crypto, (length) => random.bytes(length)),
    };
    const { sessions } = this;
    this.#needs = needs;
    this.#keys = new KeyRing(crypto, known);
    const keys = this.#keys;
    this.ground = ground;
    this.known = known;
    this.#waits = new Waits(clock);
    this.#admission = new Admission(clock);
    const receipts = new Receipts(clock, this.#waits);
    this.pairings = new Pairings(ground, known, {
      paired: (did) => this.alarms.pairingConcluded(did),
      declined: (session, addresses) => this.background(this.#decline(session, addresses)),
    });
    this.alarms = new Alarms(ground, known);
    this.reachability = new Reachability(clock, () => this.addresses.some(isLoopbackAddress));
    this.outbound = new Outbound({
      ground,
      dialer,
      sessions,
      pickup: this.#pickup,
      reachability: this.reachability,
      handshakes: () => this.#handshakesOut,
      absorb: async (frame, origin) => (await this.#reception.receive(frame, origin)).answer,
      closing: this.closing,
    });
    this.posting = new Posting({ ground, known, outbound: this.outbound, receipts, waits: this.#waits, closing: this.closing });
    this.mail = new Mail({ ground, known, inbox: needs.inbox, posting: this.posting, background: (work) => this.background(work) });
    this.dialogue = new Dialogue({
      ground,
      settings,
      known,
      sessions,
      waits: this.#waits,
      receipts,
      mail: this.mail,
      admission: this.#admission,
      capabilities: () => this.capabilities,
      announced: (session, addresses) => this.#noteAddresses(session, addresses),
      declined: (session) => {
        if (this.pairings.wasDeclined(session)) this.alarms.pairingDeclined(session.facts.peerId);
      },
    });
    this.#handshakesOut = new HandshakesOut({
      ground,
      settings,
      keys,
      sessions,
      alarms: this.alarms,
      exchange: (link, frame, signal) => this.outbound.exchange(link, frame, signal),
      exchangeAnywhere: (contact, frame, signal) => this.outbound.exchangeAnywhere(contact, frame, signal),
      established: (session, contact) => this.background(this.posting.announce(session, contact, this.addresses)),
      closing: this.closing,
    });
    this.#handshakesIn = new HandshakesIn({
      ground,
      settings,
      known,
      keys,
      sessions,
      pairings: this.pairings,
      admission: this.#admission,
      alarms: this.alarms,
      addresses: () => this.addresses,
      cross: (peerId, sessionId) => this.#handshakesOut.cross(peerId, sessionId),
      established: (session, pairingId) => this.background(this.#welcome(session, settings, pairingId)),
    });
    this.#reception = new Reception({
      ground,
      keys,
      sessions,
      handshakesIn: this.#handshakesIn,
      handshakesOut: this.#handshakesOut,
      dialogue: this.dialogue,
      sealReply: (session, { msgType, body }) => this.outbound.seal(this.#sendingInsteadOf(session), msgType, body).frame,
    });
    this.#heartbeats = new Heartbeats({
      clock,
      sessions,
      beat: (session, seq) => this.background(this.posting.beat(session, seq)),
      sweep: () => this.#sweep(),
    });
  }

  /** Self-tests first (spec CRY-1), then the trust store, then the listener. Rejects with the sentence of whichever failed. */
  static async start(needs: Needs, settings: Settings): Promise<Engine> {
    try {
      selfTest(needs.crypto);
      const engine = new Engine(needs, settings, await KnownPeers.load(needs.trustStore));
      await needs.listener.start((frame, origin) => engine.#receive(frame, origin));
      engine.#heartbeats.start();
      return engine;
    } catch (error) {
      await Promise.allSettled([needs.listener[Symbol.asyncDispose](), needs.dialer[Symbol.asyncDispose]()]);
      await needs.resources?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Aborts when the peer closes. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Where peers can reach us. */
  get addresses(): readonly string[] {
    return this.#needs.listener.addresses.slice(0, limits.addressesPerPeerMax);
  }

  /** Work that nobody waits for. Closing does; what fails is logged by its code. */
  background(work: Promise<unknown>): void {
    const settled = work.then(
      () => undefined,
      (error: unknown) => {
        const code = error instanceof HikyakuError ? error.code : "INTERNAL_ERROR";
        this.ground.log.write(code === "INTERNAL_ERROR" ? "error" : "debug", "background.failed", { code, reason: traceOf(error) });
      },
    );
    this.#work.add(settled);
    void settled.finally(() => this.#work.delete(settled));
  }

  /** Dials the maker of a pairing link with its token, and concludes the pairing. */
  async joinPairing(link: PairingLink, terms: Terms, patience: Patience): Promise<Candidate> {
    const addresses = link.addresses.map((address): KnownAddress => ({ address, source: "link" }));
    const contact: Contact = { did: link.did, name: terms.name, addresses, minVersion: "1.0" };
    const session = await patiently({ clock: this.ground.clock, closing: this.closing }, patience, (signal) =>
      this.#handshakesOut.connect(contact, { pairingToken: link.token }, signal),
    );
    return await this.pairings.conclude(session, terms, addresses);
  }

  /** How much is held of what the network can fill, and how much may be (spec LIM-1). */
  sizes(): Readonly<Record<string, Size>> {
    const { halfOpens, offerNonces } = this.#handshakesIn.sizes;
    const { prefixes, friendlyHosts, hosts, identities } = this.#admission.sizes;
    return {
      sessions: { held: this.sessions.size, most: limits.sessionsMax },
      skippedSecrets: { held: this.sessions.skippedSecrets, most: limits.skippedSecretsPerNodeMax },
      halfOpens: { held: halfOpens, most: limits.halfOpenCountMax },
      offerNonces: { held: offerNonces, most: limits.handshakeNoncesMax },
      keys: { held: this.#keys.size, most: limits.cachedKeysMax },
      waits: { held: this.#waits.size, most: limits.pendingRequestsMax },
      knownPeers: { held: this.known.size, most: limits.knownPeersMax },
      pairings: { held: this.pairings.size, most: limits.openPairingsMax },
      pickupPeers: { held: this.#pickup.size, most: limits.pickupPeersMax },
      pickupBytes: { held: this.#pickup.bytes, most: limits.pickupBytesMax },
      friendlyHosts: { held: friendlyHosts, most: limits.friendlyHostsMax },
      // One more than its names: the count that newcomers share.
      limitedPrefixes: { held: prefixes, most: limits.limitedPrefixesMax + 1 },
      limitedHosts: { held: hosts, most: limits.friendlyHostsMax + 1 },
      limitedIdentities: { held: identities, most: limits.limitedIdentitiesMax + 1 },
    };
  }

  /** Forgets every session with a peer, and what waits for it. */
  disconnect(did: string): void {
    this.#handshakesIn.forget(did);
    this.sessions.dropPeer(did);
    this.#pickup.drop(did);
    this.#keys.forget(did);
    this.reachability.forget(did);
    this.outbound.forget(did);
    this.dialogue.forget(did);
    this.alarms.clear(did);
  }

  async close(): Promise<void> {
    await this.#sayGoodbye();
    const closed = new HikyakuError("CLOSED", "The peer was closed.");
    this.#closing.abort(closed);
    this.#heartbeats.stop();
    this.pairings.close();
    this.#waits.failAll(closed);
    await this.#needs.listener[Symbol.asyncDispose]();
    await this.#finishWork();
    await this.#needs.dialer[Symbol.asyncDispose]();
    this.#handshakesIn.close();
    this.sessions.clear();
    await this.#needs.resources?.[Symbol.asyncDispose]();
  }

  /** LIFE-5: tells the peers that we can dial that their sessions end now, so that their next message begins a new one. Best effort, and short. */
  async #sayGoodbye(): Promise<void> {
    const over = new AbortController();
    const timer = this.ground.clock.after(limits.goodbyeMsMax, () => over.abort(new HikyakuError("CLOSED", "The peer was closed.")));
    await Promise.allSettled(Array.from(this.sessions.sending(), (session) => this.posting.close(session, over.signal)));
    timer.cancel();
  }

  /** Running handlers get a moment to finish; one that hangs does not keep the program alive. */
  async #finishWork(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.ground.clock.after(limits.closeMsMax, resolve);
    await Promise.race([Promise.all(this.#work), promise]);
    timer.cancel();
  }

  /** One frame from the listener. What waits for a proven sender goes back with the answer. */
  async #receive(frame: Bytes, origin: Origin): Promise<LinkReception> {
    try {
      const retryAfterS = this.#admission.request(origin);
      if (retryAfterS !== undefined) {
        this.ground.counters.add("refused.RATE_LIMITED");
        return { kind: "refused", code: "RATE_LIMITED", retryAfterS };
      }
      const { answer, provenBy } = await this.#reception.receive(frame, origin);
      if (answer.kind === "refused") return answer;
      if (provenBy === undefined) return { kind: "received", replies: answer.frames, more: false };
      this.#admission.proven(origin, this.known.standingOf(provenBy));
      this.reachability.called(provenBy, origin.host);
      const { frames, more } = this.#pickup.take(provenBy, answer.frames);
      return { kind: "received", replies: frames, more };
    } catch (error) {
      return this.#refuseInternally(error);
    }
  }

  #refuseInternally(error: unknown): LinkReception {
    const { random, log, counters } = this.ground;
    const correlationId = Array.from(random.bytes(4), (byte) => byte.toString(16).padStart(2, "0")).join("");
    counters.add("refused.INTERNAL_ERROR");
    log.write("error", "receive.failed", { correlationId, reason: traceOf(error) });
    return { kind: "refused", code: "INTERNAL_ERROR", correlationId };
  }

  /** A session that a peer began: a pairing is concluded, or a stranger pinned where the settings say so. */
  async #welcome(session: LiveSession, { firstContact }: Settings, pairingId: string | undefined): Promise<void> {
    const { peerId } = session.facts;
    if (pairingId !== undefined) this.pairings.spend(pairingId, session);
    else if (firstContact === "see" && this.known.get(peerId) === undefined) await this.#see(session);
  }

  /** TRUST-8: of the strangers that were let in on the last place one is pinned; the others are strangers again. */
  async #see(session: LiveSession): Promise<void> {
    if (await this.pairings.pinAtFirstSight(session.facts.peerId)) return;
    this.ground.counters.add("stranger.withoutRoom");
    this.sessions.drop(session);
  }

  /** PAIR-5: ends the session, and says why. */
  async #decline(session: LiveSession, given: readonly KnownAddress[]): Promise<void> {
    const { peerId: did, sessionId } = session.facts;
    // Whoever took too long has no session left to say it in.
    if (this.sessions.find(did, sessionId) === undefined) return;
    const contact: Contact = { did, name: did, addresses: mergeAddresses(given, session.announced), minVersion: "1.0" };
    this.ground.log.write("info", "pairing.refused", { peer: did });
    await this.outbound.sendLast(session, contact, { reason: "declined" }, this.closing);
  }

  async #noteAddresses(session: LiveSession, announced: readonly string[]): Promise<void> {
    session.announced = announced;
    await this.known.amend(session.facts.peerId, (peer) => {
      const addresses = mergeAddresses(peer.addresses, announced);
      return isSameList(addresses, peer.addresses) ? peer : { ...peer, addresses };
    });
  }

  /** LIFE-3: once another session sends, nothing more is sealed in the one that a question came in. */
  #sendingInsteadOf(session: LiveSession): LiveSession {
    return this.sessions.sendingTo(session.facts.peerId, this.ground.clock.elapsed()) ?? session;
  }

  #sweep(): void {
    this.sessions.sweep(this.ground.clock.elapsed());
    this.#pickup.sweep((did) => !this.sessions.has(did));
    this.#handshakesIn.sweep();
    this.#admission.sweep();
  }
}

const isSameList = (left: readonly KnownAddress[], right: readonly KnownAddress[]): boolean =>
  left.length === right.length && left.every(({ address }, index) => address === right[index]?.address);

const isLoopbackAddress = (address: string): boolean => /^http:\/\/(?:127\.|localhost[:/]|\[::1\])/.test(address);
