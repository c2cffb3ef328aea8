import { type Crypto, limits, type VerifyingKey } from "@hikyaku/protocol";
import type { KnownPeers } from "./known-peers.ts";

interface HeldKey {
  readonly key: VerifyingKey;
  /** Judged at most once per identity: it costs as much as twenty verifications (spec ID-3). */
  isTorsionFree?: boolean;
}

/** Imported public keys of peers, because importing costs nearly half a verification. Bounded; the one unused longest is dropped. */
export class KeyRing {
  readonly #crypto: Crypto;
  readonly #known: KnownPeers;
  readonly #held = new Map<string, HeldKey>();

  constructor(crypto: Crypto, known: KnownPeers) {
    this.#crypto = crypto;
    this.#known = known;
  }

  /** The key of an id, or undefined where the id holds none that is acceptable. */
  keyOf(id: string): VerifyingKey | undefined {
    return this.#hold(id)?.key;
  }

  isTorsionFree(id: string): boolean {
    const held = this.#hold(id);
    if (held === undefined) return false;
    held.isTorsionFree ??= this.#crypto.isTorsionFree(held.key.publicKey);
    return held.isTorsionFree;
  }

  #hold(id: string): HeldKey | undefined {
    const held = this.#held.get(id) ?? this.#import(id);
    if (held === undefined) return undefined;
    this.#held.delete(id);
    this.#held.set(id, held);
    return held;
  }

  #import(id: string): HeldKey | undefined {
    const publicKey = this.#known.publicKeyOf(id);
    const key = publicKey === undefined ? undefined : this.#crypto.verifyingKey(publicKey);
    if (key === undefined) return undefined;
    const oldest = this.#held.keys().next();
    if (this.#held.size >= limits.cachedKeysMax && oldest.done !== true) this.#held.delete(oldest.value);
    return { key };
  }
}
