/**
 * Pairing (spec §12): one side makes a link with a single-use token, a person carries it over, the other side dials. The token enters the key schedule, so
 * both prove that they saw the link; then each side's person may compare the safety number before anything is trusted.
 */
import {
  type Bytes,
  decodeDid,
  encodeHex,
  encodePairingLink,
  fingerprintOf,
  HikyakuError,
  limits,
  pairingIdOf,
  pairingKeyOf,
  type Scope,
  safetyNumberOf,
} from "@hikyaku/protocol";
import type { Timer } from "../ports/clock.ts";
import type { KnownAddress } from "../ports/trust-store.ts";
import { type KnownPeers, mergeAddresses } from "./known-peers.ts";
import type { Ground } from "./needs.ts";
import type { LiveSession } from "./session-table.ts";

/** Who answered, for a person to judge. */
export interface Candidate {
  readonly did: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly safetyNumber: string;
}

export interface Terms {
  /** The pet name that the other side gets here. */
  readonly name: string;
  /** The scopes it gets. */
  readonly allow: readonly Scope[];
  /** Asked before the other side is trusted; unless given, holding the token is enough. */
  readonly confirm?: (candidate: Candidate) => Promise<boolean>;
}

export interface Invitation {
  readonly link: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Resolves once the other side is trusted; rejects with TIMED_OUT, CANCELED (the person said no) or CLOSED. */
  readonly paired: Promise<Candidate>;
  /** Takes the link back. */
  readonly cancel: () => void;
}

/** How far a pairing has come in one session. */
interface Concluding {
  /** When the other side was trusted here. */
  pairedAt?: number;
  /** Whether it said no. */
  isDeclined: boolean;
  readonly declined: PromiseWithResolvers<void>;
}

/** An invitation that nobody has used yet. */
interface OpenInvitation {
  readonly token: Bytes;
  readonly terms: Terms;
  readonly timer: Timer;
  readonly settle: (outcome: Promise<Candidate>) => void;
}

/** How a pairing ends in one session. */
export interface PairingEnds {
  readonly paired: (did: string) => void;
  /** The other side is to be told that it is not trusted here; `addresses` came with the link. */
  readonly declined: (session: LiveSession, addresses: readonly KnownAddress[]) => void;
}

export class Pairings {
  readonly #ground: Ground;
  readonly #known: KnownPeers;
  readonly #ends: PairingEnds;
  readonly #open = new Map<string, OpenInvitation>();
  readonly #concluding = new WeakMap<LiveSession, Concluding>();

  constructor(ground: Ground, known: KnownPeers, ends: PairingEnds) {
    this.#ground = ground;
    this.#known = known;
    this.#ends = ends;
  }

  get size(): number {
    return this.#open.size;
  }

  invite(terms: Terms, addresses: readonly string[]): Invitation {
    const { crypto, identity, clock, random } = this.#ground;
    this.#known.requireFreeName(terms.name, undefined);
    if (this.#open.size >= limits.openPairingsMax)
      throw new HikyakuError(
        "QUOTA_EXCEEDED",
        `${limits.openPairingsMax} pairing links are open, which is the limit; use or cancel one first.`,
      );
    const token = random.bytes(limits.pairingTokenBytes);
    const pairingId = encodeHex(pairingIdOf(crypto, token));
    const { promise, resolve } = Promise.withResolvers<Candidate>();
    const fail = (code: "TIMED_OUT" | "CANCELED", why: string): void => {
      if (this.#take(pairingId) !== undefined) resolve(Promise.reject(new HikyakuError(code, why)));
    };
    const timer = clock.after(limits.pairingMsMax, () =>
      fail("TIMED_OUT", "nobody used the pairing link within 10 minutes; make a new one"),
    );
    this.#open.set(pairingId, { token, terms, timer, settle: resolve });
    // Whoever only wants the link need not handle how it ends.
    promise.catch(() => undefined);
    return {
      link: encodePairingLink({ did: identity.did, addresses, token }),
      expiresAt: clock.now() + limits.pairingMsMax,
      paired: promise,
      cancel: () => fail("CANCELED", "the pairing link was taken back"),
    };
  }

  /** The key that an offer naming this token mixes in, while the token is unspent. */
  keyFor(pairingId: string): Bytes | undefined {
    const invitation = this.#open.get(pairingId);
    return invitation === undefined ? undefined : pairingKeyOf(this.#ground.crypto, invitation.token);
  }

  /** PAIR-3: the first verified confirmation spends the token. How the conclusion ends is how the invitation ends. */
  spend(pairingId: string, session: LiveSession): void {
    const invitation = this.#take(pairingId);
    if (invitation !== undefined) invitation.settle(this.conclude(session, invitation.terms, []));
  }

  /** Asks the person, if one is to be asked, and then trusts whoever is at the other end of this session. `addresses` came with the link. */
  async conclude(session: LiveSession, terms: Terms, addresses: readonly KnownAddress[]): Promise<Candidate> {
    const concluding = this.#concludingIn(session);
    try {
      const candidate = await this.#conclude(session, terms, addresses);
      concluding.pairedAt = this.#ground.clock.now();
      this.#ends.paired(candidate.did);
      return candidate;
    } catch (error) {
      // PAIR-5: whatever kept us from it, the other side may have trusted us already.
      if (!concluding.isDeclined) this.#ends.declined(session, addresses);
      throw error;
    }
  }

  /** PAIR-5: the other side said no. Whether a person has to be told, because it was trusted here on the strength of this session. */
  wasDeclined(session: LiveSession): boolean {
    const concluding = this.#concludingIn(session);
    concluding.isDeclined = true;
    concluding.declined.resolve();
    const { pairedAt } = concluding;
    return pairedAt !== undefined && this.#ground.clock.now() - pairedAt < limits.declineMsMax;
  }

  /** TRUST-3: a stranger's key, pinned because the settings say so; it may report and ask, and nothing more. False where too many are. */
  async pinAtFirstSight(did: string): Promise<boolean> {
    const publicKey = this.#publicKeyOf(did);
    const name = `seen-${did.slice(-12)}`;
    return await this.#known.pinStranger({
      did,
      publicKey,
      name,
      level: "seen",
      scopes: [],
      addresses: [],
      minVersion: "1.0",
      pinnedAt: this.#ground.clock.now(),
    });
  }

  close(): void {
    for (const pairingId of this.#open.keys()) {
      this.#take(pairingId)?.settle(
        Promise.reject(new HikyakuError("CLOSED", "The peer was closed before anybody used the pairing link.")),
      );
    }
  }

