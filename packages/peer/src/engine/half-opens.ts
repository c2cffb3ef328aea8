/** Handshakes that others began here: answered and not yet confirmed, or confirmed a moment ago (spec HS-9, HS-10). */
import { type Bytes, eraseHalfOpen, type HalfOpen, isSameBytes, limits } from "@hikyaku/protocol";

export interface OpenHandshake {
  readonly half: HalfOpen;
  /** The exact bytes of both first messages: the same M1 gets the same M2, never a second ephemeral key. */
  readonly m1: Bytes;
  readonly m2: Bytes;
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

  find(senderId: string, sessionId: string): OpenHandshake | undefined {
    return this.#open.get(keyOf(senderId, sessionId));
  }

  add(handshake: OpenHandshake): void {
    const { senderId, sessionId } = handshake.half.m1;
    this.#open.set(keyOf(senderId, sessionId), handshake);
  }

  /** Forgets what has waited for 30 s, with its secrets. */
  sweep(now: number): void {
    for (const [key, { half, begunAt, confirmed }] of this.#open) {
      if (now - begunAt < limits.halfOpenMsMax) continue;
      this.#open.delete(key);
      if (confirmed === undefined) eraseHalfOpen(half);
    }
  }
}

const keyOf = (senderId: string, sessionId: string): string => `${senderId} ${sessionId}`;

/**
 * Nonces of offers whose signature verified, so that a recorded offer cannot be played again within the five minutes that its time stamp is good for.
 * The one cache that may forget its oldest: it only saves us work (spec HS-11).
 */
export class OfferNonces {
  readonly #seen = new Set<string>();

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
