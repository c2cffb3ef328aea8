/** `hikyaku explain`: why a message did not arrive, or how it did. */

import { visible } from "../../text/visible.ts";
import { type Call, segment, withPeer } from "../call.ts";
import { shortTime } from "../terminal.ts";

interface Explanation {
  readonly id: string;
  readonly to: string;
  readonly name?: string;
  readonly type: string;
  readonly stage: string;
  readonly exp: number;
  readonly reason?: string;
  readonly events: readonly { readonly at: number; readonly kind: string; readonly detail?: string }[];
  readonly trouble?: { readonly at: number; readonly reason: string; readonly retryInMs: number };
}

export async function explain(call: Call, reference: string): Promise<void> {
  const found = await withPeer(call, (peer) => peer.get<Explanation>(`/messages/${segment(reference)}`));
  const { id, to, name = to, type, stage, exp, reason, events, trouble } = found;
  const head = `${id}  ${type} to ${name}: ${stage}${reason === undefined ? "" : ` (${reason})`}`;
  const lines = events.map(({ at, kind, detail }) => `  ${shortTime(at)}  ${kind}${detail === undefined ? "" : `  ${detail}`}`);
  const waits = trouble === undefined ? [] : [`  now: ${trouble.reason} Next try in ${Math.ceil(trouble.retryInMs / 1000)} s.`];
  const until = stage === "queued" || stage === "stored" ? [`  tried until ${shortTime(exp)}`] : [];
  const wayOut = stage === "expired" || stage === "refused" ? [`  hikyaku dead retry ${id}   or   hikyaku dead drop ${id}`] : [];
  await call.terminal.show([head, ...lines, ...waits, ...until, ...wayOut].map(visible).join("\n"), found);
}
