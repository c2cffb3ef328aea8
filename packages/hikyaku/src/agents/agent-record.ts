/** What agents did, were refused and were allowed, and how many tasks they gave away (spec AGENT-3, AGENT-6): never what was said. A port: the store carries it out. */
import type { Clock } from "@hikyaku/peer";
import type { Approval, Decider } from "./approvals.ts";

/** `changed`: the owner set a policy, or forgot one. */
export type AuditVerdict = "allowed" | "refused" | "waiting" | "approved" | "denied" | "changed";

export interface AuditEntry {
  readonly at: number;
  readonly agent: string;
  /** The kind of deed; of what agents may not ask at all, its method and path. */
  readonly action: string;
  readonly did?: string;
  readonly capability?: string;
  readonly bytes?: number;
  readonly verdict: AuditVerdict;
  /** Why not; of what was allowed, why it failed all the same. */
  readonly code?: string;
  readonly by?: Decider;
  /** The id of the message, task or approval. */
  readonly ref?: string;
  /** Which messages of whom, in words. */
  readonly marked?: string;
}

/** How a deed ended, beside what was known before. */
export type Outcome = Pick<AuditEntry, "code" | "ref">;

export interface KeptAuditEntry extends AuditEntry {
  /** Rises with every entry; a cursor. */
  readonly position: number;
}

export interface AuditQuery {
  readonly agent?: string;
  /** The first ones after this position; the newest ones where it is left out. */
  readonly after?: number;
  readonly limit: number;
}

/** Tasks that are given away on one day, as far as they stay within what the day allows. */
export interface Spending {
  /** Of UTC, counted from 1970. */
  readonly day: number;
  readonly cost: number;
  readonly max: number;
}

const dayMs = 24 * 60 * 60 * 1000;

/** The day of UTC, counted from 1970. */
export const dayOf = (clock: Clock): number => Math.floor(clock.now() / dayMs);

/** What was decided, for the list. */
export const entryOf = ({ id, agent, kind, did, capability }: Approval, rest: Pick<AuditEntry, "at" | "verdict" | "by">): AuditEntry => ({
  agent,
  action: kind,
  did,
  ...(capability === undefined ? {} : { capability }),
  ...rest,
  ref: id,
});

export interface AgentRecord {
  /** Keeps an entry, and the spending in the same change; undefined, having kept nothing, where that is more than the day allows. The oldest entries go. */
  add(entry: AuditEntry, spending?: Spending): Promise<number | undefined>;
  /** How it ended. */
  conclude(position: number, outcome: Outcome): Promise<void>;
  /** By rising position. */
  list(query: AuditQuery): Promise<readonly KeptAuditEntry[]>;
  spent(agent: string, day: number): Promise<number>;
}
