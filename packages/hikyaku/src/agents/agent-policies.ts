/** The policies that the owner made. A port: the store carries it out. */
import type { AgentPolicy } from "./policy.ts";

export interface AgentPolicies {
  /** By the agent's name. */
  list(): Promise<ReadonlyMap<string, AgentPolicy>>;
  find(agent: string): Promise<AgentPolicy | undefined>;
  /** Rejects with QUOTA_EXCEEDED where there are too many. */
  put(agent: string, policy: AgentPolicy): Promise<void>;
  /** The policy, and what was approved or waits; what was denied stays denied, and what the agent spent today is spent. */
  forget(agent: string): Promise<void>;
}
