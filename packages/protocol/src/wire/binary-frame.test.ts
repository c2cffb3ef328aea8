import { anyEnvelope } from "@hikyaku/testkit";
import { decode, encode } from "cborg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bytes, concatBytes, decodeHex, encodeHex } from "../base/bytes.ts";
import { envelopeBytesMax } from "../base/limits.ts";
import { encodeUtf8 } from "../base/utf8.ts";
import { pureCrypto } from "../crypto/pure.ts";
import { decodeBinaryFrame, encodeBinaryFrame } from "./binary-frame.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "./envelope.ts";
import { signedBytes } from "./signed-bytes.ts";

const sample: Envelope = {
  version: "1.2",
  msgType: "message",
  senderId: "did:key:z6MkA",
  recipientId: "did:key:z6MkB",
  sessionId: "3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f",
  sequenceNum: 7,
  timestamp: Date.parse("2026-02-01T00:00:00.123Z"),
  nonce: new Uint8Array(32).fill(0xab),
  payload: { encrypted: true, data: Uint8Array.of(1, 2, 3, 4) },
  signature: new Uint8Array(64).fill(0xcd),
};

const raw = (hex: string): Bytes => decodeHex(hex, hex.length / 2) ?? new Uint8Array();
const item = (value: unknown): Bytes => new Uint8Array(encode(value));

/** The sample, item by item, as cborg writes it; every refusal below changes one of them. */
const sampleItems = {
  head: raw("8a"),
  version: item("1.2"),
  msgType: item("message"),
  senderId: item("did:key:z6MkA"),
  recipientId: item("did:key:z6MkB"),
  sessionId: item(raw("3f2b8f4e6f0c4c8e9c5d0a1b2c3d4e5f")),
  sequenceNum: item(7),
  timestamp: item(1_769_904_000_123),
  nonce: item(sample.nonce),
  payload: item([true, Uint8Array.of(1, 2, 3, 4)]),
  signature: item(sample.signature),
};
type Items = typeof sampleItems;
const frameOf = (items: Partial<Items>): Bytes => concatBytes(...Object.values({ ...sampleItems, ...items }));
const withItem = (name: string, by: Bytes): Bytes => frameOf({ [name]: by });

const framable = anyEnvelope("1.2").filter(({ msgType }) => !msgType.startsWith("handshake"));
const sha256 = (data: Bytes): Bytes => pureCrypto.sha256(data);

test("a frame is the array of ten that the spec names, byte for byte [FRAME-1]", () => {
  const expected = [
    "8a",
    "63312e32",
    "676d657373616765",
    "6d6469643a6b65793a7a364d6b41",
    "6d6469643a6b65793a7a364d6b42",
    "503f2b8f4e6f0c4c8e9c5d0a1b2c3d4e5f",
    "07",
    "1b0000019c167fcc7b",
    `5820${"ab".repeat(32)}`,
    "82f54401020304",
    `5840${"cd".repeat(64)}`,
  ];
  expect(encodeHex(encodeBinaryFrame(sample))).toBe(expected.join(""));
  expect(frameOf({})).toEqual(encodeBinaryFrame(sample));
  expect(decodeBinaryFrame(raw(expected.join("")))).toEqual(sample);
});

test("any envelope comes back the same, and its frame is what cborg would write [FRAME-1]", () => {
  fc.assert(
    fc.property(framable, (envelope) => {
      const frame = encodeBinaryFrame(envelope);
      expect(decodeBinaryFrame(frame)).toEqual(envelope);
      const { version, msgType, senderId, recipientId, sequenceNum, timestamp, nonce, payload, signature } = envelope;
      const sessionId = raw(envelope.sessionId.replaceAll("-", ""));
      const fields = [version, msgType, senderId, recipientId, sessionId, sequenceNum, timestamp, nonce];
      expect(frame).toEqual(item([...fields, [payload.encrypted, payload.data], signature]));
    }),
  );
});

