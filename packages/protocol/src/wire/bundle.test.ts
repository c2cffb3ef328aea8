import { decode, encode } from "cborg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bytes, concatBytes, decodeHex } from "../base/bytes.ts";
import { bodyBytesMax, bundleBytesMax, bundleCountMax, envelopeBytesMax, idLengthMax } from "../base/limits.ts";
import { encodeUtf8 } from "../base/utf8.ts";
import { pureCrypto } from "../crypto/pure.ts";
import { encodeBody, isDialogueType } from "../dialogue/bodies.ts";
import { sealPayload } from "../sealing/message-key.ts";
import { encodeBinaryFrame } from "./binary-frame.ts";
import { type BundleItem, bundleHeadBytesOf, bundleItemBytesOf, decodeBundle, encodeBundle } from "./bundle.ts";
import { factsOf, type MessageType, messageTypeNames } from "./message-types.ts";

const raw = (hex: string): Bytes => decodeHex(hex, hex.length / 2) ?? new Uint8Array();
const item = (value: unknown): Bytes => new Uint8Array(encode(value));
const pairsOf = (items: readonly BundleItem[]): unknown => items.map(({ msgType, body }) => [msgType, body]);

const ping: BundleItem = { msgType: "ping", body: encodeBody<"ping">({ n: 7 }) };
const letter: BundleItem = { msgType: "message", body: Uint8Array.of(1, 2, 3) };
const many = (count: number, bodyBytes = 0): readonly BundleItem[] =>
  Array.from({ length: count }, () => ({ msgType: "message", body: new Uint8Array(bodyBytes) }));

const bundled = messageTypeNames.filter((type) => type !== "bundle" && factsOf(type).kind !== "handshake");
const anyBundle: fc.Arbitrary<readonly BundleItem[]> = fc.constantFrom("high", "normal", "low").chain((priority) => {
  const msgType = fc.constantFrom(...bundled.filter((type) => factsOf(type).priority === priority));
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(23, 24, 255, 256).map((length) => new Uint8Array(length)),
  );
  return fc.array(fc.record({ msgType, body }), { minLength: 1, maxLength: 30 });
});

test("a bundle is an array of pairs, byte for byte [BUNDLE-1]", () => {
  const bytes = raw("82826470696e67477b226e223a377d82676d65737361676543010203");
  expect(encodeBundle([ping, letter])).toEqual(bytes);
  expect(decodeBundle(bytes)).toEqual([ping, letter]);
});

test("any bundle comes back the same, in the bytes that cborg would write and that were counted before [BUNDLE-1]", () => {
  fc.assert(
    fc.property(anyBundle, (items) => {
      const bytes = encodeBundle(items);
      expect(decodeBundle(bytes)).toEqual(items);
      expect(bytes).toEqual(item(pairsOf(items)));
      expect(bytes).toHaveLength(items.reduce((sum, one) => sum + bundleItemBytesOf(one), bundleHeadBytesOf(items.length)));
    }),
  );
});

test.each([1, 23, 24, 255, 256, bundleCountMax])("a bundle of %d items is what was counted [BUNDLE-1]", (count) => {
  const bytes = encodeBundle(many(count));
  expect(bytes).toHaveLength(bundleHeadBytesOf(count) + count * bundleItemBytesOf({ msgType: "message", body: new Uint8Array() }));
  expect(decodeBundle(bytes)).toHaveLength(count);
});

test("what is decoded is the reader's own, also from a Buffer whose memory is used again", () => {
  const buffer = Buffer.from(encodeBundle([ping, letter]));
  const items = decodeBundle(buffer);
  buffer.fill(0);
  expect(items).toEqual([ping, letter]);
  expect(items?.map(({ body }) => body.constructor)).toEqual([Uint8Array, Uint8Array]);
});

