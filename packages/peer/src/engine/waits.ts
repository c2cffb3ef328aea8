/** Questions on their way: who waits for which answer, how long, and until which signal. */
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";

export interface Patience {
  /** At most an hour; 30 s unless told. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

interface Wait {
  readonly settle: (answer: unknown) => void;
  readonly fail: (error: HikyakuError) => void;
}

export class Waits {
  readonly #clock: Clock;
  readonly #waits = new Map<string, Wait>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waits.size;
  }

  /**
   * An answer under `key`; it rejects with TIMED_OUT (saying what was waited for), CANCELED or CLOSED. Opened before the question is sent, so that
   * no answer can be faster than its wait.
   */
  open<Answer>(key: string, what: string, { timeoutMs = limits.requestTimeoutMsDefault, signal }: Patience): Promise<Answer> {
    if (this.#waits.size >= limits.pendingRequestsMax)
      return Promise.reject(new HikyakuError("OVERLOADED", "Too many requests are waiting for answers."));
    if (signal?.aborted === true) return Promise.reject(canceled(what, signal));
    return new Promise<Answer>((resolve, reject) => {
      const bounded = Math.min(timeoutMs, limits.requestTimeoutMsMax);
      const timer = this.#clock.after(bounded, () => fail(new HikyakuError("TIMED_OUT", `No ${what} within ${bounded / 1000} s.`)));
      const cancel = (): void => {
        if (signal !== undefined) fail(canceled(what, signal));
      };
      const end = (): void => {
        this.#waits.delete(key);
        timer.cancel();
        signal?.removeEventListener("abort", cancel);
      };
      const fail = (error: HikyakuError): void => {
        end();
        reject(error);
      };
      const settle = (answer: unknown): void => {
        end();
        resolve(answer as Answer);
      };
      signal?.addEventListener("abort", cancel, { once: true });
      this.#waits.set(key, { settle, fail });
    });
  }

  has(key: string): boolean {
    return this.#waits.has(key);
  }

  /** Whether somebody waited for it. */
  settle(key: string, answer: unknown): boolean {
    const wait = this.#waits.get(key);
    wait?.settle(answer);
    return wait !== undefined;
  }

  fail(key: string, error: HikyakuError): boolean {
    const wait = this.#waits.get(key);
    wait?.fail(error);
    return wait !== undefined;
  }

  failAll(error: HikyakuError): void {
    for (const wait of this.#waits.values()) wait.fail(error);
  }
}

export const canceled = (what: string, signal: AbortSignal): HikyakuError =>
  new HikyakuError("CANCELED", `Waiting for the ${what} was canceled.`, { cause: signal.reason });

/** Runs work under a signal that aborts with the caller's, with the peer's closing and when patience ends; says which of them it was. */
export async function patiently<Value>(
  { clock, closing }: { readonly clock: Clock; readonly closing: AbortSignal },
  { timeoutMs = limits.requestTimeoutMsDefault, signal }: Patience,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const bounded = Math.min(timeoutMs, limits.requestTimeoutMsMax);
  const over = new AbortController();
  const timer = clock.after(bounded, () => over.abort());
  try {
    return await work(AbortSignal.any([over.signal, closing, ...(signal === undefined ? [] : [signal])]));
  } catch (error) {
    if (closing.aborted) throw new HikyakuError("CLOSED", "The peer was closed.");
    throw over.signal.aborted ? new HikyakuError("TIMED_OUT", `No session within ${bounded / 1000} s.`, { cause: error }) : error;
  } finally {
    timer.cancel();
  }
}

/** The promise, or CANCELED as soon as the signal aborts; the work behind the promise goes on. */
export function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined, what: string): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const cancel = (): void => reject(canceled(what, signal));
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", cancel));
  });
}
