/** P2 over HTTP: a POST for each envelope, which waits for the answer of the one before. The floor is a POST beside the cryptography, with many in flight. */
import { atLeast } from "../goal.ts";
import type { Row } from "../row.ts";
import { oneWayUs, sideUs } from "./one-way.ts";

export const row: Row = {
  id: "P2-http",
  name: "messages of 1 KiB one way over HTTP, each in its envelope",
  unit: "messages/s",
  goal: atLeast(0.7),
  async run(floors, effort) {
    const messageUs = await oneWayUs(effort, { overHttp: true });
    const post = { name: "bare POST", value: 1e6 / floors.busyPostUs, lacks: "signature, encryption" };
    return { value: 1e6 / messageUs, floor: 1e6 / (sideUs(floors) + floors.busyPostUs), peers: [post] };
  },
};
