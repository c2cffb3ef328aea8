/** `hikyaku audit`: what agents did, what they were refused, and who allowed it. */
import { visible } from "../../text/visible.ts";
import { type Call, withPeer } from "../call.ts";
import { shortTime } from "../terminal.ts";

interface ShownEntry {
  readonly position: number;
  readonly at: number;
  readonly agent: string;
  readonly action: string;
  readonly peer?: { readonly did: string; readonly name: string };
  readonly capability?: string;
  readonly bytes?: number;
  readonly verdict: string;
  readonly code?: string;
  readonly by?: string;
  readonly ref?: string;
  readonly marked?: string;
}

export interface AuditOptions {
  readonly agent: string | undefined;
  readonly after: number | undefined;
  readonly limit: number;
}

export async function audit(call: Call, { agent, after, limit }: AuditOptions): Promise<void> {
  const query = new URLSearchParams({
    limit: String(limit),
    ...(agent === undefined ? {} : { agent }),
    ...(after === undefined ? {} : { after: String(after) }),
  });
  const { entries } = await withPeer(call, (peer) => peer.get<{ readonly entries: readonly ShownEntry[] }>(`/audit?${query.toString()}`));
  await call.terminal.show(entries.length === 0 ? "No agent did anything yet." : entries.map(line).join("\n"), { entries });
}

function line({ at, agent, action, peer, capability, bytes, verdict, code, by, ref, marked }: ShownEntry): string {
  const parts = [
    shortTime(at),
    agent,
    [action, capability === undefined ? undefined : JSON.stringify(capability), peer?.name].filter((part) => part !== undefined).join(" "),
    bytes === undefined ? undefined : `${bytes} bytes`,
    [verdict, by === undefined ? undefined : `by the ${by}`, code].filter((part) => part !== undefined).join(" "),
    ref,
    marked,
  ];
  return visible(parts.filter((part) => part !== undefined).join("  "));
}
