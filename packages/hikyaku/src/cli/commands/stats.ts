/** `hikyaku stats`: how often what happened since the start. */
import { type Call, withPeer } from "../call.ts";

export async function stats(call: Call): Promise<void> {
  const { counters } = await withPeer(call, (peer) => peer.get<{ readonly counters: Readonly<Record<string, number>> }>("/stats"));
  const lines = Object.entries(counters).map(([name, count]) => `${String(count).padStart(8)}  ${name}`);
  await call.terminal.show(lines.length === 0 ? "Nothing has happened yet." : lines.join("\n"), { counters });
}
