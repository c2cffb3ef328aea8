/**
 * P1: a question and its answer between two processes on an idle link. The smallest path with a body of 1 KiB: `peer.tell` there, and a handler that tells it back. Nothing
 * of it is durable; each way is sealed and signed. A ping would be less, but carries no body.
 */
import type { Floors } from "../floor/floors.ts";
import { atMost } from "../goal.ts";
import { medianOf } from "../measure.ts";
import { TwoPeers } from "../process/two-peers.ts";
import type { Row } from "../row.ts";

const textLength = 1024;

export const row: Row = {
  id: "P1",
  name: "question of 1 KiB told back over WebSocket, median",
  unit: "µs",
  goal: atMost(1.5),
  async run(floors, effort) {
    await using peers = await TwoPeers.start();
    await peers.listen("echo");
    const roundTripUs = await medianOf(effort, () => peers.speak("ask", { textLength, forMs: effort.roundMs }));
    const echo = { name: "bare WebSocket", value: floors.webSocketUs, lacks: "signature, encryption" };
    return { value: roundTripUs, floor: floorUs(floors), peers: [echo] };
  },
};

const floorUs = ({ signUs, verifyUs, webSocketUs }: Floors): number => 2 * signUs + 2 * verifyUs + webSocketUs;
