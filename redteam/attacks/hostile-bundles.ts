/** 17: bundles that a genuine peer sealed and that are none: refused whole, under seal, and nothing in them is acted upon. Then ten thousand tiny ones. */
import { type BundleItem, type Bytes, concatBytes, encodeBundle, encodeUtf8, newMessageId } from "@hikyaku/protocol";
import { asRises, countOf } from "../answers.ts";
import { dice, letterBody } from "../puppet.ts";
import type { Scene } from "../scene.ts";
import type { Attack, Outcome } from "../trial.ts";
import { Wire } from "../wire.ts";

export const hostileBundles: Attack = { name: "bundles truncated, nested, mixed, and 10 000 tiny ones", run };

const tinyCount = 10_000;
const atOnce = 500;
const memoryBytesMax = 64 * 1024 * 1024;

async function run(scene: Scene): Promise<Outcome> {
  const { target, expect } = scene;
  using wire = await Wire.connect(await scene.newcomer(), target);
  await scene.rebase();
  const cases = hostile();
  for (const { plaintext } of cases) wire.say("bundle", plaintext);
  await wire.settled();
  const codes = wire.heard.filter(({ type }) => type === "error").map(({ body }) => (body as { readonly code: string }).code);
  expect("the sealed answers", countOf(codes), countOf(cases.map(({ code }) => code)));
  const memoryBefore = target.residentBytes();
  await sendTiny(wire);
  const grownBytes = target.residentBytes() - memoryBefore;
  expect(`memory grown by less than ${memoryBytesMax} bytes`, grownBytes < memoryBytesMax ? "yes" : grownBytes, "yes");
  const after = await wire.letter("after the bundles");
  return {
    seen: `${cases.length} bundles refused whole; ${tinyCount} tiny ones taken, memory ${(grownBytes / 2 ** 20).toFixed(1)} MiB`,
    rises: {
      ...asRises(cases.map(({ code }) => code)),
      "received.capability_query": 1,
      "received.heartbeat": tinyCount,
      "received.ping": tinyCount / atOnce,
      "received.message": 1,
      "message.stored": 1,
    },
    delivered: [after],
    peersMayDiffer: true,
  };
}

/** As fast as the node takes them: a ping between so many keeps this side from filling its own memory. */
async function sendTiny(wire: Wire): Promise<void> {
  for (let n = 0; n < tinyCount / atOnce; n += 1) {
    for (let at = 0; at < atOnce; at += 1) wire.say("bundle", encodeBundle([item("heartbeat", { seq: at + 1 })]));
    wire.say("ping", encodeUtf8(JSON.stringify({ n: n + 1 })));
    await wire.until(({ type, body }) => type === "pong" && (body as { readonly n: number }).n === n + 1);
  }
}

const item = (msgType: BundleItem["msgType"], body: object): BundleItem => ({ msgType, body: encodeUtf8(JSON.stringify(body)) });
const letter = (text: string): BundleItem => ({ msgType: "message", body: letterBody(newMessageId(Date.now(), dice(10)), text) });

interface Hostile {
  readonly what: string;
  readonly plaintext: Bytes;
  readonly code: string;
}

function hostile(): readonly Hostile[] {
  const two = encodeBundle([letter("one"), letter("two")]);
  const bytes = (...values: readonly number[]): Bytes => Uint8Array.from(values);
  const raw = (...items: readonly BundleItem[]): Bytes => concatBytes(bytes(0x80 + items.length), ...items.map(rawItem));
  const off = (what: string, plaintext: Bytes): Hostile => ({ what, plaintext, code: "INVALID_PAYLOAD" });
  return [
    off("nothing", new Uint8Array()),
    off("no items", bytes(0x80)),
    off("one byte less", two.slice(0, -1)),
    off("the first item alone, two announced", two.slice(0, two.length / 2)),
    off("one byte more", concatBytes(two, bytes(0))),
    off("three items announced", concatBytes(bytes(0x83), two.subarray(1))),
    off("2^32 items announced", concatBytes(bytes(0x9a, 0xff, 0xff, 0xff, 0xff), two.subarray(1))),
    off("1 025 items", concatBytes(bytes(0x99, 0x04, 0x01), ...Array.from({ length: 1025 }, () => rawItem(item("heartbeat", { seq: 1 }))))),
    off("a list without end", concatBytes(bytes(0x9f), two.subarray(1), bytes(0xff))),
    off("a bundle in it", raw(letter("outer"), { msgType: "bundle", body: two })),
    off("a handshake in it", raw(letter("outer"), { msgType: "handshake", body: two })),
    off("two priorities", raw(letter("normal"), item("receipt", { ids: [newMessageId(Date.now(), dice(10))], stage: "stored" }))),
    off("a type of nobody's", raw(letter("known"), { msgType: "nonsense" as "message", body: two })),
    off("a last body that is no JSON", raw(letter("sound"), { msgType: "message", body: encodeUtf8("{") })),
    off("a last body without an id", raw(letter("sound"), item("message", { text: "no id" }))),
    off("no list at all", bytes(0xa1, 0x61, 0x61, 0x00)),
    { what: "a last item that is not allowed", plaintext: raw(letter("allowed"), item("chunk", {})), code: "UNAUTHORIZED" },
  ];
}

/** What the protocol's own encoder refuses to write. */
function rawItem({ msgType, body }: BundleItem): Bytes {
  const type = encodeUtf8(msgType);
  const head =
    body.length < 24 ? [0x40 + body.length] : body.length < 256 ? [0x58, body.length] : [0x59, body.length >> 8, body.length & 0xff];
  return concatBytes(Uint8Array.of(0x82, 0x60 + type.length), type, Uint8Array.from(head), body);
}
