/** A whole peer in a process of its own, as a program that embeds `hikyaku` runs it. It speaks, listens and measures when it is told to. */
import { createPeer, type Peer } from "hikyaku";
import { agentOf, watchOf } from "./agent.ts";
import { startHttpPeer } from "./http-peer.ts";
import { answerQuestions } from "./questions.ts";
import { speakerOf } from "./speaker.ts";

export interface Opening {
  readonly folder: string;
  /** Whether a link is kept up although nothing waits. */
  readonly keepLinks: boolean;
  /** Whether frames go by POST instead of over a WebSocket. */
  readonly overHttp: boolean;
}

export interface Resident {
  readonly did: string;
  readonly addresses: readonly string[];
}

export interface Acquaintance extends Resident {
  readonly name: string;
}

let peer: Peer | undefined;

async function open({ overHttp, ...settings }: Opening): Promise<Resident> {
  peer = overHttp ? await startHttpPeer(settings) : await createPeer({ ...settings, listen: "127.0.0.1:0" });
  return { did: peer.did, addresses: peer.addresses };
}

/** Ends every session and connection; `open` begins anew, with the same identity. */
async function close(): Promise<void> {
  await peer?.close();
  peer = undefined;
}

async function trust({ did, name, addresses }: Acquaintance): Promise<void> {
  await running().trust({ peer: did, name, level: "trusted", allow: ["message", "task_delegate"], addresses });
}

function running(): Peer {
  if (peer === undefined) throw new Error("this peer has not been opened");
  return peer;
}

answerQuestions({ open, close, trust, ...agentOf(running), ...speakerOf(running), ...watchOf(running) }, close);
