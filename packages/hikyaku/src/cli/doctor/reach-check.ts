/** Whether a pinned peer can be reached. The peer that is up is asked to ping it, so that the way taken is the one that messages take. */
import { type ErrorCode, HikyakuError } from "@hikyaku/protocol";
import { segment } from "../call.ts";
import type { ControlClient } from "../control-client.ts";
import { bad, type Finding, good, skipped } from "./finding.ts";
import { questionMsMax } from "./health-question.ts";

export interface ReachPeer {
  readonly did: string;
  readonly name: string;
  readonly level: string;
  readonly addresses: readonly string[];
}

export async function checkReach(running: Pick<ControlClient, "post">, { did, name: peer, level, addresses }: ReachPeer): Promise<Finding> {
  const name = `peer ${peer}`;
  if (level === "blocked") return skipped(name, "It is blocked here.");
  if (addresses.length === 0) return skipped(name, "No address is known for it: it can only call.");
  try {
    const { ms } = await running.post<{ readonly ms: number }>(`/peers/${segment(did)}/ping`, { timeoutMs: questionMsMax });
    return good(name, `It answered in ${Math.round(ms)} ms.`);
  } catch (error) {
    if (!(error instanceof HikyakuError)) throw error;
    return bad(name, error.message, (waysOut[error.code] ?? askItsOwner)(peer));
  }
}

const findIt = (peer: string): string => `See that it is up and where it is; \`hikyaku trust ${peer} --at http://host:port\` says so here.`;
const askItsOwner = (peer: string): string =>
  `It answers but takes nothing from this peer: ask its owner what \`hikyaku peers\` says there, or pair with ${peer} anew.`;

const waysOut: Partial<Record<ErrorCode, (peer: string) => string>> = {
  UNREACHABLE: findIt,
  TIMED_OUT: findIt,
  CLOCK_SKEW: () => "Set the clocks of both machines by the network's time.",
  RATE_LIMITED: () => "Try again in a minute.",
  OVERLOADED: () => "Try again in a minute.",
};