  async #conclude(session: LiveSession, terms: Terms, addresses: readonly KnownAddress[]): Promise<Candidate> {
    const { clock, log } = this.#ground;
    const did = session.facts.peerId;
    const publicKey = this.#publicKeyOf(did);
    const candidate = this.#candidate(did, publicKey, terms.name);
    await this.#requireYes(session, terms, candidate);
    const { name, allow } = terms;
    const held = this.#known.get(did);
    if (held?.level === "blocked") throw new HikyakuError("CANCELED", `${held.name} was blocked meanwhile, so nothing was changed.`);
    await this.#known.put({
      did,
      publicKey,
      name,
      // Pairing again renews what is allowed; it takes back neither a rank that was given by hand nor the guard against downgrades.
      level: held?.level === "admin" ? "admin" : "trusted",
      scopes: allow,
      addresses: mergeAddresses([...addresses, ...(held?.addresses ?? [])], session.announced),
      minVersion: held?.minVersion ?? "1.0",
      pinnedAt: held?.pinnedAt ?? clock.now(),
    });
    log.write("info", "peer.paired", { peer: did });
    return candidate;
  }

  /** PAIR-4: a no from either side ends it, and the question with it. */
  async #requireYes(session: LiveSession, { confirm }: Terms, candidate: Candidate): Promise<void> {
    const concluding = this.#concludingIn(session);
    const agrees = confirm === undefined || (await Promise.race([confirm(candidate), concluding.declined.promise]));
    if (concluding.isDeclined)
      throw new HikyakuError(
        "CANCELED",
        "The other side said no or could not pair, so nobody was trusted; ask its person, and make a new link.",
      );
    if (agrees !== true) throw new HikyakuError("CANCELED", "The safety number was not confirmed, so nobody was trusted.");
  }

  #concludingIn(session: LiveSession): Concluding {
    const held = this.#concluding.get(session) ?? { isDeclined: false, declined: Promise.withResolvers<void>() };
    this.#concluding.set(session, held);
    return held;
  }

  #candidate(did: string, publicKey: Bytes, name: string): Candidate {
    const { crypto, identity } = this.#ground;
    const safetyNumber = safetyNumberOf(crypto, identity.publicKey, publicKey);
    return { did, name, fingerprint: fingerprintOf(crypto, publicKey), safetyNumber };
  }

  #publicKeyOf(did: string): Bytes {
    const publicKey = decodeDid(did);
    if (publicKey === undefined) throw new HikyakuError("INVALID_ARGUMENT", `Only a did:key can be paired, not ${did}.`);
    return publicKey;
  }

  #take(pairingId: string): OpenInvitation | undefined {
    const invitation = this.#open.get(pairingId);
    this.#open.delete(pairingId);
    invitation?.timer.cancel();
    return invitation;
  }
}
