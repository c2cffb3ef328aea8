/**
 * P3: as many small messages as the link carries, by `peer.tell`: bundled, sealed, signed, not durable. Counted is what the recipient's handler had, from the first telling to
 * the last handling. A recipient may drop what nobody keeps when it cannot keep up; a row that lost messages did not measure what it says, so it fails.
 */
import { setTimeout as pause } from "node:timers/promises";
import { atLeastTimes } from "../goal.ts";
import { medianOf } from "../measure.ts";
import { TwoPeers } from "../process/two-peers.ts";
import type { Row } from "../row.ts";

const textLength = 256;
const quietMsMax = 10_000;

export const row: Row = {
  id: "P3",
  name: "messages of 256 bytes on a saturated WebSocket, not durable",
  unit: "messages/s",
  goal: atLeastTimes(13),
  async run({ verifyUs }, effort) {
    await using peers = await TwoPeers.start();
    await peers.listen("count");
    const messageUs = await medianOf(effort, () => flood(peers, effort.roundMs));
    return { value: 1e6 / messageUs, floor: 1e6 / verifyUs, peers: [] };
  },
};

/** Microseconds for each message. */
async function flood(peers: TwoPeers, forMs: number): Promise<number> {
  const { count: before } = await peers.listen("heard");
  const { count, beganAtUs } = await peers.speak("flood", { textLength, forMs });
  const lastAtUs = await untilHeard(peers, before + count);
  return (lastAtUs - beganAtUs) / count;
}

async function untilHeard(peers: TwoPeers, wanted: number): Promise<number> {
  const until = performance.now() + quietMsMax;
  for (;;) {
    const { count, lastAtUs } = await peers.listen("heard");
    if (count === wanted) return lastAtUs;
    if (performance.now() > until) throw new Error(`${wanted - count} messages were told and never handled`);
    await pause(5);
  }
}
