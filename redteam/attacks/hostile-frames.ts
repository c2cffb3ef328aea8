/** 16: binary messages on a proven stream that are no frame, or not in its one form: refused one by one, while the stream goes on. */
import { type Bytes, concatBytes, encodeBinaryFrame, encodeUtf8, limits } from "@hikyaku/protocol";
import { asRises, countOf } from "../answers.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";
import { Wire } from "../wire.ts";

export const hostileFrames: Attack = { name: "binary frames that lie, nest, repeat keys or end late", run };

const bytes = (...values: readonly number[]): Bytes => Uint8Array.from(values);
const repeated = (value: number, count: number): Bytes => new Uint8Array(count).fill(value);

async function run(scene: Scene): Promise<Outcome> {
  using wire = await Wire.connect(await scene.newcomer(), scene.target);
  const before = await wire.letter("the frame before");
  await scene.rebase();
  const frames = hostile(encodeBinaryFrame(wire.session.letter("never sent").envelope));
  for (const { frame } of frames) wire.socket.send(frame);
  await wire.settled();
  const refused = wire.heard.filter(({ type }) => type === "refused");
  scene.expect("the answers", countOf(refused.map(({ body }) => JSON.stringify(body))), { '{"code":"MALFORMED_MESSAGE"}': frames.length });
  const after = await wire.letter("the frame after");
  using long = await Wire.connect(await scene.newcomer(), scene.target);
  long.socket.send(repeated(0x8a, limits.envelopeBytesMax + 1));
  scene.expect("the end of a stream with a frame that is too long", (await long.ending(endMsMax)).code, 1009);
  scene.expect("the letters differ", before === after, false);
  return {
    seen: `${frames.length} frames refused, the stream goes on; one that was too long ended its own`,
    rises: {
      ...asRises(frames.map(() => "MALFORMED_MESSAGE")),
      "received.message": 1,
      "message.stored": 1,
      "session.established": 1,
      "received.capability_query": 1,
    },
    delivered: [after],
    peersMayDiffer: true,
  };
}

const endMsMax = 5000;

interface Hostile {
  readonly what: string;
  readonly frame: Bytes;
}

/** Ten items, the second last of them the payload [encrypted, data]. */
function hostile(frame: Bytes): readonly Hostile[] {
  const rest = frame.subarray(1);
  // The signature stands at the end, 64 bytes behind a head of two.
  const signatureAt = frame.length - 66;
  const withSignature = (signature: Bytes): Bytes => concatBytes(frame.subarray(0, signatureAt), signature);
  const mapOf = (...keys: readonly string[]): Bytes =>
    concatBytes(bytes(0xa0 + keys.length), ...keys.map((key) => concatBytes(bytes(0x60 + key.length), encodeUtf8(key), bytes(0x00))));
  return [
    { what: "nothing but a head", frame: bytes(0x8a) },
    { what: "one byte less", frame: frame.slice(0, -1) },
    { what: "half of it", frame: frame.slice(0, frame.length / 2) },
    { what: "one byte more", frame: concatBytes(frame, bytes(0)) },
    { what: "two frames", frame: concatBytes(frame, frame) },
    { what: "nine items announced", frame: concatBytes(bytes(0x89), rest) },
    { what: "eleven items announced", frame: concatBytes(bytes(0x8b), rest) },
    { what: "2^32 items announced", frame: concatBytes(bytes(0x9a, 0xff, 0xff, 0xff, 0xff), rest) },
    { what: "2^64 items announced", frame: concatBytes(bytes(0x9b), repeated(0xff, 8), rest) },
    { what: "a head that is not the shortest", frame: concatBytes(bytes(0x98, 0x0a), rest) },
    { what: "an array without end", frame: concatBytes(bytes(0x9f), rest, bytes(0xff)) },
    { what: "a tag around it", frame: concatBytes(bytes(0xd9, 0xd9, 0xf7), frame) },
    {
      what: "a signature that claims four gigabytes",
      frame: withSignature(concatBytes(bytes(0x5a, 0xff, 0xff, 0xff, 0xff), repeated(1, 64))),
    },
    {
      what: "a signature that claims 2^53 bytes",
      frame: withSignature(concatBytes(bytes(0x5b, 0, 0x20, 0, 0, 0, 0, 0, 0), repeated(1, 64))),
    },
    { what: "a signature of 63 bytes", frame: withSignature(concatBytes(bytes(0x58, 63), repeated(1, 63))) },
    {
      what: "a signature without a definite length",
      frame: withSignature(concatBytes(bytes(0x5f, 0x58, 64), repeated(1, 64), bytes(0xff))),
    },
    { what: "a signature as text", frame: withSignature(concatBytes(bytes(0x78, 64), repeated(0x61, 64))) },
    { what: "null in place of the signature", frame: withSignature(bytes(0xf6)) },
    { what: "a float in place of the signature", frame: withSignature(concatBytes(bytes(0xfb), repeated(0, 8))) },
    { what: "a map with sorted keys", frame: mapOf("a", "b") },
    { what: "a map with keys that are not sorted", frame: mapOf("b", "a") },
    { what: "a map with one key twice", frame: mapOf("a", "a") },
    { what: "a map with the key __proto__", frame: mapOf("__proto__") },
    { what: "arrays in arrays", frame: repeated(0x81, limits.envelopeBytesMax) },
    { what: "arrays without end in arrays without end", frame: repeated(0x9f, limits.envelopeBytesMax) },
    { what: "tags on tags", frame: repeated(0xc1, limits.envelopeBytesMax) },
    { what: "maps in maps", frame: repeated(0xa1, limits.envelopeBytesMax) },
    { what: "breaks", frame: repeated(0xff, 1000) },
    { what: "a version of before frames", frame: concatBytes(bytes(0x8a, 0x63, 0x31, 0x2e, 0x30), frame.subarray(5)) },
    { what: "letters above ASCII", frame: concatBytes(bytes(0x8a, 0x63, 0x31, 0x2e, 0xb2), frame.subarray(5)) },
  ];
}
