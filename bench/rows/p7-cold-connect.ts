/**
 * P7: from `peer.tell` at a peer that has neither session nor connection to the handler at the other side, over a road that takes 30 ms each way: a program on loopback that
 * passes bytes on late (process/delay-program.ts), also while a connection is opened. No real network: TCP's slow start, loss and jitter are not in it. The road alone takes
 * three and a half round trips: TCP, the WebSocket's upgrade, M1 and M2, and M3 with the message behind it.
 */
import { setTimeout as pause } from "node:timers/promises";
import { atMost } from "../goal.ts";
import { medianOf } from "../measure.ts";
import { Helper } from "../process/helper.ts";
import { TwoPeers } from "../process/two-peers.ts";
import type { Row } from "../row.ts";

const oneWayMs = 30;
const roundTripMs = 2 * oneWayMs;
const roundTripsMin = 3.5;
const textLength = 1024;
const heardMsMax = 5000;

export const row: Row = {
  id: "P7",
  name: "cold connect to first message handled, 30 ms each way on a delaying relay",
  unit: "ms",
  goal: atMost(3.6),
  async run(_floors, effort) {
    await using road = new Helper(new URL("../process/delay-program.ts", import.meta.url));
    const by = async (address: string): Promise<string> => {
      const { port } = await road.ask<{ readonly port: number }>("build", { port: Number(new URL(address).port), oneWayMs });
      return `http://127.0.0.1:${port}`;
    };
    await using peers = await TwoPeers.start({ by });
    await peers.listen("count");
    const connectMs = await medianOf(effort, () => connect(peers));
    if (connectMs < roundTripsMin * roundTripMs) throw new Error(`${connectMs} ms are less than the road alone takes`);
    return { value: connectMs, floor: roundTripMs, peers: [] };
  },
};

async function connect(peers: TwoPeers): Promise<number> {
  await peers.restartSpeaker();
  const { count: before } = await peers.listen("heard");
  const { beganAtUs } = await peers.speak("tellOnce", { textLength });
  for (const until = performance.now() + heardMsMax; performance.now() < until; await pause(20)) {
    const { count, lastAtUs } = await peers.listen("heard");
    if (count > before) return (lastAtUs - beganAtUs) / 1000;
  }
  throw new Error("the first message was not handled");
}
