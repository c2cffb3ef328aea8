/** Builds the parts of a peer, ties them together, and ends them in order. */
import { freshNonces, HikyakuError, limits, type PairingLink, selfTest, type WakeUpBody } from "@hikyaku/protocol";
import type { Contact } from "../links/contact.ts";
import { Reachability } from "../links/reachability.ts";
import { Roads } from "../links/roads.ts";
import { StreamTable } from "../links/stream-table.ts";
import type { KeptOffer } from "../ports/offer-store.ts";
import type { Remark } from "../ports/outbox.ts";
import type { StatusHistory } from "../ports/status-history.ts";
import type { KnownAddress } from "../ports/trust-store.ts";
import type { Work } from "../work/work.ts";
import { Admission } from "./admission.ts";
import { Alarms } from "./alarms.ts";
import { Changes } from "./changes.ts";
import { Counters } from "./counters.ts";
import { Couriers } from "./couriers.ts";
import { Dialogue } from "./dialogue.ts";
import { type Handle, Handling } from "./handling.ts";
import { HandshakesIn } from "./handshakes-in.ts";
import { HandshakesOut } from "./handshakes-out.ts";
import { Heartbeats } from "./heartbeats.ts";
import { KeyRing } from "./key-ring.ts";
import { KnownPeers, mergeAddresses } from "./known-peers.ts";
import { Letters } from "./letters.ts";
import { Mail } from "./mail.ts";
import type { Ground, Needs, Settings } from "./needs.ts";
import { type Candidate, Pairings, type Terms } from "./pairings.ts";
import { Posting } from "./posting.ts";
import { Receipts } from "./receipts.ts";
import { Reception } from "./reception.ts";
import { type LiveSession, SessionTable } from "./session-table.ts";
import { Statements } from "./statements.ts";
import { handleTasks, makeWork, taskTypes } from "./tasks.ts";
import { traceOf } from "./trace.ts";
import { Traffic } from "./traffic.ts";
import { Upkeep } from "./upkeep.ts";
import { type Patience, patiently, Waits } from "./waits.ts";
import { WakeUps } from "./wake-ups.ts";

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
  readonly couriers: Couriers;
  readonly posting: Posting;
  readonly receipts: Receipts;
  readonly letters: Letters;
  readonly reachability: Reachability;
  readonly work: Work;
  readonly statements: Statements;
  readonly wakeUps: WakeUps;
  readonly #needs: Needs;
  readonly #keys: KeyRing;
  readonly #waits: Waits;
  readonly #admission: Admission;
  readonly #streams = new StreamTable();
  readonly #roads: Roads;
  readonly #traffic: Traffic;
  readonly #handling: Handling;
  readonly #reception: Reception;
  readonly #upkeep: Upkeep;
  readonly #handshakesIn: HandshakesIn;
  readonly #handshakesOut: HandshakesOut;
  readonly #heartbeats: Heartbeats;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<void>>();

  private constructor(needs: Needs, settings: Settings, { known, keptOffers, changes }: Kept) {
    const { crypto, identity, clock, random, log, dialer } = needs;
    const ground: Ground = {
      crypto,
      identity,
      clock,
      random,
      log,
      counters: new Counters(),
      changes,
      nonces: freshNonces(crypto, (length) => random.bytes(length)),
    };
    const { sessions } = this;
    const { outbox, inbox } = needs;
    const background = (work: Promise<unknown>): void => this.background(work);
    const { closing } = this;
    this.#needs = needs;
    this.#keys = new KeyRing(crypto, known);
    const keys = this.#keys;
    this.ground = ground;
    this.known = known;
    this.#waits = new Waits(clock);
    this.#admission = new Admission(clock);
    this.pairings = new Pairings(ground, known, {
      paired: (did) => {
        this.alarms.pairingConcluded(did);
        this.statements.forget(did);
      },
      declined: (session, addresses) => this.background(this.#decline(session, addresses)),
    });
    this.alarms = new Alarms(ground, known);
    this.statements = new Statements({ ground, known, keys, waits: this.#waits });
    this.wakeUps = new WakeUps({ ground, known, wake: settings.wake, closing });
    this.reachability = new Reachability(() => this.addresses.some(isLoopbackAddress));
    this.receipts = new Receipts({
      ground,
      outbox,
      couriers: () => this.couriers,
      background,
      closing,
      lost: async (did, id, code) => {
        if (code === "UNAUTHORIZED") this.statements.forget(did);
        await this.work.delegations.notTaken(did, id, code);
      },
    });
    const streams = this.#streams;
    const { receipts, reachability } = this;
    this.#roads = new Roads({ clock, dialer, reachability, streams, holder: this.#holder() });
    this.couriers = new Couriers({
      ground,
      known,
      outbox,
      roads: this.#roads,
      streams,
      sessions,
      keepLinks: settings.keepLinks,
      handshakes: () => this.#handshakesOut,
      exchange: (link, frame, signal) => this.#traffic.exchange(link, frame, signal),
      troubled: (did, error, ids) => receipts.troubled(did, error.message, ids),
      remark: (remarks: readonly Remark[]) => background(outbox.remark(remarks)),
      refused: (did, id, code) => receipts.refuse(did, id, code),
      background,
      closing,
    });
    const { couriers } = this;
    this.posting = new Posting({ ground, couriers, outbox, receipts, waits: this.#waits, closing });
    this.letters = new Letters({ ground, outbox, couriers, known });
    this.work = makeWork({ ground, needs, keptOffers, known, posting: () => this.posting, background, closing });
    this.#handling = new Handling({ ground, inbox, couriers: () => couriers, background, closing });
    this.mail = new Mail({
      ground,
      known,
      inbox,
      handling: this.#handling,
      couriers: () => couriers,
      posting: () => this.posting,
      background,
    });
    this.dialogue = new Dialogue({
      ground,
      settings,
      known,
      sessions,
      waits: this.#waits,
      receipts,
      mail: this.mail,
      couriers,
      admission: this.#admission,
      work: this.work,
      statements: this.statements,
      statuses: needs.statuses,
      wakeUps: this.wakeUps,
      announced: (session) => this.#noteAddresses(session),
      declined: (session) => {
        if (this.pairings.wasDeclined(session)) this.alarms.pairingDeclined(session.facts.peerId);
      },
    });
    this.#traffic = new Traffic({
      ground,
      streams,
      sessions,
      known,
      couriers,
      admission: this.#admission,
      reachability,
      reception: () => this.#reception,
      handshakesOut: () => this.#handshakesOut,
      closing,
    });
    this.#handshakesOut = new HandshakesOut({
      ground,
      settings,
      keys,
      sessions,
      alarms: this.alarms,
      exchange: (link, frame, signal) => this.#traffic.exchange(link, frame, signal),
      goneOf: (stream) => streams.get(stream)?.gone.signal ?? AbortSignal.abort(new HikyakuError("UNREACHABLE", "The connection ended.")),
      established: (session) => this.#greet(session),
      closing,
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
    });
    this.#upkeep = new Upkeep({
      ground,
      inbox,
      outbox,
      known,
      receipts,
      couriers,
      handling: this.#handling,
      posting: this.posting,
      work: this.work,
    });
    this.#heartbeats = new Heartbeats({
      clock,
      beat: () => couriers.beat(),
      sweep: () => this.#sweep(),
    });
  }

  /** Self-tests first (spec CRY-1), then the trust store, then the listener. Rejects with the sentence of whichever failed. */
  static async start(needs: Needs, settings: Settings): Promise<Engine> {
    try {
      selfTest(needs.crypto);
      const changes = new Changes(needs.clock.now());
      const known = await KnownPeers.load(needs.trustStore, (did) => changes.note("peers", did));
      const engine = new Engine(needs, settings, { known, changes, keptOffers: await needs.offers.load() });
      await needs.listener.start((frame, origin) => engine.#traffic.receive(frame, origin), engine.#holder());
      engine.#heartbeats.start();
      await engine.#resume();
      return engine;
    } catch (error) {
      await Promise.allSettled([needs.listener[Symbol.asyncDispose](), needs.dialer[Symbol.asyncDispose]()]);
      await needs.resources?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  get statuses(): StatusHistory {
    return this.#needs.statuses;
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
    using _introduced = this.couriers.introduce(contact);
    const session = await patiently({ clock: this.ground.clock, closing: this.closing }, patience, (signal) =>
      this.#roads.tryEach(contact, signal, (way) => this.#handshakesOut.connect(contact, { pairingToken: link.token }, way, signal)),
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
      streams: { held: this.#streams.size, most: limits.streamsMax },
      couriers: { held: this.couriers.size, most: limits.couriersMax },
      circuits: { held: this.#roads.size, most: limits.knownPeersMax },
      receiptWaits: { held: this.receipts.size, most: limits.pendingRequestsMax },
      openAssignments: { held: this.work.openAssignments, most: limits.openTasksMax + limits.lanesPerSenderMax * limits.knownPeersMax },
      statements: { held: this.statements.size, most: limits.knownPeersMax },
      // Every peer may have one, and all together have another.
      wakeRates: { held: this.wakeUps.size, most: limits.knownPeersMax + 2 },
      lanesAtWork: { held: this.#handling.size, most: (2 + taskTypes.length) * limits.knownPeersMax * limits.lanesPerSenderMax },
      transientBytes: { held: this.#handling.transientBytes, most: limits.transientBytesMax },
      friendlyHosts: { held: friendlyHosts, most: limits.friendlyHostsMax },
      // One more than its names: the count that newcomers share.
      limitedPrefixes: { held: prefixes, most: limits.limitedPrefixesMax + 1 },
      limitedHosts: { held: hosts, most: limits.friendlyHostsMax + 1 },
      limitedIdentities: { held: identities, most: limits.limitedIdentitiesMax + 1 },
    };
  }

  /** A person said something new of a peer: what failed before may work now. */
  renew(did: string): void {
    this.#roads.forget(this.known.get(did)?.addresses ?? []);
    this.couriers.of(did).renew();
    this.statements.forget(did);
  }

  /** Forgets every session with a peer, and what waits for it. */
  disconnect(did: string): void {
    this.#handshakesIn.forget(did);
    this.sessions.dropPeer(did);
    this.couriers.drop(did);
    // The other side reads this, and is not told what a person here has decided.
    this.#streams.closePeer(did, "not wanted any more");
    this.#keys.forget(did);
    this.reachability.forget(did);
    this.dialogue.forget(did);
    this.statements.forget(did);
    this.alarms.clear(did);
  }

  async close(): Promise<void> {
    await this.#sayGoodbye();
    const closed = new HikyakuError("CLOSED", "The peer was closed.");
    this.#closing.abort(closed);
    this.#heartbeats.stop();
    this.pairings.close();
    this.#waits.failAll(closed);
    this.receipts.failAll(closed);
    this.couriers.stop(closed);
    this.#streams.closeAll("the peer was closed");
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
    const within = [...this.sessions.sending()].filter(({ facts }) => this.#isWithinReach(facts.peerId));
    const goodbyes = within.map((session) => this.posting.goodbye(session));
    await Promise.race([
      Promise.allSettled(goodbyes),
      new Promise((resolve) => over.signal.addEventListener("abort", resolve, { once: true })),
    ]);
    timer.cancel();
  }

  #isWithinReach(did: string): boolean {
    return this.#streams.of(did) !== undefined || (this.known.get(did)?.addresses.length ?? 0) > 0;
  }

  /** Running handlers get a moment to finish; one that hangs does not keep the program alive. */
  async #finishWork(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.ground.clock.after(limits.closeMsMax, resolve);
    await Promise.race([Promise.all(this.#work), promise]);
    timer.cancel();
  }

  /** What streams are told to; the parts behind it are made later than it is. */
  #holder(): ConstructorParameters<typeof Roads>[0]["holder"] {
    return {
      opened: (stream) => this.#traffic.opened(stream),
      frame: (stream, frame) => this.#traffic.frame(stream, frame),
      refused: (stream, refusal, ref) => this.#traffic.refused(stream, refusal, ref),
      closed: (stream, reason) => this.#traffic.closed(stream, reason),
    };
  }

  /** What an earlier run left in the outbox goes on being tried, and links that are kept come up. */
  async #resume(): Promise<void> {
    for (const { to } of await this.#needs.outbox.lanesQueued()) this.couriers.of(to).stir();
    this.couriers.keepUp();
    this.background(this.#resumeWork());
    const wake: Handle = ({ from, body }) => this.wakeUps.receive(from, JSON.parse(body) as WakeUpBody);
    this.background(this.#handling.handle("wake_up", wake, { tellsCode: true }));
  }

  /** Bodies of tasks are acted upon once it is settled what an earlier run left of them. */
  async #resumeWork(): Promise<void> {
    await this.work.resume();
    await Promise.all(handleTasks(this.work, this.#handling, (did) => this.statements.forget(did)));
  }

  /** A session that we began: its answer proved who is at the other end. */
  #greet(session: LiveSession): void {
    const { bornOn, facts } = session;
    if (bornOn?.kind === "stream") this.#streams.prefer(bornOn, facts.peerId);
    this.posting.announce(session, this.addresses);
    this.background(this.posting.query(session.facts.peerId));
  }

  /** A session that a peer began: a pairing is concluded, or a stranger pinned where the settings say so. */
  async #welcome(session: LiveSession, { firstContact }: Settings, pairingId: string | undefined): Promise<void> {
    const { peerId } = session.facts;
    if (pairingId !== undefined) this.pairings.spend(pairingId, session);
    else if (firstContact === "see" && this.known.get(peerId) === undefined) await this.#see(session);
    // Whoever called, a session that is new may have come in place of one that took receipts with it.
    await this.posting.query(peerId);
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
    using _introduced = this.couriers.introduce(contact);
    await this.posting.decline(session);
    this.sessions.drop(session);
  }

  async #noteAddresses({ facts, announced }: LiveSession): Promise<void> {
    await this.known.amend(facts.peerId, (peer) => {
      const addresses = mergeAddresses(peer.addresses, announced);
      return isSameList(addresses, peer.addresses) ? peer : { ...peer, addresses };
    });
  }

  #sweep(): void {
    this.sessions.sweep(this.ground.clock.elapsed());
    this.#handshakesIn.sweep();
    this.#admission.sweep();
    this.#streams.sweep(this.ground.clock.elapsed());
    this.wakeUps.sweep();
    this.couriers.sweep();
    this.background(this.#upkeep.run());
  }
}

/** What the stores held when the peer started. */
interface Kept {
  readonly known: KnownPeers;
  readonly keptOffers: readonly KeptOffer[];
  readonly changes: Changes;
}

const isSameList = (left: readonly KnownAddress[], right: readonly KnownAddress[]): boolean =>
  left.length === right.length && left.every(({ address }, index) => address === right[index]?.address);

const isLoopbackAddress = (address: string): boolean => /^http:\/\/(?:127\.|localhost[:/]|\[::1\])/.test(address);
