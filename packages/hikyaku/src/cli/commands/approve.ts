/** `hikyaku approve`: what agents wait for, and the owner's word on it. */
import { HikyakuError, limits } from "@hikyaku/protocol";
import { visible } from "../../text/visible.ts";
import { type Call, segment, withPeer } from "../call.ts";
import { shortTime } from "../terminal.ts";

interface ShownApproval {
  readonly id: string;
  readonly agent: string;
  readonly kind: "send" | "delegate" | "wake";
  readonly peer: { readonly did: string; readonly name: string };
  readonly capability?: string;
  readonly state: string;
  readonly askedAt: number;
}

interface Waiting {
  readonly approvals: readonly ShownApproval[];
  readonly more: boolean;
}

export interface ApproveOptions {
  readonly id: string | undefined;
  readonly deny: boolean;
  readonly revoke: boolean;
}

export async function approve(call: Call, { id, deny, revoke }: ApproveOptions): Promise<void> {
  if (deny && revoke) throw new HikyakuError("INVALID_ARGUMENT", "Either --deny or --revoke: what is denied is not asked for anew.");
  if (id === undefined) {
    if (deny || revoke) throw new HikyakuError("INVALID_ARGUMENT", "Which one? hikyaku approve lists what waits.");
    return await list(call);
  }
  const path = `/approvals/${segment(id)}`;
  if (revoke) {
    await withPeer(call, (peer) => peer.delete(path));
    return await call.terminal.show(`Took back ${visible(id)}: it will be asked for anew.`, { revoked: id });
  }
  const decided = await withPeer(call, (peer) => peer.post<ShownApproval>(path, { decision: deny ? "deny" : "approve" }));
  const wayBack = `To take it back: hikyaku approve ${decided.id} --revoke`;
  await call.terminal.show(visible(`${deny ? "Denied" : "Approved"}: ${wish(decided)}. ${wayBack}`), decided);
}

async function list(call: Call): Promise<void> {
  const path = `/approvals?limit=${limits.inboxPageMax}`;
  const waiting = await withPeer(call, (peer) => peer.get<Waiting>(path));
  await call.terminal.show(waiting.approvals.length === 0 ? "Nothing waits for an approval." : describe(waiting), waiting);
}

function describe({ approvals, more }: Waiting): string {
  const lines = approvals.map((one) => `${one.id}  ${shortTime(one.askedAt)}  ${wish(one)}`);
  const rest = more ? [`These are the oldest ${approvals.length}; more wait, and show once some of these are decided.`] : [];
  return [...lines, ...rest, "Each: hikyaku approve ID, or hikyaku approve ID --deny"].map(visible).join("\n");
}

function wish({ agent, kind, peer, capability }: ShownApproval): string {
  if (kind === "delegate") return `${agent} may delegate ${JSON.stringify(capability)} to ${peer.name}`;
  return kind === "wake" ? `${agent} may wake ${peer.name} up` : `${agent} may send messages to ${peer.name}`;
}
