/** Saying of messages that they were read or handled: what was unread is out of sight then, and the senders get receipts. */
import { limits } from "@hikyaku/protocol";
import type { Addressee } from "./deed.ts";

/** Messages of one peer. */
interface Marks {
  readonly to: Addressee;
  readonly ids: readonly string[];
}

export interface Marking {
  readonly kind: "mark";
  readonly stage: "read" | "handled";
  readonly marks: readonly Marks[];
}

/** How many of whom, with the first ids of the first peers, for the list of what agents did. Who is nobody goes without the agent's word for it. */
export function wordsOn({ stage, marks }: Marking): string {
  const named = marks.slice(0, limits.auditedMarkPeersMax).map(({ to, ids }) => `${ids.length} of ${to.did ?? "nobody"}: ${someOf(ids)}`);
  const more = marks.length > named.length ? [`and ${marks.length - named.length} more peers`] : [];
  return `${stage} ${[...named, ...more].join("; ")}`;
}

function someOf(ids: readonly string[]): string {
  const some = ids.slice(0, limits.auditedMarkIdsMax).join(", ");
  return ids.length > limits.auditedMarkIdsMax ? `${some}, …` : some;
}
