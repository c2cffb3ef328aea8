/** What everything about agents stands on. */
import type { Clock } from "@hikyaku/peer";
import type { AgentPolicies } from "./agent-policies.ts";
import type { AgentRecord } from "./agent-record.ts";
import type { Approvals } from "./approvals.ts";
import { type AgentPolicy, everyAgent, policyUnlessTold } from "./policy.ts";

/** What the store gives. */
export interface AgentStores {
  readonly policies: AgentPolicies;
  readonly approvals: Approvals;
  readonly record: AgentRecord;
}

export interface AgentGround extends AgentStores {
  readonly clock: Clock;
}

const dayMs = 24 * 60 * 60 * 1000;

/** The day of UTC, counted from 1970. */
export const dayOf = (clock: Clock): number => Math.floor(clock.now() / dayMs);

/** What holds for an agent now. */
export const policyOf = async ({ policies }: AgentGround, agent: string): Promise<AgentPolicy> =>
  (await policies.find(agent)) ?? (await policies.find(everyAgent)) ?? policyUnlessTold;