test("one envelope says and signs the same in both forms [FRAME-5]", () => {
  fc.assert(
    fc.property(framable, (envelope) => {
      const fromText = decodeEnvelope(encodeEnvelope(envelope));
      const fromFrame = decodeBinaryFrame(encodeBinaryFrame(envelope));
      expect(fromFrame).toEqual(fromText);
      if (fromText === undefined || fromFrame === undefined) throw new Error("an envelope was refused");
      expect(signedBytes(fromFrame, sha256)).toEqual(signedBytes(fromText, sha256));
      expect(encodeEnvelope(fromFrame)).toEqual(encodeEnvelope(envelope));
    }),
  );
});

test("what is decoded is the reader's own, also from a Buffer whose memory is used again", () => {
  const buffer = Buffer.concat([Buffer.alloc(3), encodeBinaryFrame(sample)]).subarray(3);
  const decoded = decodeBinaryFrame(buffer);
  buffer.fill(0);
  expect(decoded).toEqual(sample);
  for (const bytes of [decoded?.nonce, decoded?.payload.data, decoded?.signature]) expect(bytes?.constructor).toBe(Uint8Array);
});

test("a frame cut short anywhere is refused [FRAME-1]", () => {
  const frame = encodeBinaryFrame(sample);
  for (let length = 0; length < frame.length; length += 1) expect(decodeBinaryFrame(frame.slice(0, length))).toBeUndefined();
});

test.each<[string, Bytes]>([
  ["a byte behind it", concatBytes(frameOf({}), raw("00"))],
  ["a break behind it", concatBytes(frameOf({}), raw("ff"))],
  ["itself behind it", concatBytes(frameOf({}), frameOf({}))],
  ["a byte before it", concatBytes(raw("01"), frameOf({}))],
  ["a tag before it", concatBytes(raw("d9d9f7"), frameOf({}))],
  ["an array around it", concatBytes(raw("81"), frameOf({}))],
  ["a byte string around it", item(frameOf({}))],
  ["a count in two bytes", withItem("head", raw("980a"))],
  ["a count in nine bytes", withItem("head", raw("9b000000000000000a"))],
  ["no definite count", concatBytes(withItem("head", raw("9f")), raw("ff"))],
  ["a count of nine", withItem("head", raw("89"))],
  ["a count of eleven", withItem("head", raw("8b"))],
  ["eleven fields", concatBytes(withItem("head", raw("8b")), raw("00"))],
  ["a count of 2^32 - 1", withItem("head", raw("9affffffff"))],
  ["a map of its fields", withItem("head", raw("aa"))],
  ["its text length in two bytes", withItem("msgType", concatBytes(raw("7807"), encodeUtf8("message")))],
  ["a text in pieces", withItem("msgType", concatBytes(raw("7f67"), encodeUtf8("message"), raw("ff")))],
  ["a type in bytes", withItem("msgType", item(encodeUtf8("message")))],
  ["an id in bytes", withItem("senderId", item(encodeUtf8("did:key:z6MkA")))],
  ["a session id as text", withItem("sessionId", item(sample.sessionId))],
  ["a session id in pieces", withItem("sessionId", concatBytes(raw("5f50"), new Uint8Array(16).fill(0x4b), raw("ff")))],
  ["a session id with the tag of UUIDs", withItem("sessionId", concatBytes(raw("d825"), sampleItems.sessionId))],
  ["a time with the tag of times", withItem("timestamp", concatBytes(raw("c1"), sampleItems.timestamp))],
  ["a nonce with its length in three bytes", withItem("nonce", concatBytes(raw("590020"), sample.nonce))],
  ["a payload that is a map", withItem("payload", item({ data: sample.payload.data, encrypted: true }))],
  ["a payload the other way round", withItem("payload", item([sample.payload.data, true]))],
  ["a payload of three", withItem("payload", item([true, sample.payload.data, 0]))],
  ["a payload of one", withItem("payload", item([true]))],
  ["a payload that counts three of its two", withItem("payload", raw("83f54401020304"))],
  ["a payload that counts one of its two", withItem("payload", raw("81f54401020304"))],
  ["a payload without its head", withItem("payload", raw("f54401020304"))],
  ["a payload in a string", withItem("payload", item(item([true, sample.payload.data])))],
  ["no definite payload", withItem("payload", raw("9ff54401020304ff"))],
  ["encrypted as a number", withItem("payload", item([1, sample.payload.data]))],
  ["encrypted as null", withItem("payload", item([null, sample.payload.data]))],
  ["encrypted in two bytes", withItem("payload", raw("82f8154401020304"))],
  ["data as text", withItem("payload", item([true, "AQIDBA=="]))],
  ["data in pieces", withItem("payload", raw("82f55f420102420304ff"))],
  ["data longer than the frame", withItem("payload", raw("82f55904004401"))],
  ["data of 2^32 - 1 bytes", withItem("payload", raw("82f55affffffff01020304"))],
  ["data of 2^53 - 1 bytes", withItem("payload", raw("82f55b001fffffffffffff01020304"))],
  ["data of 2^64 - 1 bytes", withItem("payload", raw("82f55bffffffffffffffff01020304"))],
])("a frame with %s is refused [FRAME-1]", (_, bytes) => {
  expect(decodeBinaryFrame(bytes)).toBeUndefined();
});

