/**
 * Calls to come up (spec WAKE-1 to WAKE-4): from those who may, no oftener than is good, each at most once; what it means to wake the agent up is the owner's choice. What a
 * caller writes is handed on as its words, and decides nothing.
 */
import { type ErrorCode, HikyakuError, limits, type WakeUpBody } from "@hikyaku/protocol";
import type { KnownPeers } from "./known-peers.ts";
import type { Sender } from "./mail.ts";
import type { Ground } from "./needs.ts";
import { maySend } from "./policy.ts";
import { RateLimiter } from "./rate-limiter.ts";

export interface WakeCall {
  readonly from: Sender;
  /** What the caller wrote, for whoever wakes up: its words, and no instruction to this machine. */
  readonly reason?: string;
  /** Aborts when the peer closes. */
  readonly signal: AbortSignal;
}

/** Wakes the agent up. Where it rejects, the caller learns that it did not work, and nothing of why. */
export type Wake = (call: WakeCall) => Promise<void>;

export interface WakeUpsParts {
  readonly ground: Ground;
  readonly known: KnownPeers;
  /** None where the owner chose none. */
  readonly wake: Wake | undefined;
  readonly closing: AbortSignal;
}

export class WakeUps {
  readonly #parts: WakeUpsParts;
  readonly #rates = new RateLimiter(limits.knownPeersMax + 1);

  constructor(parts: WakeUpsParts) {
    this.#parts = parts;
  }

  /** Whether there is anything to wake up. */
  get isPossible(): boolean {
    return this.#parts.wake !== undefined;
  }

  get size(): number {
    return this.#rates.size;
  }

  /** Resolves when the agent was woken up; rejects with the code that its caller is told. */
  async receive(did: string, { reason }: WakeUpBody): Promise<void> {
    const { known, ground, wake, closing } = this.#parts;
    const standing = known.standingOf(did);
    // WAKE-2: the call may have waited, and what its sender may do can have changed meanwhile.
    if (!maySend(standing, "wake_up")) throw this.#refusal("UNAUTHORIZED");
    if (wake === undefined) throw this.#refusal("UNSUPPORTED_TYPE");
    if (!this.#mayWakeNow(did)) throw this.#refusal("RATE_LIMITED");
    const from: Sender = { did, name: known.get(did)?.name ?? did, trust: standing.level };
    ground.counters.add("wake.called");
    try {
      await wake({ from, signal: closing, ...(reason === undefined ? {} : { reason }) });
    } catch (error) {
      ground.log.write("error", "wake.failed", { peer: did, reason: error instanceof Error ? error.name : "thrown" });
      throw this.#refusal("INTERNAL_ERROR");
    }
  }

  sweep(): void {
    this.#rates.sweep(this.#parts.ground.clock.elapsed());
  }

  /** WAKE-3: whoever calls too often uses up nothing of what the others have. */
  #mayWakeNow(did: string): boolean {
    const elapsed = this.#parts.ground.clock.elapsed();
    if (this.#rates.take(did, limits.wakeRate, elapsed) !== undefined) return false;
    if (this.#rates.take(everybody, limits.wakeRateOfAll, elapsed) === undefined) return true;
    this.#rates.giveBack(did);
    return false;
  }

  #refusal(code: ErrorCode): HikyakuError {
    this.#parts.ground.counters.add(`wake.${code}`);
    return new HikyakuError(code, "The call to come up was refused.");
  }
}

/** No did. */
const everybody = "all";
