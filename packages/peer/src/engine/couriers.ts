/** One courier for each peer that something is sent to. */
import { type ErrorCode, HikyakuError, limits } from "@hikyaku/protocol";
import type { Contact } from "../links/contact.ts";
import { Courier, type CourierParts } from "./courier.ts";
import type { KnownPeers } from "./known-peers.ts";
import { isFriend } from "./policy.ts";

export interface CouriersParts extends Omit<CourierParts, "contact" | "isKept" | "troubled" | "refused"> {
  readonly known: KnownPeers;
  /** Whether links to trusted peers are kept up although nothing waits. */
  readonly keepLinks: boolean;
  readonly troubled: (did: string, error: HikyakuError, ids?: readonly string[]) => void;
  readonly refused: (did: string, id: string, code: ErrorCode) => void;
}

export class Couriers {
  readonly #parts: CouriersParts;
  readonly #byDid = new Map<string, Courier>();
  /** Strangers that a pairing is under way with. */
  readonly #introduced = new Map<string, Contact>();

  constructor(parts: CouriersParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#byDid.size;
  }

  find(did: string): Courier | undefined {
    return this.#byDid.get(did);
  }

  of(did: string): Courier {
    const held = this.#byDid.get(did);
    if (held !== undefined) return held;
    const { keepLinks, troubled, refused, ...parts } = this.#parts;
    const courier = new Courier(did, {
      ...parts,
      contact: () => this.#contact(did),
      isKept: () => keepLinks && this.#isKept(did),
      troubled: (error, ids) => troubled(did, error, ids),
      refused: (id, code) => refused(did, id, code),
    });
    this.#byDid.set(did, courier);
    return courier;
  }

  /** Somebody who is not known yet, and where to find him. */
  introduce(contact: Contact): Disposable {
    this.#introduced.set(contact.did, contact);
    return {
      [Symbol.dispose]: () => {
        // Not where he was introduced again meanwhile.
        if (this.#introduced.get(contact.did) === contact) this.#introduced.delete(contact.did);
      },
    };
  }

  /** A sign of life to everybody with a session, and to those a link is kept to. Whoever can only call is not called: it shows its own signs. */
  beat(): void {
    const dids = new Set(Array.from(this.#parts.sessions.sending(), ({ facts }) => facts.peerId));
    for (const did of [...dids, ...this.#kept()]) if (this.#isWithinReach(did)) this.of(did).beat();
  }

  /** Comes up to the peers that a link is kept to. */
  keepUp(): void {
    for (const did of this.#kept()) this.of(did).beat();
  }

  /** Forgets couriers without work. */
  sweep(): void {
    for (const [did, courier] of this.#byDid) if (courier.isIdle() && !this.#parts.sessions.has(did)) this.drop(did);
  }

  drop(did: string): void {
    this.#byDid.get(did)?.stop(new HikyakuError("CANCELED", "The peer was forgotten or blocked."));
    this.#byDid.delete(did);
  }

  stop(error: HikyakuError): void {
    for (const courier of this.#byDid.values()) courier.stop(error);
  }

  #contact(did: string): Contact | undefined {
    const { known, sessions } = this.#parts;
    const peer = known.get(did);
    if (peer?.level === "blocked") return undefined;
    const introduced = this.#introduced.get(did);
    if (peer !== undefined || introduced !== undefined) return peer ?? introduced;
    return sessions.has(did) ? { did, name: did, addresses: [], minVersion: "1.0" } : undefined;
  }

  #isWithinReach(did: string): boolean {
    const contact = this.#contact(did);
    return contact !== undefined && (contact.addresses.length > 0 || this.#parts.streams.of(did) !== undefined);
  }

  #kept(): readonly string[] {
    const { known, keepLinks } = this.#parts;
    if (!keepLinks) return [];
    const dids = known.list().map(({ did }) => did);
    return dids.filter((did) => this.#isKept(did)).slice(0, limits.keptLinksMax);
  }

  #isKept(did: string): boolean {
    const { known } = this.#parts;
    const peer = known.get(did);
    return peer !== undefined && isFriend(known.standingOf(did)) && peer.addresses.length > 0;
  }
}
