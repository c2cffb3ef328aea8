/** What everything about agents stands on. */
import type { Clock } from "@hikyaku/peer";
import type { AgentPolicies } from "./agent-policies.ts";
import type { AgentRecord } from "./agent-record.ts";
import type { Approvals } from "./approvals.ts";

/** What the store gives. */
export interface AgentStores {
  readonly policies: AgentPolicies;
  readonly approvals: Approvals;
  readonly record: AgentRecord;
}

export interface AgentGround extends AgentStores {
  readonly clock: Clock;
}
