/** The pairings that are under way on the control interface, and what each is waiting for. */
import { randomBytes } from "node:crypto";
import type { Candidate } from "@hikyaku/peer";
import { type ErrorCode, HikyakuError, limits } from "@hikyaku/protocol";

export type PairingState =
  | { readonly state: "waiting"; readonly link?: string }
  | { readonly state: "asking"; readonly candidate: Candidate }
  | { readonly state: "paired"; readonly candidate: Candidate }
  | { readonly state: "failed"; readonly error: { readonly code: ErrorCode; readonly message: string } };

/** A pairing as the peer runs it. */
export interface RunningPairing {
  readonly link?: string;
  readonly outcome: Promise<Candidate>;
  cancel(): void;
}

interface Held {
  state: PairingState;
  readonly cancel: () => void;
  decide: ((agrees: boolean) => void) | undefined;
  changed: PromiseWithResolvers<void>;
}

/** How long a question for the state may hang before it is answered with what there is. */
const pollMsMax = 20_000;

export class PairingDesk {
  readonly #held = new Map<string, Held>();

  /** Starts one; `run` is handed the question for the person. */
  open(run: (confirm: (candidate: Candidate) => Promise<boolean>) => RunningPairing): { readonly id: string } & PairingState {
    if (this.#held.size >= limits.openPairingsMax) this.#dropFinished();
    if (this.#held.size >= limits.openPairingsMax)
      throw new HikyakuError("QUOTA_EXCEEDED", `${limits.openPairingsMax} pairings are under way, which is the limit: finish one first.`);
    const id = randomBytes(8).toString("hex");
    const { link, outcome, cancel } = run((candidate) => this.#ask(id, candidate));
    const state: PairingState = { state: "waiting", ...(link === undefined ? {} : { link }) };
    this.#held.set(id, { state, cancel, decide: undefined, changed: Promise.withResolvers() });
    outcome.then(
      (candidate) => this.#change(id, { state: "paired", candidate }),
      (error: unknown) => this.#change(id, { state: "failed", error: describe(error) }),
    );
    return { id, ...state };
  }

  /** The state; where it is still the one that the caller has seen, it waits up to 20 s for the next. */
  async state(id: string, seen: PairingState["state"] | undefined): Promise<PairingState> {
    const held = this.#find(id);
    if (held.state.state === seen) await Promise.race([held.changed.promise, pause(pollMsMax)]);
    return held.state;
  }

  /** What the person said. */
  decide(id: string, agrees: boolean): void {
    this.#find(id).decide?.(agrees);
  }

  cancel(id: string): void {
    const held = this.#find(id);
    held.decide?.(false);
    held.cancel();
  }

  #ask(id: string, candidate: Candidate): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const held = this.#find(id);
    held.decide = resolve;
    this.#change(id, { state: "asking", candidate });
    // Nobody at the keyboard means no.
    void pause(limits.pairingMsMax).then(() => resolve(false));
    return promise;
  }

  #change(id: string, state: PairingState): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    held.state = state;
    held.changed.resolve();
    held.changed = Promise.withResolvers();
  }

  #find(id: string): Held {
    const held = this.#held.get(id);
    if (held === undefined) throw new HikyakuError("INVALID_ARGUMENT", "There is no such pairing, or it ended long ago.");
    return held;
  }

  #dropFinished(): void {
    for (const [id, { state }] of this.#held) if (state.state === "paired" || state.state === "failed") this.#held.delete(id);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());

const describe = (error: unknown): { readonly code: ErrorCode; readonly message: string } =>
  error instanceof HikyakuError
    ? { code: error.code, message: error.message }
    : { code: "INTERNAL_ERROR", message: "Something went wrong inside; the log says more." };
