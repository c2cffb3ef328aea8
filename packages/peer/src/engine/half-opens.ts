/** Handshakes that others began here: answered and not yet confirmed, or confirmed a moment ago (spec HS-9, HS-10). */
import { type Bytes, eraseHalfOpen, type HalfOpen, isSameBytes, limits } from "@hikyaku/protocol";

/** Who wants to begin a handshake, and from where. */
export interface Claim {
  readonly senderId: string;
  readonly prefix: string;
  /** Whether the owner trusts it; a peer that is merely seen is a stranger here. */
  readonly isFriend: boolean;
}

export interface OpenHandshake extends Pick<Claim, "prefix" | "isFriend"> {
  readonly half: HalfOpen;
  /** The exact bytes of both first messages: the same M1 gets the same M2, never a second ephemeral key. */
  readonly m1: Bytes;
  readonly m2: Bytes;
  /** By the monotonic clock: a wall clock set back must not keep half-open state alive. */
  readonly begunAt: number;
  /** Names the pairing token that was mixed in. */
  readonly pairingId?: string;
  /** Our own attempt that was unanswered when this offer came. */
  readonly crossedWith?: string;
  /** Once confirmed: the exact M3, and the READY it got. */
  confirmed?: { readonly m3: Bytes; readonly ready: Bytes };
}

export class HalfOpens {
  readonly #open = new Map<string, OpenHandshake>();

  isFull(): boolean {
    return this.#open.size >= limits.halfOpenCountMax;
  }

  /**
   * HS-10: whether one more may wait, where not all places are taken. Friends have places of their own, and neither a network nor an identity may take more than its share, so that strangers
   * cannot keep friends out; what was confirmed a moment ago still takes a place.
   */
  hasRoomFor({ senderId, prefix, isFriend }: Claim): boolean {
    const all = [...this.#open.values()];
    const ofSender = all.filter(({ half, confirmed }) => half.m1.senderId === senderId && confirmed === undefined);
    if (ofSender.length >= limits.halfOpenPerIdentityMax) return false;
    if (isFriend) return true;
    const strangers = all.filter((one) => !one.isFriend);
    const neighbours = strangers.filter((one) => one.prefix === prefix && one.confirmed === undefined);
    return (
      strangers.length < limits.halfOpenCountMax - limits.halfOpenReservedForFriends && neighbours.length < limits.halfOpenPerPrefixMax
    );
  }

  get size(): number {
    return this.#open.size;
  }

  find(senderId: string, sessionId: string): OpenHandshake | undefined {
    return this.#open.get(keyOf(senderId, sessionId));
  }

  add(handshake: OpenHandshake): void {
    const { senderId, sessionId } = handshake.half.m1;
    this.#open.set(keyOf(senderId, sessionId), handshake);
  }

  /** HS-10: forgets what has waited for 30 s, with its secrets. Cheap, as the oldest come first. */
  sweep(elapsed: number): void {
    for (const [key, handshake] of this.#open) {
      if (elapsed - handshake.begunAt < limits.halfOpenMsMax) break;
      this.#forget(key, handshake);
    }
  }

  /**
   * LIFE-3: once a handshake completes, the sender's unconfirmed ones that were answered before it are forgotten. The sender gave them up; a late M3 of one would
   * take over sending for a session that the sender no longer has, and a peer that we cannot dial would never tell us so.
   */
  dropOlder(completed: OpenHandshake): void {
    for (const [key, handshake] of this.#open) {
      if (handshake === completed) return;
      if (handshake.half.m1.senderId === completed.half.m1.senderId && handshake.confirmed === undefined) this.#forget(key, handshake);
    }
  }

  dropPeer(senderId: string): void {
    for (const [key, handshake] of this.#open) if (handshake.half.m1.senderId === senderId) this.#forget(key, handshake);
  }

  clear(): void {
    for (const [key, handshake] of this.#open) this.#forget(key, handshake);
  }

  #forget(key: string, { half, confirmed }: OpenHandshake): void {
    this.#open.delete(key);
    if (confirmed === undefined) eraseHalfOpen(half);
  }
}

const keyOf = (senderId: string, sessionId: string): string => `${senderId} ${sessionId}`;

/**
 * Nonces of offers whose signature verified, so that a recorded offer cannot be played again within the five minutes that its time stamp is good for.
 * The one cache that may forget its oldest: it only saves us work (spec HS-11).
 */
export class OfferNonces {
  readonly #seen = new Set<string>();

  get size(): number {
    return this.#seen.size;
  }

  has(senderId: string, nonce: string): boolean {
    return this.#seen.has(keyOf(senderId, nonce));
  }

  add(senderId: string, nonce: string): void {
    const oldest = this.#seen.values().next();
    if (this.#seen.size >= limits.handshakeNoncesMax && oldest.done !== true) this.#seen.delete(oldest.value);
    this.#seen.add(keyOf(senderId, nonce));
  }
}

export const isSameFrame = (left: Bytes | undefined, right: Bytes): boolean => left !== undefined && isSameBytes(left, right);
