/**
 * What a binary frame costs: our reader and writer beside cborg's, for `docs/decisions/09-frames.md`. Run `node bench/frames.ts`. Each round runs every contestant once,
 * so that a busy machine slows all of them alike.
 */
import { decode, encode } from "cborg";
import { type Bytes, decodeHex, encodeHex, isSameBytes } from "../packages/protocol/src/base/bytes.ts";
import { decodeBinaryFrame, encodeBinaryFrame } from "../packages/protocol/src/wire/binary-frame.ts";
import { decodeBundle, encodeBundle } from "../packages/protocol/src/wire/bundle.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope, hasWireForm } from "../packages/protocol/src/wire/envelope.ts";

const rounds = 200;
const roundUs = 500;

const envelopeOf = (dataBytes: number): Envelope => ({
  version: "1.2",
  msgType: "message",
  senderId: "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
  recipientId: "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH",
  sessionId: "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f",
  sequenceNum: 70_000,
  timestamp: Date.UTC(2026, 1, 1),
  nonce: new Uint8Array(32).fill(0xab),
  payload: { encrypted: true, data: new Uint8Array(dataBytes).fill(7) },
  signature: new Uint8Array(64).fill(0xcd),
});

function encodeWithCborg(envelope: Envelope): Bytes {
  const { version, msgType, senderId, recipientId, sequenceNum, timestamp, nonce, payload, signature } = envelope;
  const sessionId = decodeHex(envelope.sessionId.replaceAll("-", ""), 16);
  const data = [payload.encrypted, payload.data];
  return encode([version, msgType, senderId, recipientId, sessionId, sequenceNum, timestamp, nonce, data, signature]) as Bytes;
}

const strict = { allowIndefinite: false, allowUndefined: false, allowInfinity: false, allowNaN: false, allowBigInt: false, strict: true };
type Fields = [string, string, string, string, Bytes, number, number, Bytes, [boolean, Bytes], Bytes];

/** Without a bound on depth and without a check of types, which a real reader would have to add. */
function readWithCborg(bytes: Bytes): Envelope {
  const fields = decode(bytes, strict) as Fields;
  const [version, msgType, senderId, recipientId, session, sequenceNum, timestamp, nonce, [encrypted, data], signature] = fields;
  const hex = encodeHex(session);
  const sessionId = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  const payload = { encrypted, data };
  const envelope = { version, msgType, senderId, recipientId, sessionId, sequenceNum, timestamp, nonce, payload, signature };
  if (!hasWireForm(envelope)) throw new Error("the benchmark is wrong");
  return envelope;
}

function readAndCompareWithCborg(bytes: Bytes): Envelope {
  const envelope = readWithCborg(bytes);
  const again = encodeWithCborg(envelope);
  if (!isSameBytes(again, bytes)) throw new Error("the benchmark is wrong");
  return envelope;
}

const microsecondsOf = (work: () => unknown, times: number): number => {
  const beganAt = performance.now();
  for (let time = 0; time < times; time += 1) work();
  return ((performance.now() - beganAt) * 1000) / times;
};

function race(title: string, contestants: Readonly<Record<string, () => unknown>>): void {
  console.log(title);
  const runs = Object.entries(contestants).map(([name, work]) => {
    microsecondsOf(work, 300);
    return { name, work, times: Math.max(1, Math.round(roundUs / microsecondsOf(work, 100))), taken: [] as number[] };
  });
  for (let round = 0; round < rounds; round += 1) for (const { work, times, taken } of runs) taken.push(microsecondsOf(work, times));
  for (const { name, taken } of runs) {
    taken.sort((one, other) => one - other);
    console.log(
      `  ${name.padEnd(34)} median ${taken[rounds >> 1]?.toFixed(1).padStart(7)} µs, tenth ${taken[rounds / 10]?.toFixed(1).padStart(7)} µs`,
    );
  }
}

for (const dataBytes of [256, 4096, 261_000]) {
  const envelope = envelopeOf(dataBytes);
  const frame = encodeBinaryFrame(envelope);
  const json = encodeEnvelope(envelope);
  race(`${dataBytes} bytes of data: a frame of ${frame.length}, JSON of ${json.length}`, {
    "write, ours": () => encodeBinaryFrame(envelope),
    "write, cborg": () => encodeWithCborg(envelope),
    "read, ours": () => decodeBinaryFrame(frame),
    "read, cborg, nothing compared": () => readWithCborg(frame),
    "read, cborg, written and compared": () => readAndCompareWithCborg(frame),
    // The largest frame has no JSON form that anybody accepts.
    ...(json.length > 256 * 1024 ? {} : { "write, JSON": () => encodeEnvelope(envelope), "read, JSON": () => decodeEnvelope(json) }),
  });
}

const items = Array.from({ length: 1024 }, () => ({ msgType: "message", body: new Uint8Array(240).fill(9) }) as const);
const pairs = items.map(({ msgType, body }) => [msgType, body]);
const bundle = encodeBundle(items);
race(`${items.length} items of 240 bytes: a bundle of ${bundle.length}`, {
  "write, ours": () => encodeBundle(items),
  "write, cborg": () => encode(pairs),
  "read, ours": () => decodeBundle(bundle),
  "read, cborg, nothing compared": () => decode(bundle, strict),
  "read, cborg, written and compared": () => isSameBytes(encode(decode(bundle, strict)) as Bytes, bundle),
});
