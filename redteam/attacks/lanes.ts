/** 19: orders and floors that jump, go back, or make no sense, and more lanes than a sender may have: bounded work, bounded room, and nobody else pays for it. */
import { type Bytes, encodeUtf8, newMessageId } from "@hikyaku/protocol";
import { asRises, countOf } from "../answers.ts";
import { dice, letterBody } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";
import { type Heard, Wire } from "../wire.ts";

export const lanesAtExtremes: Attack = { name: "orders, floors and lanes at every extreme", run };

const lanesMax = 16;
const waitingMax = 256;
const largest = Number.MAX_SAFE_INTEGER;
const roundMsMax = 15_000;

const laneOf = (n: number): string => `${n.toString(16).padStart(16, "0")}/normal`;

interface Placed {
  readonly id: string;
  readonly plaintext: Bytes;
}

function placed(fields: object): Placed {
  const id = newMessageId(Date.now(), dice(10));
  return { id, plaintext: letterBody(id, "placed", fields) };
}

const senseless: readonly object[] = [
  { lane: laneOf(1) },
  { order: 1, floor: 1 },
  { lane: laneOf(1), order: 1 },
  { lane: laneOf(1), order: 0, floor: 0 },
  { lane: laneOf(1), order: -1, floor: 1 },
  { lane: laneOf(1), order: 1, floor: 2 },
  { lane: laneOf(1), order: 1.5, floor: 1 },
  { lane: laneOf(1), order: largest + 1, floor: 1 },
  { lane: laneOf(1), order: "1", floor: 1 },
  { lane: "__proto__", order: 1, floor: 1 },
  { lane: "0000000000000001/urgent", order: 1, floor: 1 },
  { lane: `${laneOf(1)}\n`, order: 1, floor: 1 },
];

async function run(scene: Scene): Promise<Outcome> {
  const { target, expect } = scene;
  using wire = await Wire.connect(await scene.newcomer(), target);
  await scene.rebase();
  const beganAt = performance.now();
  for (const fields of senseless) wire.say("message", placed(fields).plaintext);
  await wire.settled();
  expect("the answers to places without sense", wire.heard.filter(({ type }) => type === "error").length, senseless.length);

  const jumping = await jump(scene, wire);
  const ahead = await crowd(scene, wire);
  const lanes = await openLanes(scene, wire, 2);
  const ms = performance.now() - beganAt;
  expect(`all of it within ${roundMsMax} ms`, ms <= roundMsMax ? "yes" : ms, "yes");

  const delivered = [...jumping.stored, ...ahead.stored, ...lanes.stored];
  return {
    seen: `${senseless.length} places without sense, jumps to 2^53, ${ahead.refused} too far ahead, lane ${lanesMax + 1} refused, in ${Math.round(ms)} ms`,
    rises: {
      ...asRises([...senseless.map(() => "INVALID_PAYLOAD"), "QUOTA_EXCEEDED"]),
      "received.message": delivered.length + jumping.outdated + ahead.refused + 1,
      "message.stored": delivered.length,
      "message.outdated": jumping.outdated,
      "message.ahead": ahead.refused,
      "message.full": 1,
      "received.receipt_query": 1,
      "lane.skipped": 1,
      "received.capability_query": 4,
    },
    delivered,
    peersMayDiffer: true,
  };
}

const isFull = ({ type, body }: Heard): boolean => type === "error" && (body as { readonly code: string }).code === "QUOTA_EXCEEDED";

/** The ids with which a receipt of this stage came. */
const receipted = (wire: Wire, stage: string): readonly string[] =>
  wire.heard
    .filter(({ type, body }) => type === "receipt" && (body as { readonly stage: string }).stage === stage)
    .flatMap(({ body }) => (body as { readonly ids: readonly string[] }).ids);

const isReceiptOf = (id: string, { type, body }: Heard): boolean =>
  type === "receipt" && (body as { readonly ids: readonly string[] }).ids.includes(id);

const untilReceipted = async (wire: Wire, id: string): Promise<void> => void (await wire.until((heard) => isReceiptOf(id, heard)));

/** Far up, further, and back: what is behind a floor that was stated once is outdated, whatever floor it states itself. */
async function jump({ expect }: Scene, wire: Wire): Promise<{ readonly stored: readonly string[]; readonly outdated: number }> {
  const lane = laneOf(1);
  const steps = [
    { fields: { lane, order: 2 ** 40, floor: 1 }, isStored: true },
    { fields: { lane, order: 2 ** 52, floor: 2 ** 52 }, isStored: true },
    { fields: { lane, order: largest, floor: largest }, isStored: true },
    { fields: { lane, order: largest, floor: 1 }, isStored: false },
    { fields: { lane, order: 2 ** 52 + 1, floor: 1 }, isStored: false },
    { fields: { lane, order: 1, floor: 1 }, isStored: false },
  ].map(({ fields, isStored }) => ({ isStored, letter: placed(fields) }));
  for (const { letter } of steps) {
    wire.say("message", letter.plaintext);
    await untilReceipted(wire, letter.id);
  }
  const stored = steps.filter(({ isStored }) => isStored).map(({ letter }) => letter.id);
  const refused = steps.filter(({ isStored }) => !isStored).map(({ letter }) => letter.id);
  expect("the jumps that were stored", receipted(wire, "stored").toSorted(), stored.toSorted());
  expect("the jumps that were refused", receipted(wire, "refused").toSorted(), refused.toSorted());
  return { stored, outdated: refused.length };
}

/** More behind one missing order than may wait there. */
async function crowd({ expect }: Scene, wire: Wire): Promise<{ readonly stored: readonly string[]; readonly refused: number }> {
  const lane = laneOf(2);
  const beyond = 8;
  const letters = Array.from({ length: waitingMax + beyond }, (_, at) => placed({ lane, order: at + 2, floor: 1 }));
  for (const { plaintext } of letters) wire.say("message", plaintext);
  const stored = letters.slice(0, waitingMax).map(({ id }) => id);
  for (const id of stored.slice(-1)) await untilReceipted(wire, id);
  await wire.settled();
  const known = new Set(receipted(wire, "stored"));
  expect("who waits behind a missing order", countOf(letters.map(({ id }) => (known.has(id) ? "waits" : "ahead"))), {
    waits: waitingMax,
    ahead: beyond,
  });
  // A floor that is stated without a message ends their waiting; one that goes back, or is of a lane that nobody knows, changes nothing.
  const lanes = [
    { lane, floor: Number.MAX_SAFE_INTEGER },
    { lane, floor: 1 },
    { lane: laneOf(99), floor: 5 },
  ];
  wire.say("receipt_query", encodeUtf8(JSON.stringify({ ids: stored.slice(0, 1), lanes })));
  await wire.settled();
  return { stored, refused: beyond };
}

/** All lanes that are left, and one more. */
async function openLanes({ expect }: Scene, wire: Wire, open: number): Promise<{ readonly stored: readonly string[] }> {
  const stored: string[] = [];
  for (let lane = open + 1; lane <= lanesMax; lane += 1) {
    const { id, plaintext } = placed({ lane: laneOf(lane), order: 1, floor: 1 });
    wire.say("message", plaintext);
    await untilReceipted(wire, id);
    stored.push(id);
  }
  const beyond = placed({ lane: laneOf(lanesMax + 1), order: 1, floor: 1 });
  wire.say("message", beyond.plaintext);
  // The store decides, which an answer about capabilities does not wait for.
  await wire.until((heard) => isFull(heard) || isReceiptOf(beyond.id, heard));
  await wire.settled();
  expect("the answers to one lane more", wire.heard.filter(isFull).length, 1);
  return { stored };
}
