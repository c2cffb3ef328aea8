/**
 * P13: tasks from one process to another and their outputs back, durable at both ends: a task is on the disk before its requester has it, before its worker begins it and before
 * its end is told, and all that goes between the two waits in an outbox. A task is four messages, the delegation and three events, so that is its floor: four rows, each inserted
 * and updated twice.
 */

import type { Effort } from "../effort.ts";
import { atLeast } from "../goal.ts";
import { medianOf } from "../measure.ts";
import { Helper } from "../process/helper.ts";
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
    const taskUs = await measureOurs(effort);
    const a2a = {
      name: "A2A JavaScript SDK, JSON-RPC over HTTP",
      value: 1e6 / (await measureA2a(effort)),
      lacks: "durability, signature, encryption",
    };
    return { value: 1e6 / taskUs, floor: 1e6 / (rowsOfTask * batchedRowUs), peers: [a2a] };
  },
};

async function measureOurs(effort: Effort): Promise<number> {
  await using peers = await TwoPeers.start();
  await peers.listen("work");
  return await medianOf(effort, () => peers.speak("delegate", { textLength, inFlight, forMs: effort.roundMs }));
}

async function measureA2a(effort: Effort): Promise<number> {
  const program = new URL("../process/a2a-program.ts", import.meta.url);
  await using server = new Helper(program);
  await using client = new Helper(program);
  const { port } = await server.ask<{ readonly port: number }>("listen");
  return await medianOf(effort, () => client.ask<number>("delegate", { port, textLength, inFlight, forMs: effort.roundMs }));
}
