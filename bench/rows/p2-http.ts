/**
 * P2 over HTTP: messages of 1 KiB from one process to another. What the program can send today is more than one way: each message is committed at the
 * recipient before the answer of its POST brings a sealed receipt, so that both sides sign once and verify once. The floor has none of that.
 */
import type { Floors } from "../floor/floors.ts";
import { inFlight } from "../floor/round-trips.ts";
import { atLeast } from "../goal.ts";
import { medianOf } from "../measure.ts";
import { TwoPeers } from "../process/two-peers.ts";
import type { Row } from "../row.ts";

const textLength = 1024;

export const row: Row = {
  id: "P2-http",
  name: "messages of 1 KiB over HTTP, each with a durable receipt",
  unit: "messages/s",
  goal: atLeast(0.7),
  async run(floors, effort) {
    await using peers = await TwoPeers.start();
    const messageUs = await medianOf(effort, () => peers.send({ inFlight, forMs: effort.roundMs, textLength }));
    const post = { name: "bare POST", value: 1e6 / floors.busyPostUs, lacks: "signature, encryption, durability, receipt" };
    return { value: 1e6 / messageUs, floor: 1e6 / floorUs(floors), peers: [post] };
  },
};

/** The side that has more to do, and the POST. */
const floorUs = ({ signUs, verifyUs, aesGcmUs, busyPostUs }: Floors): number => Math.max(signUs, verifyUs) + aesGcmUs.kib1 + busyPostUs;