describe("a bundle is refused with [BUNDLE-1]:", () => {
  const two = encodeBundle([ping, letter]);
  const items = two.slice(1);
  test.each<[string, Bytes]>([
    ["nothing at all", new Uint8Array()],
    ["no items", raw("80")],
    ["no definite count", concatBytes(raw("9f"), items, raw("ff"))],
    ["a count in two bytes", concatBytes(raw("9802"), items)],
    ["a byte behind it", concatBytes(two, raw("00"))],
    ["an item more than it counts", concatBytes(raw("81"), items)],
    ["an item fewer than it counts", concatBytes(raw("83"), items)],
    ["a count of 1 024 and two items", concatBytes(raw("990400"), items)],
    ["a count of 2^64 - 1", concatBytes(raw("9bffffffffffffffff"), items)],
    ["a map around it", concatBytes(raw("a1"), items)],
    ["a tag before it", concatBytes(raw("d9d9f7"), two)],
    ["an item that is a map", item([{ ping: ping.body }])],
    ["an item of three", item([["ping", ping.body, 0]])],
    ["an item of one", item([["ping"]])],
    ["an item that counts three of its two", raw("81836470696e6740")],
    ["an item that counts one of its two", raw("81816470696e6740")],
    ["an item without brackets", item(["ping", ping.body])],
    ["an item in pieces", raw("819f6470696e6740ff")],
    ["an item in a byte string", item([item(["ping", ping.body])])],
    ["a type in bytes", item([[encodeUtf8("ping"), ping.body]])],
    ["a type whose length takes two bytes", raw("8182780470696e6740")],
    ["a type that is no UTF-8", raw("818264ffffffff40")],
    ["a body as text", item([["ping", '{"n":7}']])],
    ["a body as an array of numbers", item([["ping", [1, 2]]])],
    ["a body in pieces", raw("81826470696e675f4100ff")],
    ["a body whose length takes two bytes", raw("81826470696e67580100")],
    ["a body longer than the bundle", raw("81826470696e6759040000")],
    ["a body of 2^32 - 1 bytes", raw("81826470696e675affffffff00")],
    ["a body of 2^64 - 1 bytes", raw("81826470696e675bffffffffffffffff00")],
    ["a null body", item([["ping", null]])],
    ["an undefined body", raw("81826470696e67f7")],
    ["a number as type", item([[7, ping.body]])],
    ["a hundred thousand arrays", new Uint8Array(100_000).fill(0x81)],
    ["a hundred thousand pairs", new Uint8Array(100_000).fill(0x82)],
    ["a hundred thousand open arrays", new Uint8Array(100_000).fill(0x9f)],
    ["a hundred thousand maps", new Uint8Array(100_000).fill(0xa1)],
    ["a hundred thousand tags", new Uint8Array(100_000).fill(0xc1)],
  ])("%s", (_, bytes) => {
    expect(decodeBundle(two)).toEqual([ping, letter]);
    expect(decodeBundle(bytes)).toBeUndefined();
  });
});

test("a bundle cut short anywhere is refused [BUNDLE-1]", () => {
  const bytes = encodeBundle([ping, letter, ping]);
  for (let length = 0; length < bytes.length; length += 1) expect(decodeBundle(bytes.slice(0, length))).toBeUndefined();
});

test("1 024 items go together and not one more, neither written nor read, nor ten thousand [BUNDLE-1]", () => {
  expect(decodeBundle(encodeBundle(many(bundleCountMax)))).toEqual(many(bundleCountMax));
  for (const count of [0, bundleCountMax + 1, 10_000]) {
    expect(() => encodeBundle(many(count))).toThrow(RangeError);
    expect(decodeBundle(item(pairsOf(many(count))))).toBeUndefined();
  }
});

test("a bundle of 255 KiB is accepted, the next larger one neither accepted nor written [BUNDLE-2]", () => {
  const three = (gap: number): readonly BundleItem[] => [...many(2, 100_000), ...many(1, gap)];
  const gap = bundleBytesMax - (encodeBundle(three(60_000)).length - 60_000);
  expect(encodeBundle(three(gap))).toHaveLength(bundleBytesMax);
  expect(decodeBundle(encodeBundle(three(gap)))).toEqual(three(gap));
  expect(() => encodeBundle(three(gap + 1))).toThrow(RangeError);
  expect(decodeBundle(item(pairsOf(three(gap + 1))))).toBeUndefined();
});

test("the largest bundle, sealed under the longest header, is a frame that everybody accepts [BUNDLE-2]", () => {
  const others = 430;
  expect(bundleBytesMax + others).toBeLessThanOrEqual(envelopeBytesMax);
  const header = {
    version: "1.2",
    msgType: "bundle",
    senderId: "a".repeat(idLengthMax),
    recipientId: "b".repeat(idLengthMax),
    sessionId: "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f",
    sequenceNum: 2 ** 53 - 1,
    timestamp: Date.parse("9999-12-31T23:59:59.999Z"),
    nonce: new Uint8Array(32),
  };
  const data = sealPayload(pureCrypto, new Uint8Array(32), header, new Uint8Array(bundleBytesMax));
  const frame = encodeBinaryFrame({ ...header, payload: { encrypted: true, data }, signature: new Uint8Array(64) });
  expect(frame).toHaveLength(bundleBytesMax + others);
});

