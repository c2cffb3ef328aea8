import { anyEnvelope, readParserCases } from "@hikyaku/testkit";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { isSameBytes } from "../base/bytes.ts";
import { envelopeBytesMax } from "../base/limits.ts";
import { decodeUtf8, encodeUtf8 } from "../base/utf8.ts";
import { canonicalJson, type Json } from "./canonical-json.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "./envelope.ts";

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
const sampleText = decodeUtf8(encodeEnvelope(sample)) ?? "";
const decodeText = (text: string) => decodeEnvelope(encodeUtf8(text));

type Fields = Record<string, Json>;
const sampleFields = (): Fields => JSON.parse(sampleText) as Fields;
/** The sample with some wire fields replaced, in canonical form, so that nothing but the value is wrong. */
const withFields = (fields: Fields): string => canonicalJson({ ...sampleFields(), ...fields });

/** The sample's text with one part rewritten; the part must be there. */
function rewritten(part: string, by: string): string {
  expect(sampleText).toContain(part);
  return sampleText.replace(part, () => by);
}

test("any envelope comes back the same, and its bytes are what the canonicaliser of RFC 8785 would write [ENV-1] [ENV-2]", () => {
  fc.assert(
    fc.property(anyEnvelope("1.0", "1.1", "1.2", "999.999"), (envelope) => {
      const bytes = encodeEnvelope(envelope);
      expect(decodeEnvelope(bytes)).toEqual(envelope);
      const text = decodeUtf8(bytes) ?? "";
      expect(canonicalJson(JSON.parse(text) as Json)).toBe(text);
    }),
  );
});

test("an envelope has exactly ten fields, and its payload two [ENV-1]", () => {
  const fields = sampleFields();
  expect(Object.keys(fields)).toEqual([
    "msg_type",
    "nonce",
    "payload",
    "recipient_id",
    "sender_id",
    "sequence_num",
    "session_id",
    "signature",
    "timestamp",
    "version",
  ]);
  expect(Object.keys(fields["payload"] as Fields)).toEqual(["data", "encrypted"]);
});

test.each(Object.keys(sampleFields()))("an envelope without %s is refused [ENV-1]", (name) => {
  const { [name]: _, ...others } = sampleFields();
  expect(decodeText(canonicalJson(others))).toBeUndefined();
});

test.each(["data", "encrypted"])("an envelope without payload.%s is refused [ENV-1]", (name) => {
  const { [name]: _, ...others } = sampleFields()["payload"] as Fields;
  expect(decodeText(withFields({ payload: others }))).toBeUndefined();
});

test.each(["extra", "__proto__", "constructor", "zzz", "Version"])("an envelope with a field %s more is refused [ENV-1]", (name) => {
  expect(decodeText(rewritten('"version"', `"${name}":1,"version"`))).toBeUndefined();
  expect(decodeText(rewritten('"encrypted":true', `"encrypted":true,"${name}":1`))).toBeUndefined();
});

test.each(["extra", "__proto__"])("an envelope where %s stands in for a field is refused [ENV-1]", (name) => {
  expect(decodeText(rewritten('"version"', `"${name}"`))).toBeUndefined();
  expect(decodeText(rewritten('"data"', `"${name}"`))).toBeUndefined();
});

test.each([
  ["a key twice, first the wrong value", rewritten('"version"', '"version":"1.0","version"')],
  ["a key twice, both the same", rewritten('"sequence_num":7', '"sequence_num":7,"sequence_num":7')],
  ["a key twice in the payload", rewritten('"encrypted":true', '"encrypted":false,"encrypted":true')],
  ["an escaped letter in a value", rewritten('"message"', '"\\u006dessage"')],
  ["an escaped letter in a key", rewritten('"version"', '"\\u0076ersion"')],
  ["an escaped solidus in the data", withFields({ payload: { data: "////", encrypted: true } }).replace("////", "\\/\\/\\/\\/")],
  ["an escaped lone surrogate", rewritten("did:key:z6MkA", "did:key:\\ud800")],
  ["minus zero", rewritten('"sequence_num":7', '"sequence_num":-0')],
  ["an exponent", rewritten('"sequence_num":7', '"sequence_num":7e0')],
  ["1e2 for 100", rewritten('"sequence_num":7', '"sequence_num":1e2')],
  ["a fraction of nothing", rewritten('"sequence_num":7', '"sequence_num":7.0')],
  ["a byte order mark", `\ufeff${sampleText}`],
  ["a space before", ` ${sampleText}`],
  ["a line break after", `${sampleText}\n`],
  ["a space after a colon", rewritten(":7", ": 7")],
  ["a NUL after", `${sampleText}\0`],
  ["a second envelope after", `${sampleText}${sampleText}`],
  ["keys in another order", JSON.stringify({ version: "1.2", ...sampleFields() })],
  ["payload keys in another order", rewritten('"data":"AQIDBA==","encrypted":true', '"encrypted":true,"data":"AQIDBA=="')],
  ["an array around it", `[${sampleText}]`],
  ["a comment", `${sampleText}/**/`],
  ["nothing at all", ""],
  ["null", "null"],
])("an envelope with %s is refused [ENV-2]", (_, text) => {
  expect(decodeText(sampleText)).toEqual(sample);
  expect(decodeText(text)).toBeUndefined();
});

