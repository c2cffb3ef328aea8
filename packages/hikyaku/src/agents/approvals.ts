/** What agents may do because somebody said so once, what waits for that, and what was denied (spec AGENT-4, AGENT-5). A port: the store carries it out. */

/** What is approved or denied as one: sending to a peer, delegating one capability to it, waking it up. */
export interface Use {
  readonly agent: string;
  readonly kind: "send" | "delegate" | "wake";
  readonly did: string;
  readonly capability?: string;
}

export const approvalStates = ["waiting", "approved", "denied"] as const;
type ApprovalState = (typeof approvalStates)[number];

/** The owner, or the agent's own client after it asked its person. */
export type Decider = "owner" | "client";

export interface Approval extends Use {
  /** Eight hex digits. */
  readonly id: string;
  readonly state: ApprovalState;
  /** Milliseconds since 1970; `decidedAt` as well. */
  readonly askedAt: number;
  readonly decidedAt?: number;
  readonly by?: Decider;
}

export interface Decision {
  readonly id: string;
  readonly state: "approved" | "denied";
  readonly by: Decider;
  readonly at: number;
}

export interface ApprovalQuery {
  readonly state: ApprovalState;
  readonly agent?: string;
  readonly now: number;
  readonly limit: number;
}

/** What waits longer than a day is over. A peer that is forgotten takes what was said of it along. */
export interface Approvals {
  /** What stands of this use. */
  find(use: Use): Promise<Approval | undefined>;
  /**
   * Lets the use wait for the owner, unless it does already or the owner has decided; what a client approved waits anew. Where too many wait, the oldest goes. Durable when it
   * resolves.
   */
  ask(use: Use, now: number): Promise<Approval>;
  /** Those whose id begins with this, at most two; none that waited too long. */
  byPrefix(prefix: string, now: number): Promise<readonly Approval[]>;
  /** Oldest first. */
  list(query: ApprovalQuery): Promise<readonly Approval[]>;
  /** Undefined where there is none of this id. A client decides only what waits. */
  decide(decision: Decision): Promise<Approval | undefined>;
  /** As if it had never been asked for. */
  forget(id: string): Promise<void>;
}
