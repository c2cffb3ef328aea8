/** The pairings that are under way on the control interface, and what each is waiting for. */
import { randomBytes } from "node:crypto";
import type { Candidate, Log } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import { type Shown, shown } from "./mistake.ts";

export type PairingState =
  | { readonly state: "waiting"; readonly link?: string }
  | { readonly state: "asking"; readonly candidate: Candidate }
  | { readonly state: "paired"; readonly candidate: Candidate }
  | { readonly state: "failed"; readonly error: Shown };

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
  readonly #log: Log;
  readonly #held = new Map<string, Held>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Starts one; `run` is handed the question for the person. */
  open(run: (confirm: (candidate: Candidate) => Promise<boolean>) => RunningPairing): { readonly id: string } & PairingState {
    if (this.#held.size >= limits.openPairingsMax) this.#dropFinished();
    if (this.#held.size >= limits.openPairingsMax)
      throw new HikyakuError("QUOTA_EXCEEDED", `${limits.openPairingsMax} pairings are under way, which is the limit: finish one first.`);
    const id = randomBytes(8).toString("hex");
    const running = run((candidate) => this.#ask(id, candidate));
    const state: PairingState = { state: "waiting", ...(running.link === undefined ? {} : { link: running.link }) };
    this.#held.set(id, { state, cancel: () => running.cancel(), decide: undefined, changed: Promise.withResolvers() });
    running.outcome.then(
      (candidate) => this.#change(id, { state: "paired", candidate }),
      (error: unknown) => this.#change(id, { state: "failed", error: shown(error, this.#log) }),
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
    const { decide, state } = this.#find(id);
    // The other side may have said no while this person was looking.
    if (state.state === "failed") throw new HikyakuError(state.error.code, state.error.message);
    if (decide === undefined || state.state !== "asking")
      throw new HikyakuError("INVALID_ARGUMENT", `This pairing is ${state.state}: there is nothing to decide.`);
    decide(agrees);
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
