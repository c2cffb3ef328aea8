/** `hikyaku policy`: what an agent may do in this peer's name. */
import { HikyakuError } from "@hikyaku/protocol";
import type { AgentPolicy, Listed } from "../../agents/policy.ts";
import { visible } from "../../text/visible.ts";
import { type Call, segment, withPeer } from "../call.ts";

interface ShownAgent {
  readonly agent: string;
  readonly isOwn: boolean;
  readonly tasksToday: number;
  /** Its peers by name. */
  readonly policy: AgentPolicy;
}

export interface PolicyOptions {
  readonly agent: string | undefined;
  readonly change: object;
  readonly remove: boolean;
}

export async function policy(call: Call, { agent, change, remove }: PolicyOptions): Promise<void> {
  const isChange = Object.keys(change).length > 0;
  if (remove && isChange) throw new HikyakuError("INVALID_ARGUMENT", "--remove stands alone: it forgets the policy.");
  if (agent === undefined) {
    if (remove || isChange) throw new HikyakuError("INVALID_ARGUMENT", "Which agent? hikyaku policy lists those that have a policy.");
    return await list(call);
  }
  const path = `/agents/${segment(agent)}`;
  if (remove) {
    await withPeer(call, (peer) => peer.delete(path));
    return await call.terminal.show(`Forgot the policy of ${agent}.`, { forgotten: agent });
  }
  const shown = await withPeer(call, (peer) => (isChange ? peer.post<ShownAgent>(path, change) : peer.get<ShownAgent>(path)));
  await call.terminal.show(describe(shown), shown);
}

async function list(call: Call): Promise<void> {
  const { agents } = await withPeer(call, (peer) => peer.get<{ readonly agents: readonly ShownAgent[] }>("/agents"));
  const none = "No agent has a policy of its own. To make one: hikyaku policy NAME --peers NAMES";
  await call.terminal.show(agents.length === 0 ? none : agents.map(describe).join("\n"), { agents });
}

const confirmations: Readonly<Record<AgentPolicy["confirm"], string>> = {
  "first-use": "a first use is approved by hikyaku approve, or by the agent's own client",
  owner: "a first use is approved by hikyaku approve alone",
  never: "nothing needs an approval",
};

function describe({ agent, isOwn, tasksToday, policy: set }: ShownAgent): string {
  const lines = [
    `${agent}${isOwn ? "" : " has no policy of its own; this one is for all"}`,
    `  peers: ${listed(set.peers)}`,
    `  capabilities: ${listed(set.capabilities)}`,
    `  at most ${set.messageBytesMax} bytes at once, ${set.callsPerMinute} calls a minute, ${set.tasksPerDay} tasks a day (${tasksToday} today)`,
    `  ${confirmations[set.confirm]} (${set.confirm})`,
  ];
  return lines.map(visible).join("\n");
}

const listed = (list: Listed): string => (list === "all" ? "all" : list.join(", ") || "none");
