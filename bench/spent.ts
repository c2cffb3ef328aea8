/**
 * What a message, or a task, costs each side in processor time, which a busy machine does not change as it changes the rates: the work of P1 to P4 and P13, without their floors. Run
 * `node bench/spent.ts`, or with the ways of speaking that shall be measured: ask, apart, http, flood, send, task.
 */
import { setTimeout as pause } from "node:timers/promises";
import { median } from "./measure.ts";
import { type Company, TwoPeers } from "./process/two-peers.ts";

const warmUps = 3;
const rounds = 5;
const forMs = 1000;
const settleMs = 300;

interface Way {
  readonly company?: Company;
  readonly prepare: (peers: TwoPeers) => Promise<unknown>;
  readonly speak: (peers: TwoPeers) => Promise<unknown>;
  /** The listener's counter of what the work is divided by; messages unless told. */
  readonly counted?: string;
}

const ways: Readonly<Record<string, Way>> = {
  ask: {
    prepare: (peers) => peers.listen("echo"),
    speak: (peers) => peers.speak("ask", { textLength: 1024, forMs }),
  },
  apart: {
    prepare: (peers) => peers.listen("countWithCredit"),
    speak: (peers) => peers.speak("tellApart", { textLength: 1024, forMs }),
  },
  http: {
    company: { overHttp: true },
    prepare: (peers) => peers.listen("countWithCredit"),
    speak: (peers) => peers.speak("tellApart", { textLength: 1024, forMs }),
  },
  flood: {
    prepare: (peers) => peers.listen("count"),
    speak: (peers) => peers.speak("flood", { textLength: 256, forMs }),
  },
  send: {
    prepare: (peers) => peers.listen("read"),
    speak: (peers) => peers.speak("send", { textLength: 256, inFlight: 2048, forMs }),
  },
  task: {
    prepare: (peers) => peers.listen("work"),
    speak: (peers) => peers.speak("delegate", { textLength: 256, inFlight: 64, forMs }),
    counted: "task.submitted",
  },
};

console.log("processor time for each message, µs:");
for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(ways)) await measure(name);

async function measure(name: string): Promise<void> {
  const way = ways[name];
  if (way === undefined) throw new Error(`there is no way of speaking called ${name}; there are ${Object.keys(ways).join(", ")}`);
  await using peers = await TwoPeers.start(way.company);
  await way.prepare(peers);
  const [speakers, listeners]: [number[], number[]] = [[], []];
  for (let round = 0; round < warmUps + rounds; round += 1) {
    const before = await spentSoFar(peers, way.counted);
    await way.speak(peers);
    await pause(settleMs);
    const after = await spentSoFar(peers, way.counted);
    if (round < warmUps) continue;
    const count = after.count - before.count;
    speakers.push((after.speaker - before.speaker) / count);
    listeners.push((after.listener - before.listener) / count);
  }
  console.log(`${name.padEnd(6)} speaker ${median(speakers).toFixed(1)}, listener ${median(listeners).toFixed(1)}`);
}

interface Spent {
  readonly speaker: number;
  readonly listener: number;
  /** Messages, or tasks, that the listener had. */
  readonly count: number;
}

async function spentSoFar(peers: TwoPeers, counted = "received.message"): Promise<Spent> {
  const { listener: stats } = await peers.watch("stats");
  return { ...(await peers.watch("spent")), count: stats[counted] ?? 0 };
}