/** What no field may be, whatever it is called. */
const hostileItems: readonly (readonly [string, Bytes])[] = [
  ["nothing", new Uint8Array()],
  ["minus one", item(-1)],
  ["minus 2^64", raw("3bffffffffffffffff")],
  ["a float of 16 bits", raw("f94700")],
  ["a float of 64 bits", item(7.5)],
  ["infinity", raw("f97c00")],
  ["not a number", raw("f97e00")],
  ["null", item(null)],
  ["undefined", raw("f7")],
  ["a reserved simple value", raw("f0")],
  ["a break", raw("ff")],
  ["a reserved head", raw("1c")],
  ["2^53", raw("1b0020000000000000")],
  ["2^64 - 1", raw("1bffffffffffffffff")],
  ["7 in two bytes", raw("1807")],
  ["a bignum", raw("c24107")],
  ["a tagged frame", concatBytes(raw("d9d9f7"), frameOf({}))],
  ["an empty array", item([])],
  ["an empty map", item({})],
  ["a map with a key twice", raw("a2616101616102")],
  ["a map out of order", raw("a2616201616101")],
  ["a map of __proto__", concatBytes(raw("a1"), item("__proto__"), item({ polluted: 1 }))],
  ["a text that is no UTF-8", raw("62c328")],
  ["an overlong text", raw("62c0af")],
  ["a surrogate", raw("63eda080")],
  ["a text of 2^32 - 1 bytes", raw("7affffffff61")],
  ["an empty text", item("")],
  ["a long text", item("a".repeat(129))],
  ["an array of 2^64 - 1", raw("9bffffffffffffffff")],
  ["a hundred thousand arrays", new Uint8Array(100_000).fill(0x81)],
  ["a hundred thousand open arrays", new Uint8Array(100_000).fill(0x9f)],
  ["a hundred thousand maps", new Uint8Array(100_000).fill(0xa1)],
  ["a hundred thousand tags", new Uint8Array(100_000).fill(0xc1)],
  ["a hundred thousand open strings", new Uint8Array(100_000).fill(0x5f)],
];

