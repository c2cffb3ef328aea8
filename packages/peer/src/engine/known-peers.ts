/** The trust store as the engine uses it: whole in memory for look-ups on every message, written through before a change counts. */
import { type Bytes, decodeDid, HikyakuError, isSameBytes, limits } from "@hikyaku/protocol";
import type { KnownAddress, KnownPeer, TrustStore } from "../ports/trust-store.ts";
import { type Standing, stranger } from "./policy.ts";

export class KnownPeers {
  readonly #store: TrustStore;
  readonly #changed: (did: string) => void;
  readonly #byDid = new Map<string, KnownPeer>();
  /** The dids of those that are seen. */
  readonly #seen = new Set<string>();
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(store: TrustStore, peers: readonly KnownPeer[], changed: (did: string) => void) {
    this.#store = store;
    this.#changed = changed;
    for (const peer of peers) this.#hold(peer);
  }

  /** `changed` hears of every change once it is durable. */
  static async load(store: TrustStore, changed: (did: string) => void = () => undefined): Promise<KnownPeers> {
    return new KnownPeers(store, await store.load(), changed);
  }

  get size(): number {
    return this.#byDid.size;
  }

  list(): readonly KnownPeer[] {
    return [...this.#byDid.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  get(did: string): KnownPeer | undefined {
    return this.#byDid.get(did);
  }

  standingOf(did: string): Standing {
    return this.#byDid.get(did) ?? stranger;
  }

  /** A peer by its name or did. */
  find(reference: string): KnownPeer | undefined {
    return this.#byDid.get(reference) ?? this.#byName(reference);
  }

  /** Throws INVALID_ARGUMENT where another peer than `did` has the name. */
  requireFreeName(name: string, did: string | undefined): void {
    const namesake = this.#byName(name);
    if (namesake !== undefined && namesake.did !== did)
      throw new HikyakuError(
        "INVALID_ARGUMENT",
        `Another peer is already called ${JSON.stringify(name)}; choose a different name, or forget that one with \`hikyaku trust ${name} --remove\`.`,
      );
  }

  /** The peer that a person means by a name or a did; throws UNKNOWN_PEER with the way out. */
  resolve(reference: string): KnownPeer {
    const found = this.find(reference);
    if (found !== undefined) return found;
    throw new HikyakuError(
      "UNKNOWN_PEER",
      `No peer is called ${JSON.stringify(reference)}; \`hikyaku peers\` lists them, \`hikyaku pair\` adds one.`,
    );
  }

  /** The key of an id: pinned, or held by the id itself. What a message claims about its key plays no part (spec SIG-4). */
  publicKeyOf(id: string): Bytes | undefined {
    return this.#byDid.get(id)?.publicKey ?? decodeDid(id);
  }

  /** Resolves when the change is durable. Rejects with INVALID_ARGUMENT where the name is taken, KEY_CHANGED where another key is pinned. */
  async put(peer: KnownPeer): Promise<void> {
    await this.#inTurn(() => this.#write(peer));
  }

  /** TRUST-8: whether one more stranger may be pinned at first sight. Whom a person made a seen peer counts as well, and is never refused for it. */
  hasRoomForStranger(): boolean {
    return this.#seen.size < limits.seenPeersMax;
  }

  /** Pins a stranger; false where there is no room for it. Several may have been let in on the last place. Rejects as `put` does. */
  async pinStranger(peer: KnownPeer): Promise<boolean> {
    let isPinned = false;
    await this.#inTurn(async () => {
      isPinned = this.hasRoomForStranger();
      if (isPinned) await this.#write(peer);
    });
    return isPinned;
  }

  /** Changes a peer that is pinned; where it is not, or not any more, nothing happens. Rejects as `put` does. */
  async amend(did: string, change: (current: KnownPeer) => KnownPeer): Promise<void> {
    await this.#inTurn(async () => {
      const current = this.#byDid.get(did);
      const next = current === undefined ? undefined : change(current);
      if (next !== undefined && next !== current) await this.#write(next);
    });
  }

  async remove(did: string): Promise<void> {
    await this.#inTurn(async () => {
      await this.#store.remove(did);
      this.#byDid.delete(did);
      this.#seen.delete(did);
      this.#changed(did);
    });
  }

  /** TRUST-4: one change after another, each made to what the one before left: an announcement that comes late must not undo what a person decided. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#lastChange.then(change);
    this.#lastChange = done.catch(() => undefined);
    return done;
  }

  async #write(peer: KnownPeer): Promise<void> {
    const pinned = this.#byDid.get(peer.did);
    if (pinned !== undefined && !isSameBytes(pinned.publicKey, peer.publicKey))
      throw new HikyakuError("KEY_CHANGED", `${pinned.name} is pinned with another key; remove it first if you are sure.`);
    this.requireFreeName(peer.name, peer.did);
    if (pinned === undefined && this.#byDid.size >= limits.knownPeersMax)
      throw new HikyakuError(
        "QUOTA_EXCEEDED",
        `The trust store holds ${limits.knownPeersMax} peers, which is its limit; remove some first.`,
      );
    await this.#store.put(peer);
    this.#hold(peer);
    this.#changed(peer.did);
  }

  #hold(peer: KnownPeer): void {
    this.#byDid.set(peer.did, peer);
    if (peer.level === "seen") this.#seen.add(peer.did);
    else this.#seen.delete(peer.did);
  }

  #byName(name: string): KnownPeer | undefined {
    for (const peer of this.#byDid.values()) if (peer.name === name) return peer;
    return undefined;
  }
}

/** Adds what a peer announced to the addresses we have; what a person gave stays, and stays first, and what a link gave comes behind it. */
export function mergeAddresses(held: readonly KnownAddress[], announced: readonly string[]): readonly KnownAddress[] {
  const heldFrom = (wanted: KnownAddress["source"]): readonly KnownAddress[] => held.filter(({ source }) => source === wanted);
  const fresh = announced.map((address): KnownAddress => ({ address, source: "peer" }));
  return [...heldFrom("person"), ...heldFrom("link"), ...fresh].filter(isFirstOfItsAddress).slice(0, limits.addressesPerPeerMax);
}

const isFirstOfItsAddress = ({ address }: KnownAddress, at: number, all: readonly KnownAddress[]): boolean =>
  all.findIndex((other) => other.address === address) === at;
