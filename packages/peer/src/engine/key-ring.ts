import { type Crypto, limits, type VerifyingKey } from "@hikyaku/protocol";
import type { KnownPeers } from "./known-peers.ts";

interface HeldKey {
  readonly key: VerifyingKey;
  /** Judged at most once per identity: it costs as much as twenty verifications (spec ID-3). */
  isTorsionFree?: boolean;
}

/**
 * Imported public keys of peers, because importing costs nearly half a verification. Held are the keys of pinned peers and of those whose signature
 * verified: names that anybody can make up must not push them out (spec ORD-2). Bounded; the one unused longest is dropped.
 */
export class KeyRing {
  readonly #crypto: Crypto;
  readonly #known: KnownPeers;
  readonly #held = new Map<string, HeldKey>();

  constructor(crypto: Crypto, known: KnownPeers) {
    this.#crypto = crypto;
    this.#known = known;
  }

  get size(): number {
    return this.#held.size;
  }

  /** The key of an id, or undefined where the id holds none that is acceptable. */
  keyOf(id: string): VerifyingKey | undefined {
    const held = this.#held.get(id) ?? this.#import(id);
    if (held !== undefined && (this.#held.has(id) || this.#known.get(id) !== undefined)) this.#hold(id, held);
    return held?.key;
  }

  /** The key of an id, imported anew and not held: takes as long for a stranger as for a friend. */
  importKey(id: string): VerifyingKey | undefined {
    return this.#import(id)?.key;
  }

  /** Asked only once the sender's signature verified: from here on its key is held. */
  isTorsionFree(id: string): boolean {
    const held = this.#held.get(id) ?? this.#import(id);
    if (held === undefined) return false;
    this.#hold(id, held);
    held.isTorsionFree ??= this.#crypto.isTorsionFree(held.key.publicKey);
    return held.isTorsionFree;
  }

  /** The id may be pinned with another key next time. */
  forget(id: string): void {
    this.#held.delete(id);
  }

  /** Puts the key last in the row for being dropped. */
  #hold(id: string, held: HeldKey): void {
    this.#held.delete(id);
    const oldest = this.#held.keys().next();
    if (this.#held.size >= limits.cachedKeysMax && oldest.done !== true) this.#held.delete(oldest.value);
    this.#held.set(id, held);
  }

  #import(id: string): HeldKey | undefined {
    const publicKey = this.#known.publicKeyOf(id);
    const key = publicKey === undefined ? undefined : this.#crypto.verifyingKey(publicKey);
    return key === undefined ? undefined : { key };
  }
}
