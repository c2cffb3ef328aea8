/** What we learned about where peers are: which address worked, from which host they call, and which addresses may be dialled (spec TRUST-6, TRUST-9). */
import { isPeerAddress, limits } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";
import type { AddressKind } from "../ports/link.ts";
import type { KnownAddress } from "../ports/trust-store.ts";
import type { Contact } from "./handshakes-out.ts";
import { isHealthy } from "./heartbeats.ts";
import type { LiveSession } from "./session-table.ts";

interface Seen {
  /** The address that worked last. */
  lastGood?: string;
  /** The host that the peer's last authentic message came from, on a connection that it opened. */
  callsFrom?: string;
}

export class Reachability {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();
  /** Whether our own listener is meant for this machine only. */
  readonly #isLoopbackOurs: () => boolean;

  constructor(clock: Clock, isLoopbackOurs: () => boolean) {
    this.#clock = clock;
    this.#isLoopbackOurs = isLoopbackOurs;
  }

  /** A person's addresses first, as the store has them; before all, the one that worked last. */
  order({ did, addresses }: Contact): readonly KnownAddress[] {
    const lastGood = this.#seen.get(did)?.lastGood;
    return [...addresses].sort((left, right) => Number(right.address === lastGood) - Number(left.address === lastGood));
  }

  succeeded(did: string, address: string): void {
    this.#of(did).lastGood = address;
  }

  called(did: string, host: string): void {
    this.#of(did).callsFrom = host;
  }

  forget(did: string): void {
    this.#seen.delete(did);
  }

  /** Whether a peer that we cannot dial has been heard lately enough to expect its next call. */
  isCalling({ heard }: LiveSession): boolean {
    return isHealthy(heard, this.#clock.elapsed());
  }

  /** Whether an address of a peer may be dialled at the host that it leads to. */
  mayDial(did: string, known: KnownAddress, host: string, kind: AddressKind): boolean {
    if (isGiven(known)) return true;
    return known.source === "link" ? this.#mayNameLeadTo(kind) : this.isHarmless(did, host, kind);
  }

  /** TRUST-9: what a name in a link leads to was not seen by the person who carried it, and may be another place tomorrow. */
  #mayNameLeadTo(kind: AddressKind): boolean {
    return kind === "loopback" ? this.#isLoopbackOurs() : !nowhereOfPeers.has(kind);
  }

  /**
   * Whether a host that a peer announced may be dialled: any public one; a private one only if the peer itself calls from there; loopback only if,
   * besides, our own listener is on loopback. So nobody can point us at a neighbour, a router or a service of this machine.
   */
  isHarmless(did: string, host: string, kind: AddressKind): boolean {
    if (kind === "public") return true;
    const isItsOwn = this.#seen.get(did)?.callsFrom === host;
    return isItsOwn && (kind === "private" || (kind === "loopback" && this.#isLoopbackOurs()));
  }

  #of(did: string): Seen {
    const seen = this.#seen.get(did) ?? {};
    const oldest = this.#seen.keys().next();
    if (!this.#seen.has(did) && this.#seen.size >= limits.knownPeersMax && oldest.done !== true) this.#seen.delete(oldest.value);
    this.#seen.set(did, seen);
    return seen;
  }
}

/** Whether a person said to dial this very place: by typing the address, or by carrying a link with its IP address. */
export const isGiven = ({ source, address }: KnownAddress): boolean =>
  source === "person" || (source === "link" && ipAddressPattern.test(address));

/** In its usual form; an IP address in any other counts as a name. */
const ipAddressPattern = /^http:\/\/(?:\[[0-9a-f:.]+\]|\d{1,3}(?:\.\d{1,3}){3}):\d+$/i;

/** Where no peer listens that a name should lead to. */
const nowhereOfPeers: ReadonlySet<AddressKind> = new Set(["link-local", "multicast", "unspecified"]);

/** What of an announcement is worth keeping: addresses in form, at most eight. */
export const keepAnnounced = (addresses: readonly string[]): readonly string[] =>
  addresses.filter(isPeerAddress).slice(0, limits.addressesPerPeerMax);
