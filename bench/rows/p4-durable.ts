/**
 * P4: small messages by `peer.send`, durable at both ends, each resolved by the receipt that it was handled. The recipient's agent reads its inbox page by page and
 * acknowledges each page; so every message is inserted and updated twice at its sender, and inserted and updated once at its recipient.
 */
import { atLeast } from "../goal.ts";
import { medianOf } from "../measure.ts";
import { TwoPeers } from "../process/two-peers.ts";
import type { Row } from "../row.ts";

const textLength = 256;
/** Sends under way at once; a peer allows 4096. */
const inFlight = 2048;
/** A round begins with nothing under way and ends when all is back: it has to be long beside the third of a second that so many take. */
const roundsAsOne = 4;

export const row: Row = {
  id: "P4",
  name: "durable messages of 256 bytes, every receipt returned",
  unit: "messages/s",
  goal: atLeast(0.45),
  async run({ batchedRowUs }, effort) {
    await using peers = await TwoPeers.start();
    await peers.listen("read");
    const forMs = roundsAsOne * effort.roundMs;
    const messageUs = await medianOf(effort, () => peers.speak("send", { textLength, inFlight, forMs }));
    await peers.listen("stopReading");
    return { value: 1e6 / messageUs, floor: 1e6 / batchedRowUs, peers: [] };
  },
};
