/** What the owner lets an agent do (spec AGENT-2, AGENT-3): whom it may reach, with what, how much of it, and what needs a word of the owner first. */
import { limits } from "@hikyaku/protocol";

export type Listed = "all" | readonly string[];

/**
 * `first-use`: the first use of a peer or capability waits for an approval, which the agent's own client may give after it asked its person; `owner`: only the owner may;
 * `never`: nothing waits.
 */
type Confirmation = (typeof confirmations)[number];
export const confirmations = ["first-use", "owner", "never"] as const;

export interface AgentPolicy {
  /** By did, since a name may be given to another peer. */
  readonly peers: Listed;
  readonly capabilities: Listed;
  /** Of the JSON of a body or an input. */
  readonly messageBytesMax: number;
  /** Of everything but reading. */
  readonly callsPerMinute: number;
  /** Those that workers may hand on are counted as well; a day is one of UTC. */
  readonly tasksPerDay: number;
  readonly confirm: Confirmation;
}

/** The name whose policy holds for all agents without one of their own. */
export const everyAgent = "default";

/** What holds where the owner said nothing. */
export const policyUnlessTold: AgentPolicy = {
  peers: "all",
  capabilities: "all",
  messageBytesMax: limits.agentMessageBytesDefault,
  callsPerMinute: limits.agentCallsPerMinuteDefault,
  tasksPerDay: limits.agentTasksPerDayDefault,
  confirm: "first-use",
};

export const isListed = (list: Listed, one: string): boolean => list === "all" || list.includes(one);
