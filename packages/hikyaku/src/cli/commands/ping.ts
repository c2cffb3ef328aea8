/** `hikyaku ping`: a sealed question and its sealed answer. */
import { type Call, segment, withPeer } from "../call.ts";

export interface PingOptions {
  readonly peer: string;
  readonly count: number;
  readonly timeoutMs?: number;
}

export async function ping(call: Call, { peer: name, count, ...patience }: PingOptions): Promise<void> {
  await withPeer(call, async (peer) => {
    for (let n = 1; n <= count; n += 1) {
      const { ms } = await peer.post<{ readonly ms: number }>(`/peers/${segment(name)}/ping`, patience);
      await call.terminal.show(`pong from ${name}: ${ms.toFixed(1)} ms`, { peer: name, n, ms });
    }
  });
}
