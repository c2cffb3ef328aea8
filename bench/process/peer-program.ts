/** A whole peer in a process of its own, as a program that embeds `hikyaku` runs it. It sends and measures when it is told to. */
import { createPeer, type Peer } from "hikyaku";
import { elapsedTime } from "../measure.ts";
import { type Flight, keepInFlight } from "./in-flight.ts";
import { answerQuestions } from "./questions.ts";

export interface Resident {
  readonly did: string;
  readonly addresses: readonly string[];
}

export interface Acquaintance extends Resident {
  readonly name: string;
}

export interface Sending extends Flight {
  /** The name of the recipient. */
  readonly to: string;
  readonly textLength: number;
}

let peer: Peer | undefined;

async function open(folder: string): Promise<Resident> {
  peer = await createPeer({ folder, listen: "127.0.0.1:0" });
  return { did: peer.did, addresses: peer.addresses };
}

async function trust({ did, name, addresses }: Acquaintance): Promise<void> {
  await running().trust({ peer: did, name, level: "trusted", allow: ["message"], addresses });
}

/** Messages until the time is up, each waiting for its receipt. Resolves with the microseconds that one took, all in all. */
async function send({ to, textLength, ...flight }: Sending): Promise<number> {
  const sender = running();
  const text = "x".repeat(textLength);
  const elapsed = elapsedTime();
  const count = await keepInFlight(flight, () => sender.send(to, "message", { text }));
  return elapsed() / count;
}

function running(): Peer {
  if (peer === undefined) throw new Error("this peer has not been opened");
  return peer;
}

answerQuestions({ open, trust, send }, async () => await peer?.close());