test("bytes that are no UTF-8 are refused [ENV-2]", () => {
  const bytes = encodeEnvelope(sample);
  for (const byte of [0x80, 0xc0, 0xff]) expect(decodeEnvelope(bytes.with(20, byte))).toBeUndefined();
});

test("whatever is accepted is accepted in one spelling only [ENV-2]", () => {
  const bytes = encodeEnvelope(sample);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.constantFrom("replace", "insert", "delete"), (at, byte, how) => {
      const middle = how === "delete" ? [] : [byte];
      const mutated = Uint8Array.from([...bytes.subarray(0, at), ...middle, ...bytes.subarray(how === "insert" ? at : at + 1)]);
      const decoded = decodeEnvelope(mutated);
      expect(decoded === undefined || isSameBytes(encodeEnvelope(decoded), mutated)).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

test("nothing of JSONTestSuite is an envelope [ENV-1] [ENV-2]", () => {
  const cases = readParserCases();
  expect(cases).toHaveLength(318);
  expect(cases.filter(({ bytes }) => decodeEnvelope(bytes) !== undefined)).toEqual([]);
});

test("depth is judged before parsing, so a hundred thousand brackets reach no parser [ENV-3]", () => {
  const parse = vi.spyOn(JSON, "parse");
  for (const text of ["[".repeat(100_000), '{"a":'.repeat(50_000), `${sampleText.slice(0, -1)},"z":${"[".repeat(100_000)}`]) {
    expect(decodeText(text)).toBeUndefined();
  }
  expect(parse).not.toHaveBeenCalled();
  expect(decodeText(sampleText)).toEqual(sample);
  expect(parse).toHaveBeenCalledTimes(1);
  parse.mockRestore();
});

test("a third level is refused [ENV-3]", () => {
  expect(decodeText(withFields({ payload: { data: [], encrypted: true } }))).toBeUndefined();
});

test.each([
  ["an id of 128 letters", { sender_id: "a".repeat(128) }],
  ["an id of one letter", { recipient_id: "!" }],
  ["an id of the last letter allowed", { recipient_id: "~" }],
  ["an empty payload", { payload: { data: "", encrypted: false } }],
  ["the first moment", { timestamp: "1970-01-01T00:00:00.000Z" }],
  ["a leap day", { timestamp: "2024-02-29T23:59:59.999Z" }],
])("an envelope with %s is accepted [ENV-4]", (_, fields) => {
  expect(decodeText(withFields(fields))).toBeDefined();
});

test.each<[string, Fields]>([
  ["an empty id", { sender_id: "" }],
  ["an id of 129 letters", { sender_id: "a".repeat(129) }],
  ["a space in an id", { recipient_id: "a b" }],
  ["a quote in an id", { recipient_id: 'a"b' }],
  ["a backslash in an id", { recipient_id: "a\\b" }],
  ["a line break at the end of an id", { recipient_id: "a\n" }],
  ["a DEL in an id", { sender_id: "a\x7f" }],
  ["a letter beyond ASCII in an id", { sender_id: "é" }],
  ["an id that is a number", { sender_id: 1 }],
  ["an id that is null", { sender_id: null }],
  ["an uppercase UUID", { session_id: "3F2B8F4E-6F0C-4C8E-9C5D-0A1B2C3D4E5F" }],
  ["a UUID of version 7", { session_id: "3f2b8f4e-6f0c-7c8e-9c5d-0a1b2c3d4e5f" }],
  ["a UUID of another variant", { session_id: "3f2b8f4e-6f0c-4c8e-cc5d-0a1b2c3d4e5f" }],
  ["a UUID without dashes", { session_id: "3f2b8f4e6f0c4c8e9c5d0a1b2c3d4e5f" }],
  ["a UUID in braces", { session_id: "{3f2b8f4e-6f0c-4c8e-9c5d-0a1b2c3d4e5f}" }],
  ["a time without milliseconds", { timestamp: "2026-02-01T00:00:00Z" }],
  ["a time with microseconds", { timestamp: "2026-02-01T00:00:00.123456Z" }],
  ["a time in another zone", { timestamp: "2026-02-01T00:00:00.123+00:00" }],
  ["a lowercase z", { timestamp: "2026-02-01T00:00:00.123z" }],
  ["a day that does not exist", { timestamp: "2026-02-29T00:00:00.000Z" }],
  ["a leap second", { timestamp: "2026-06-30T23:59:60.000Z" }],
  ["24 o'clock", { timestamp: "2026-02-01T24:00:00.000Z" }],
  ["a time before 1970", { timestamp: "1969-12-31T23:59:59.999Z" }],
  ["a time that is a number", { timestamp: 1769904000123 }],
  ["an uppercase nonce", { nonce: "AB".repeat(32) }],
  ["a nonce of 31 bytes", { nonce: "ab".repeat(31) }],
  ["a nonce of 33 bytes", { nonce: "ab".repeat(33) }],
  ["a signature of 63 bytes", { signature: "cd".repeat(63) }],
  ["an uppercase signature", { signature: "CD".repeat(64) }],
  ["a signature in base64", { signature: "zc3N".repeat(32) }],
  ["unpadded data", { payload: { data: "AQIDBA", encrypted: true } }],
  ["data with stray bits", { payload: { data: "AQIDBB==", encrypted: true } }],
  ["data in the alphabet of URLs", { payload: { data: "-_-_", encrypted: true } }],
  ["data that is null", { payload: { data: null, encrypted: true } }],
  ["encrypted as a number", { payload: { data: "AQIDBA==", encrypted: 1 } }],
  ["encrypted as text", { payload: { data: "AQIDBA==", encrypted: "true" } }],
  ["an array as payload", { payload: ["AQIDBA==", true] }],
  ["text as payload", { payload: "ab" }],
  ["a version without a minor number", { version: "1" }],
  ["a version of three numbers", { version: "1.2.3" }],
  ["a version that is a number", { version: 1.2 }],
  ["an uppercase type", { msg_type: "Message" }],
  ["an empty type", { msg_type: "" }],
  ["a type of 33 letters", { msg_type: "a".repeat(33) }],
])("an envelope with %s is refused [ENV-4]", (_, fields) => {
  expect(decodeText(withFields(fields))).toBeUndefined();
});

test.each([0, 1, 2 ** 53 - 1])("the number %d is accepted [ENV-5]", (sequenceNum) => {
  expect(decodeEnvelope(encodeEnvelope({ ...sample, sequenceNum }))).toEqual({ ...sample, sequenceNum });
});

test.each(["-1", "0.5", "9007199254740992", "9007199254740993", "1e400", "100000000000000000000", '"7"', "true", "null", "[7]"])(
  "the number %s is refused [ENV-5]",
  (number) => {
    expect(decodeText(rewritten('"sequence_num":7', `"sequence_num":${number}`))).toBeUndefined();
  },
);

test("an envelope of 256 KiB is accepted, the next larger one refused [ENV-6]", () => {
  const ofLength = (length: number) =>
    encodeEnvelope({ ...sample, senderId: "a", payload: { encrypted: true, data: new Uint8Array(length) } });
  const room = Math.floor((envelopeBytesMax - ofLength(0).length) / 4) * 3;
  const gap = envelopeBytesMax - ofLength(room).length;
  const filled = (letters: number) =>
    encodeEnvelope({ ...sample, senderId: "a".repeat(1 + letters), payload: { encrypted: true, data: new Uint8Array(room) } });
  expect(filled(gap)).toHaveLength(envelopeBytesMax);
  expect(decodeEnvelope(filled(gap))).toBeDefined();
  expect(decodeEnvelope(filled(gap + 1))).toBeUndefined();
});
