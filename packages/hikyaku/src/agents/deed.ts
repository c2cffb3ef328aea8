/** What an agent asks for that goes beyond reading. */

/** Whom it is about. */
export interface Addressee {
  /** Undefined where nobody is known by what the agent said. */
  readonly did: string | undefined;
  /** The pet name where the agent may know of this peer, else what it said. */
  readonly name: string;
}

/**
 * `ask` is a small question that the other peer answers by itself, `steer` is to cancel a task or to answer what it asks. `bytes` is the JSON of what is said, `cost` how many tasks may
 * come of a delegation.
 */
export type Deed =
  | { readonly kind: "ask"; readonly to: Addressee }
  | { readonly kind: "send" | "wake"; readonly to: Addressee; readonly bytes: number }
  | { readonly kind: "steer"; readonly to: Addressee; readonly bytes: number; readonly task: string }
  | { readonly kind: "delegate"; readonly to: Addressee; readonly bytes: number; readonly capability: string; readonly cost: number };
