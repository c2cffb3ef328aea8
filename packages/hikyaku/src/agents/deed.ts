/** What an agent asks for that goes beyond reading. */
import type { TaskRole } from "@hikyaku/peer";
import type { Marking } from "./marking.ts";

/** Whom it is about. */
export interface Addressee {
  /** Undefined where nobody is known by what the agent said. */
  readonly did: string | undefined;
  /** The pet name where the agent may know of this peer, else what it said. */
  readonly name: string;
}

/** To cancel a task or to answer what it asks; `role` is this peer's in it, and no `bytes` are said where it is canceled without a reason. */
export interface Steering {
  readonly kind: "steer";
  readonly means: "cancel" | "answer";
  readonly to: Addressee;
  readonly bytes: number;
  readonly task: string;
  readonly role: TaskRole;
  readonly capability: string;
}

/** `ask` is a small question that the other peer answers by itself. `bytes` is the JSON of what is said, `cost` how many tasks may come of a delegation. */
export type Deed =
  | { readonly kind: "ask"; readonly to: Addressee }
  | { readonly kind: "send" | "wake"; readonly to: Addressee; readonly bytes: number }
  | { readonly kind: "delegate"; readonly to: Addressee; readonly bytes: number; readonly capability: string; readonly cost: number }
  | Steering
  | Marking;

export const peersOf = (deed: Deed): readonly Addressee[] => (deed.kind === "mark" ? deed.marks.map(({ to }) => to) : [deed.to]);

/** What the other peer does for this one, where the deed is about that. A task that somebody gave to this peer asks nothing of its requester. */
export function capabilityAskedFor(deed: Deed): string | undefined {
  if (deed.kind === "delegate") return deed.capability;
  return deed.kind === "steer" && deed.role === "requester" ? deed.capability : undefined;
}