test("a body of 128 KiB may be in a bundle, and no larger one [BUNDLE-2]", () => {
  expect(decodeBundle(encodeBundle(many(1, bodyBytesMax)))).toEqual(many(1, bodyBytesMax));
  expect(() => encodeBundle(many(1, bodyBytesMax + 1))).toThrow(TypeError);
  expect(decodeBundle(item(pairsOf(many(1, bodyBytesMax + 1))))).toBeUndefined();
});

test.each(["bundle", "handshake", "handshake_ack", "handshake_confirm"] as const)("a %s is in no bundle [BUNDLE-3]", (msgType) => {
  const friend = messageTypeNames.find((type) => bundled.includes(type) && factsOf(type).priority === factsOf(msgType).priority);
  const items = [
    { msgType, body: ping.body },
    { msgType: friend as MessageType, body: ping.body },
  ] as const;
  for (const list of [items, items.toReversed(), items.slice(0, 1)]) {
    expect(() => encodeBundle(list)).toThrow(TypeError);
    expect(decodeBundle(item(pairsOf(list)))).toBeUndefined();
  }
  expect(decodeBundle(item(pairsOf(items.slice(1))))).toBeDefined();
});

test("a bundle in a bundle is refused, also where it is well formed itself [BUNDLE-3]", () => {
  expect(decodeBundle(item([["bundle", encodeBundle([ping])]]))).toBeUndefined();
});

test.each(["", "Ping", "ping\0", "pìng", "status", "constructor", "__proto__", "toString", "a".repeat(33)])(
  "a bundle with the type %j, which nobody knows, is refused [BUNDLE-3]",
  (type) => {
    const bytes = item([[type, ping.body]]);
    expect(() => decodeBundle(bytes)).not.toThrow();
    expect(decodeBundle(bytes)).toBeUndefined();
  },
);

const pairsOfTypes = bundled.flatMap((one) => bundled.map((other) => [one, other].map((msgType) => ({ msgType, body: ping.body }))));
const isOnePriority = ([one, other]: readonly BundleItem[]): boolean =>
  one !== undefined && other !== undefined && factsOf(one.msgType).priority === factsOf(other.msgType).priority;

test("what is equally urgent goes together [BUNDLE-4]", () => {
  for (const items of pairsOfTypes.filter(isOnePriority)) expect(decodeBundle(encodeBundle(items))).toEqual(items);
});

test("what is not equally urgent does not go together [BUNDLE-4]", () => {
  const mixed = pairsOfTypes.filter((items) => !isOnePriority(items));
  expect(mixed.length).toBeGreaterThan(100);
  for (const items of mixed) {
    expect(() => encodeBundle(items)).toThrow(TypeError);
    expect(decodeBundle(item(pairsOf(items)))).toBeUndefined();
  }
});

test("one bad item at the end refuses all the good ones before it [BUNDLE-5]", () => {
  const good = many(100, 8);
  const list = good.map(({ msgType, body }) => [msgType, body] as unknown);
  for (const bad of [
    ["receipt", ping.body],
    ["bundle", ping.body],
    ["handshake", ping.body],
    ["unknown", ping.body],
    ["ping", "text"],
    [],
  ]) {
    expect(decodeBundle(item([...list, bad]))).toBeUndefined();
  }
  expect(decodeBundle(item(list))).toEqual(good);
});

test("whatever is accepted is accepted in one spelling only, which is cborg's too [BUNDLE-1]", () => {
  const bytes = encodeBundle([ping, letter, ...many(2, 30)]);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.constantFrom("replace", "insert", "delete"), (at, byte, how) => {
      const middle = how === "delete" ? [] : [byte];
      const mutated = Uint8Array.from([...bytes.subarray(0, at), ...middle, ...bytes.subarray(how === "insert" ? at : at + 1)]);
      const decoded = decodeBundle(mutated);
      if (decoded === undefined) return;
      expect(encodeBundle(decoded)).toEqual(mutated);
      expect(item(decode(mutated))).toEqual(mutated);
    }),
    { numRuns: 3000 },
  );
});

test("bundle is a carrier of version 1.2, and no JSON body belongs to it [BUNDLE-1]", () => {
  expect(factsOf("bundle")).toMatchObject({ kind: "carrier", since: "1.2" });
  expect(isDialogueType("bundle")).toBe(false);
});
