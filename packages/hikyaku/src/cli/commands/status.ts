/** `hikyaku status`: whether a peer is heard, and what it said of how it is. */

import { visible } from "../../text/visible.ts";
import { type Call, segment, withPeer } from "../call.ts";
import { shortTime } from "../terminal.ts";
import { type Sight, saying } from "../watched-peer.ts";

export interface StatusOptions {
  readonly peer: string;
  readonly limit: number;
}

export async function status(call: Call, { peer: name, limit }: StatusOptions): Promise<void> {
  const sight = await withPeer(call, (peer) => peer.get<Sight>(`/peers/${segment(name)}/status?limit=${limit}`));
  const heard = sight.heardAt === undefined ? "" : `, last heard ${shortTime(sight.heardAt)}`;
  const lines = sight.reports.map((report) => `${shortTime(report.receivedAt)}  ${saying(report)}`);
  const said = lines.length === 0 ? ["It has not said how it is."] : lines;
  await call.terminal.show([`${sight.name} is ${sight.health}${heard}`, ...said].map(visible).join("\n"), sight);
}