describe.each(hostileItems)("%s", (_, hostile) => {
  test.each(Object.keys(sampleItems))("in place of %s is refused, and no prototype is changed [FRAME-1] [FRAME-2]", (name) => {
    expect(decodeBinaryFrame(withItem(name, hostile))).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
  test("alone is no frame [FRAME-1]", () => {
    expect(decodeBinaryFrame(hostile)).toBeUndefined();
  });
});

test.each<[string, Partial<Items>]>([
  ["an id of 128 letters", { senderId: item("a".repeat(128)) }],
  ["an id of one letter", { recipientId: item("~") }],
  ["the number 0", { sequenceNum: item(0) }],
  ["the number 2^53 - 1", { sequenceNum: item(2 ** 53 - 1) }],
  ["the first moment", { timestamp: item(0) }],
  ["the last moment", { timestamp: item(Date.parse("9999-12-31T23:59:59.999Z")) }],
  ["a type of 32 letters that nobody knows", { msgType: item("a".repeat(32)) }],
  ["no data", { payload: item([false, new Uint8Array()]) }],
])("a frame with %s is accepted [FRAME-2]", (_, items) => {
  expect(decodeBinaryFrame(frameOf(items))).toBeDefined();
});

test.each<[string, Partial<Items>]>([
  ["an id of 129 letters", { senderId: item("a".repeat(129)) }],
  ["an empty id", { recipientId: item("") }],
  ["a space in an id", { senderId: item("a b") }],
  ["a quote in an id", { recipientId: item('a"b') }],
  ["a backslash in an id", { senderId: item("a\\b") }],
  ["a line break in an id", { recipientId: item("ab\n") }],
  ["a NUL in an id", { senderId: item("a\0b") }],
  ["a DEL in an id", { recipientId: item("a\x7f") }],
  ["a letter beyond ASCII in an id", { senderId: item("é") }],
  ["a letter beyond ASCII in the other id", { recipientId: item("日本") }],
  ["a byte order mark in an id", { senderId: item("\ufeffa") }],
  ["an uppercase type", { msgType: item("Message") }],
  ["an empty type", { msgType: item("") }],
  ["a type of 33 letters", { msgType: item("a".repeat(33)) }],
  ["a UUID of version 7", { sessionId: item(raw("3f2b8f4e6f0c7c8e9c5d0a1b2c3d4e5f")) }],
  ["a UUID of another variant", { sessionId: item(raw("3f2b8f4e6f0c4c8ecc5d0a1b2c3d4e5f")) }],
  ["a session id of 15 bytes", { sessionId: item(raw("3f2b8f4e6f0c4c8e9c5d0a1b2c3d4e")) }],
  ["a session id of 17 bytes", { sessionId: item(raw("3f2b8f4e6f0c4c8e9c5d0a1b2c3d4e5f5f")) }],
  ["a nonce of 31 bytes", { nonce: item(new Uint8Array(31)) }],
  ["a nonce of 33 bytes", { nonce: item(new Uint8Array(33)) }],
  ["a signature of 63 bytes", { signature: item(new Uint8Array(63)) }],
  ["a signature of 65 bytes", { signature: item(new Uint8Array(65)) }],
  ["the moment after the last", { timestamp: item(Date.parse("9999-12-31T23:59:59.999Z") + 1) }],
  ["the time 2^53 - 1", { timestamp: item(2 ** 53 - 1) }],
  ["the number 2^53", { sequenceNum: raw("1b0020000000000000") }],
])("a frame with %s is refused [FRAME-2]", (_, items) => {
  expect(decodeBinaryFrame(frameOf(items))).toBeUndefined();
});

test("a frame is accepted where the JSON of the same values would be, and nowhere else [FRAME-2]", () => {
  const text = fc.oneof(
    fc.constantFrom("", "é", "a b", 'a"', "a\\", "\x7f", "A", "~"),
    fc.string({ maxLength: 140 }),
    fc.stringMatching(/^[a-z0-9_]+$/),
  );
  const uuid = fc.oneof(fc.constant(raw("3f2b8f4e6f0c4c8e9c5d0a1b2c3d4e5f")), fc.uint8Array({ minLength: 16, maxLength: 16 }));
  const time = fc.oneof(fc.constantFrom(0, 253_402_300_799_999, 253_402_300_800_000, 8_640_000_000_000_000), fc.nat());
  const values = fc.record({
    msgType: text,
    senderId: text,
    recipientId: text,
    sessionId: uuid,
    sequenceNum: fc.maxSafeNat(),
    timestamp: time,
  });
  const keep = fc.subarray(Object.keys(sampleItems));
  fc.assert(
    fc.property(values, keep, (all, kept) => {
      const changed = Object.fromEntries(Object.entries(all).filter(([name]) => !kept.includes(name))) as Partial<typeof all>;
      const items = Object.fromEntries(Object.entries(changed).map(([name, value]) => [name, item(value)]));
      const hex = changed.sessionId === undefined ? "" : encodeHex(changed.sessionId);
      const sessionId = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
      const asText = encodeEnvelope({ ...sample, ...changed, sessionId: hex === "" ? sample.sessionId : sessionId });
      const isHandshake = changed.msgType?.startsWith("handshake") === true;
      expect(decodeBinaryFrame(frameOf(items))).toEqual(isHandshake ? undefined : decodeEnvelope(asText));
    }),
    { numRuns: 2000 },
  );
});

test.each(["1.0", "1.1", "1.3", "0.3", "1.20", "1.2 ", "2", ""])(
  "a frame of version %j is refused, and none is written [FRAME-3]",
  (version) => {
    expect(decodeBinaryFrame(frameOf({ version: item(version) }))).toBeUndefined();
    expect(() => encodeBinaryFrame({ ...sample, version })).toThrow(TypeError);
  },
);

test.each(["handshake", "handshake_ack", "handshake_confirm", "handshake_of_tomorrow"])(
  "a frame of type %s is refused, and none is written [FRAME-3]",
  (msgType) => {
    expect(decodeBinaryFrame(frameOf({ msgType: item(msgType) }))).toBeUndefined();
    expect(() => encodeBinaryFrame({ ...sample, msgType })).toThrow(TypeError);
  },
);

test.each<[string, Partial<Envelope>]>([
  ["an id beyond ASCII", { senderId: "é" }],
  ["no UUID", { sessionId: "session" }],
  ["half a number", { sequenceNum: 0.5 }],
  ["a time below zero", { timestamp: -1 }],
  ["a short nonce", { nonce: new Uint8Array(31) }],
  ["a short signature", { signature: new Uint8Array(63) }],
])("an envelope with %s has no frame: that would be a mistake of ours [FRAME-2]", (_, fields) => {
  expect(() => encodeBinaryFrame({ ...sample, ...fields })).toThrow(TypeError);
});

test("a frame of 256 KiB is accepted, the next larger one neither accepted nor written [FRAME-4]", () => {
  const withData = (length: number): Envelope => ({ ...sample, payload: { encrypted: true, data: new Uint8Array(length) } });
  const others = encodeBinaryFrame(withData(65_536)).length - 65_536;
  const full = withData(envelopeBytesMax - others);
  expect(encodeBinaryFrame(full)).toHaveLength(envelopeBytesMax);
  expect(decodeBinaryFrame(encodeBinaryFrame(full))).toEqual(full);
  const larger = withData(envelopeBytesMax - others + 1);
  expect(() => encodeBinaryFrame(larger)).toThrow(RangeError);
  expect(decodeBinaryFrame(frameOf({ payload: item([true, larger.payload.data]) }))).toBeUndefined();
});

test("whatever is accepted is accepted in one spelling only, which is cborg's too [FRAME-1]", () => {
  const frame = encodeBinaryFrame(sample);
  fc.assert(
    fc.property(fc.nat(frame.length - 1), fc.nat(255), fc.constantFrom("replace", "insert", "delete"), (at, byte, how) => {
      const middle = how === "delete" ? [] : [byte];
      const mutated = Uint8Array.from([...frame.subarray(0, at), ...middle, ...frame.subarray(how === "insert" ? at : at + 1)]);
      const decoded = decodeBinaryFrame(mutated);
      if (decoded === undefined) return;
      expect(encodeBinaryFrame(decoded)).toEqual(mutated);
      expect(item(decode(mutated))).toEqual(mutated);
    }),
    { numRuns: 3000 },
  );
});
