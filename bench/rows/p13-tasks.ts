/**
 * P13: tasks from one process to another and their outputs back, durable at both ends: a task is on the disk before its requester has it, before its worker begins it and before
 * its end is told, and all that goes between the two waits in an outbox. A task is four messages, the delegation and three events, so that is its floor: four rows, each inserted
 * and updated twice.
 */
import { atLeast } from "../goal.ts";
import { medianOf } from "../measure.ts";
import { TwoPeers } from "../process/two-peers.ts";
import type { Row } from "../row.ts";

const textLength = 256;
const inFlight = 256;
const rowsOfTask = 4;

export const row: Row = {
  id: "P13",
  name: "durable tasks with 256 bytes in and out, from delegate to result",
  unit: "tasks/s",
  goal: atLeast(0.45),
  async run({ batchedRowUs }, effort) {
    await using peers = await TwoPeers.start();
    await peers.listen("work");
    const taskUs = await medianOf(effort, () => peers.speak("delegate", { textLength, inFlight, forMs: effort.roundMs }));
    return { value: 1e6 / taskUs, floor: 1e6 / (rowsOfTask * batchedRowUs), peers: [] };
  },
};
