/** P2 over a WebSocket: binary frames, without bundles, because a message is told only once the one before is on its way. */
import { atLeast } from "../goal.ts";
import type { Row } from "../row.ts";
import { oneWayUs, sideUs } from "./one-way.ts";

export const row: Row = {
  id: "P2-socket",
  name: "messages of 1 KiB one way over WebSocket, each in its envelope",
  unit: "messages/s",
  goal: atLeast(0.7),
  async run(floors, effort) {
    return { value: 1e6 / (await oneWayUs(effort, {})), floor: 1e6 / sideUs(floors), peers: [] };
  },
};
