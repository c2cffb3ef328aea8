/** 20: streams that say nothing, only ping, come in crumbs, speak no frames, or stop to read: each is ended in its time, costs bounded memory, and friends get through. */
import { setTimeout as pause } from "node:timers/promises";
import { encodeBundle, encodeUtf8, limits } from "@hikyaku/protocol";
import { RawSocket } from "../raw-socket.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";
import { Wire } from "../wire.ts";

export const stalledStreams: Attack = { name: "streams that stall, flood or never prove themselves", isPatient: true, run };

const atOnceMs = 5000;
/** The node looks every thirty seconds; and some patience for a busy machine. */
const unprovenMsMax = limits.streamUnprovenMsMax + limits.heartbeatIntervalMs + 10_000;
const stallMsMax = limits.streamStallMsMax + 30_000;
const memoryBytesMax = 64 * 1024 * 1024;
const floodBytesMax = 200_000;
const floodMsMax = 12_000;
/** Their answers fill what the system keeps between two sockets of this machine. */
const floodFramesMax = 3000;
const questionsPerFrame = 250;

async function run(scene: Scene): Promise<Outcome> {
  const { target, expect } = scene;
  await refusedCalls(scene);
  using idle = await Wire.call(target, "127.0.31.1");
  const idling = idle.ending(unprovenMsMax);
  await endedAtOnce(scene);
  using first = await Wire.connect(await scene.newcomer(), target);
  using second = await Wire.connect(await scene.newcomer(), target);
  await scene.rebase();
  // What a first flood makes the node's memory grow by is what it works with; what is not given back, a second one adds to.
  const warming = await flood(first);
  const memoryBefore = target.residentBytes();
  const pings = warming + (await flood(second));
  const delivered = await scene.talkMeanwhile();
  const grownBytes = target.residentBytes() - memoryBefore;
  expect(`memory grown by less than ${memoryBytesMax} bytes`, grownBytes < memoryBytesMax ? "yes" : grownBytes, "yes");
  const [unproven] = await Promise.all([idling, stallEnds(scene)]);
  const counters = await target.counters();
  const taken = (counters["received.ping"] ?? 0) - (scene.before.counters["received.ping"] ?? 0);
  expect("pings that were taken of those that were sent", taken > 0 && taken <= pings ? "some" : taken, "some");
  return {
    seen: `the silent one ended after ${(unproven.afterMs / 1000).toFixed(1)} s, the deaf one after ${taken} pings, memory ${(grownBytes / 2 ** 20).toFixed(1)} MiB`,
    rises: { "received.message": 1, "message.stored": 1, "received.ping": taken },
    delivered: [delivered],
    peersMayDiffer: true,
  };
}

/** A page in a browser, and callers for something else, get a constant answer. */
async function refusedCalls({ target, expect }: Scene): Promise<void> {
  const calls = [
    { what: "a call with an Origin", headers: "Origin: http://evil.example\r\nSec-WebSocket-Protocol: pcp.v1\r\n" },
    { what: "a call for another protocol", headers: "Sec-WebSocket-Protocol: chat\r\n" },
    { what: "a call for none", headers: "" },
  ];
  for (const { what, headers } of calls) {
    using socket = new RawSocket({ port: target.port, from: "127.0.32.1" });
    socket.say(
      `GET /ws HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${btoa("0123456789abcdef")}\r\n${headers}\r\n`,
    );
    expect(what, (await socket.ending(atOnceMs)).text.slice(0, 12), "HTTP/1.1 400");
  }
}

async function endedAtOnce({ target, expect }: Scene): Promise<void> {
  const cases = [
    { what: "pings without end", code: 1000, say: (wire: Wire) => repeat(limits.streamPingsMax + 1, () => wire.socket.ping()) },
    { what: "a text that is no JSON", code: 1007, say: (wire: Wire) => wire.socket.send("hello") },
    { what: "an empty binary message", code: 1007, say: (wire: Wire) => wire.socket.send(new Uint8Array()) },
    {
      what: "a message in more crumbs than may be",
      code: 1008,
      say: (wire: Wire) => repeat(limits.streamFragmentsMax + 1, () => wire.socket.send(Uint8Array.of(0x8a), { fin: false })),
    },
  ];
  for (const { what, code, say } of cases) {
    using wire = await Wire.call(target, "127.0.33.1");
    say(wire);
    expect(`the end of ${what}`, (await wire.ending(atOnceMs)).code, code);
  }
}

const repeat = (count: number, act: () => void): void => {
  for (let n = 0; n < count; n += 1) act();
};

/** A proven peer asks and asks, many questions in each frame, and reads no answer, until there is no room left between. How many it asked. */
async function flood(wire: Wire): Promise<number> {
  wire.socket.pause();
  let frames = 0;
  const until = performance.now() + floodMsMax;
  const questions = encodeBundle(
    Array.from({ length: questionsPerFrame }, (_, at) => ({
      msgType: "ping" as const,
      body: encodeUtf8(JSON.stringify({ n: Number.MAX_SAFE_INTEGER - at })),
    })),
  );
  while (performance.now() < until && frames < floodFramesMax) {
    if (wire.socket.bufferedAmount > floodBytesMax) await pause(20);
    else {
      wire.say("bundle", questions);
      frames += 1;
    }
    if (frames % 20 === 0) await pause(0);
  }
  return frames * questionsPerFrame;
}

/** Where the answers filled what fits between, the node cuts the stream; the sizes tell. */
async function stallEnds({ target, expect }: Scene): Promise<void> {
  const until = performance.now() + stallMsMax;
  let held = Number.NaN;
  while (performance.now() < until) {
    held = ((await target.ask("GET", "/stats")) as { readonly sizes: { readonly streams: { readonly held: number } } }).sizes.streams.held;
    if (held === 0) return;
    await pause(1000);
  }
  expect("streams that are still up in the end", held, 0);
}
