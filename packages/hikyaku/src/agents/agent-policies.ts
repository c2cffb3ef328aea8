/** The policies that the owner made. A port: the store carries it out. */
import type { AgentPolicy } from "./policy.ts";

export interface AgentPolicies {
  /** By the agent's name. */
  list(): Promise<ReadonlyMap<string, AgentPolicy>>;
  /** The one of this very name. */
  find(agent: string): Promise<AgentPolicy | undefined>;
  /** What holds for an agent now: its own, else the one for all, else what holds where the owner said nothing. */
  holding(agent: string): Promise<AgentPolicy>;
  /** What is left out stays as it holds, in one change, so that of two at once neither is lost. Rejects with QUOTA_EXCEEDED where there are too many. */
  change(agent: string, change: Partial<AgentPolicy>): Promise<void>;
  /** The policy, and what was approved or waits; what was denied stays denied, and what the agent spent today is spent. */
  forget(agent: string): Promise<void>;
}
