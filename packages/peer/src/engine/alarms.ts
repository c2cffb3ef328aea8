/**
 * Conditions that a person should see and the network must not (spec TRUST-7, PAIR-5): somebody uses another key under a pinned name, or chose a weaker session
 * than both sides support, or a peer that was just trusted does not trust us. Each is kept until the person decides something about that peer.
 */
import { decodeDid, type ErrorCode, type HandshakeRefusal } from "@hikyaku/protocol";
import type { KnownPeers } from "./known-peers.ts";
import type { Ground } from "./needs.ts";

export interface Alarm {
  readonly code: Extract<ErrorCode, "KEY_CHANGED" | "DOWNGRADE_REFUSED"> | "PAIRING_DECLINED";
  /** When it was raised last, in milliseconds since 1970. */
  readonly at: number;
  readonly count: number;
}

export class Alarms {
  readonly #ground: Ground;
  readonly #known: KnownPeers;
  readonly #raised = new Map<string, Alarm>();

  constructor(ground: Ground, known: KnownPeers) {
    this.#ground = ground;
    this.#known = known;
  }

  of(did: string): Alarm | undefined {
    return this.#raised.get(did);
  }

  /** Raises the alarm that a refused handshake with a known peer deserves, if it deserves one. */
  judge(did: string, { code, check }: HandshakeRefusal): void {
    if (this.#known.get(did) === undefined) return;
    if (code === "DOWNGRADE_REFUSED") this.#raise(did, code);
    // A did:key cannot change its key: a message that says so is merely broken.
    else if (check === "pubkey" && decodeDid(did) === undefined) this.#raise(did, "KEY_CHANGED");
  }

  /** PAIR-5: the peer was trusted and says that it did not do the same. A worse alarm stays. */
  pairingDeclined(did: string): void {
    if (this.#known.get(did) === undefined) return;
    this.#ground.log.write("warn", "pairing.declined", { peer: did });
    if (!this.#raised.has(did)) this.#raise(did, "PAIRING_DECLINED");
  }

  /** The person paired with the peer anew. */
  pairingConcluded(did: string): void {
    if (this.of(did)?.code === "PAIRING_DECLINED") this.clear(did);
  }

  /** The person has decided. */
  clear(did: string): void {
    this.#raised.delete(did);
  }

  #raise(did: string, code: Alarm["code"]): void {
    const { clock, counters, log } = this.#ground;
    const count = (this.#raised.get(did)?.count ?? 0) + 1;
    this.#raised.set(did, { code, at: clock.now(), count });
    counters.add(`alarm.${code}`);
    // One line a peer: whoever can raise it again and again must not fill the log.
    if (count === 1) log.write("error", "alarm.raised", { peer: did, code });
  }
}
