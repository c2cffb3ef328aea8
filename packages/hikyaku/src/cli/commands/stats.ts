/** `hikyaku stats`: how often what happened since the start, and how full every table is. */
import { type Call, withPeer } from "../call.ts";

interface Stats {
  readonly counters: Readonly<Record<string, number>>;
  readonly sizes: Readonly<Record<string, { readonly held: number; readonly most: number }>>;
}

export async function stats(call: Call): Promise<void> {
  const { counters, sizes } = await withPeer(call, (peer) => peer.get<Stats>("/stats"));
  const counted = Object.entries(counters).map(([name, count]) => `${String(count).padStart(8)}  ${name}`);
  const held = Object.entries(sizes).map(([name, { held: now, most }]) => `${String(now).padStart(8)}  ${name}, of at most ${most}`);
  await call.terminal.show([...counted, ...(counted.length === 0 ? ["Nothing has happened yet."] : []), ...held].join("\n"), {
    counters,
    sizes,
  });
}
