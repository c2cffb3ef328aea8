/** 7: one network floods the node with first messages: junk, forged signatures, one known key, ever fresh keys. Memory stays, and a pinned peer gets through. */
import { type Bytes, encodeEnvelope } from "@hikyaku/protocol";
import { countOf } from "../answers.ts";
import { dice, Puppet } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import { type Answer, Crowd } from "../source.ts";
import type { Attack, Outcome, Rises } from "../trial.ts";

export const floodOfOffers: Attack = { name: "a flood of first messages", run };

const floodMs = 2500;
const floodersCount = 48;
const framesEach = 600;
const rateMin = 1000;
const growthBytesMax = 64 * 2 ** 20;
const connectMsMax = 2000;
/** What one prefix may send at once and in the time of a flood (LIM-2), with some room; all beyond must be turned away before it costs anything. */
const letThroughMax = 300 + 200;

interface Flood {
  readonly what: string;
  readonly frames: readonly Bytes[];
}

async function run(scene: Scene): Promise<Outcome> {
  const { target } = scene;
  const mallory = await scene.newcomer();
  const honest = await Promise.all([0, 1, 2, 3].map(() => scene.newcomer()));
  await scene.rebase();
  const before = target.residentBytes();
  const heap = { most: before };
  const watch = setInterval(() => {
    heap.most = Math.max(heap.most, target.residentBytes());
  }, 50);
  const answers: Answer[] = [];
  const told: string[] = [];
  for (const [at, flood] of floodsOn(scene, mallory).entries()) {
    const friend = honest[at];
    // Each from a network of its own, where the first one has not used up what a network may send.
    using flooders = new Crowd(Array.from({ length: floodersCount }, (_, from) => `127.0.${at === 0 ? 1 : 10 + at}.${from + 1}`));
    const [got, connectMs] = await Promise.all([
      flooders.flood(target.port, flood.frames, floodMs),
      friend && connectDuring(scene, friend),
    ]);
    const rate = Math.round((got.length * 1000) / floodMs);
    scene.expect(`the flood of ${flood.what} is one`, rate >= rateMin ? "yes" : `${rate}/s`, "yes");
    const through = got.filter(({ status }) => status !== 429 && status !== 503).length;
    scene.expect(`of ${got.length} ${flood.what} few are looked at`, through <= letThroughMax ? "yes" : through, "yes");
    answers.push(...got);
    told.push(`${flood.what} ${rate}/s, peer in ${connectMs?.toFixed(0)} ms`);
  }
  clearInterval(watch);
  const growth = heap.most - before;
  scene.expect("memory grew by less than 64 MiB", growth < growthBytesMax ? "yes" : `${growth / 2 ** 20} MiB`, "yes");
  return {
    seen: `${told.join("; ")}; memory +${(growth / 2 ** 20).toFixed(0)} MiB`,
    rises: { ...risesOf(answers), "session.established": honest.length },
    peersMayDiffer: true,
  };
}

function floodsOn({ target, puppet }: Scene, mallory: Puppet): readonly Flood[] {
  const frames = (make: () => Bytes): readonly Bytes[] => Array.from({ length: framesEach }, make);
  const nobody = new Puppet(puppet.source);
  const forged = () => ({ ...nobody.offer(target.did).m1, signature: dice(64) });
  return [
    { what: "junk", frames: frames(() => dice(600)) },
    { what: "forged signatures", frames: frames(() => encodeEnvelope(forged())) },
    { what: "offers of one known key", frames: frames(() => encodeEnvelope(mallory.offer(target.did).m1)) },
    { what: "offers of fresh keys", frames: frames(() => encodeEnvelope(new Puppet(puppet.source).offer(target.did).m1)) },
  ];
}

/** How long a whole handshake of a pinned peer takes in the middle of it. */
async function connectDuring({ target, expect }: Scene, friend: Puppet): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, floodMs / 3));
  const beganAt = performance.now();
  await friend.connect(target);
  const ms = performance.now() - beganAt;
  expect("a pinned peer connects during the flood", ms <= connectMsMax ? "yes" : `${ms} ms`, "yes");
  return ms;
}

/** What the flooders were told is exactly what the node counted. */
function risesOf(answers: readonly Answer[]): Rises {
  const codes = answers.flatMap(({ text }) => /"code":"(\w+)"/.exec(text)?.[1] ?? []);
  return countOf(codes.map((code) => `refused.${code}`));
}
