import type { Reception } from "@hikyaku/peer";
import { type Bytes, decodeUtf8, type ErrorCode, encodeUtf8, limits } from "@hikyaku/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeAnswer, encodeAnswer } from "./http-answer.ts";

const did = "did:key:zDesk";
const malformed = { kind: "refused", code: "MALFORMED_MESSAGE" };
const textOf = (reception: Reception): string => decodeUtf8(encodeAnswer(reception, did).body) ?? "";
const decode = (status: number, text: string): Reception => decodeAnswer(status, encodeUtf8(text));
const receive = (replies: string, rest = ""): Reception =>
  decode(200, `{"status":"received","entity_id":"${did}","replies":${replies}${rest}}`);

test("a reception is written as the original names its fields [HTTP-1]", () => {
  const replies = [encodeUtf8('{"a":1}'), encodeUtf8('{"b":"é"}')];
  expect(textOf({ kind: "received", replies: [], more: false })).toBe(`{"status":"received","entity_id":"${did}","replies":[]}`);
  expect(textOf({ kind: "received", replies, more: true })).toBe(
    `{"status":"received","entity_id":"${did}","replies":[{"a":1},{"b":"é"}],"more":true}`,
  );
});

test("every REJECTED is the same bytes, whatever the receiver knows [ERR-4]", () => {
  const bodies = [
    textOf({ kind: "refused", code: "REJECTED" }),
    textOf({ kind: "refused", code: "REJECTED", retryAfterS: 3, correlationId: "x", versions: ["1.0"] }),
    textOf({ kind: "refused", code: "SESSION_EXPIRED" }),
    textOf({ kind: "refused", code: "DECRYPTION_FAILED" }),
    textOf({ kind: "refused", code: "KEY_CHANGED" }),
    textOf({ kind: "refused", code: "UNKNOWN_RECIPIENT" }),
  ];
  expect(new Set(bodies)).toEqual(new Set(['{"error":{"code":"REJECTED","rehandshake":true}}']));
});

test.each<readonly [ErrorCode, number]>([
  ["REJECTED", 400],
  ["MALFORMED_MESSAGE", 400],
  ["HANDSHAKE_FAILED", 400],
  ["KEY_CHANGED", 400],
  ["MESSAGE_TOO_LARGE", 413],
  ["UNSUPPORTED_MEDIA", 415],
  ["RATE_LIMITED", 429],
  ["INTERNAL_ERROR", 500],
  ["OVERLOADED", 503],
])("%s has the status %i", (code, status) => {
  expect(encodeAnswer({ kind: "refused", code }, did).status).toBe(status);
});

test("replies come back as the very bytes that stood in the answer, spaces and order included [HTTP-6]", () => {
  const replies = ['{ "b" : 1 , "a" : "]}\\"{[" }', '{"payload":{"x":0}}', "{}"];
  expect(receive(`[ ${replies.join(" ,\n")} ]`, ',"more":true')).toEqual({
    kind: "received",
    replies: replies.map((reply) => encodeUtf8(reply)),
    more: true,
  });
});

test.each([
  ["no JSON", "<html>"],
  ["nothing", ""],
  ["null", "null"],
  ["a list", "[]"],
  ["an empty object", "{}"],
  ["another status", `{"status":"ok","entity_id":"${did}","replies":[]}`],
  ["no replies", `{"status":"received","entity_id":"${did}"}`],
  ["no name", `{"status":"received","replies":[]}`],
  ["a name with spaces", `{"status":"received","entity_id":"a b","replies":[]}`],
  ["an unknown field", `{"status":"received","entity_id":"${did}","replies":[],"admin":true}`],
  ["a reply that is text", `{"status":"received","entity_id":"${did}","replies":["{}"]}`],
  ["a reply that is a list", `{"status":"received","entity_id":"${did}","replies":[[]]}`],
  ["a reply that is null", `{"status":"received","entity_id":"${did}","replies":[null]}`],
  ["replies in an object", `{"status":"received","entity_id":"${did}","replies":{"a":{}}}`],
  ["a doubled field", `{"status":"received","entity_id":"${did}","replies":[{}],"replies":[{}]}`],
  ["a more that is a number", `{"status":"received","entity_id":"${did}","replies":[],"more":1}`],
  ["a truncated text", `{"status":"received","entity_id":"${did}","replies":[{}`],
  ["too deep", `{"status":"received","entity_id":"${did}","replies":[{"a":{"b":{}}}]}`],
  ["a bottomless text", "[".repeat(200_000)],
  ["too many replies", `{"status":"received","entity_id":"${did}","replies":[${Array(65).fill("{}").join()}]}`],
  ["a flood of replies", `{"status":"received","entity_id":"${did}","replies":[${Array(100_000).fill("{}").join()}]}`],
  ["too long replies", `{"status":"received","entity_id":"${did}","replies":[{"a":"${"x".repeat(limits.repliesBytesMax)}"}]}`],
  ["a refusal", '{"error":{"code":"REJECTED","rehandshake":true}}'],
])("a 200 with %s is one refusal [HTTP-6]", (_, text) => {
  expect(decode(200, text)).toEqual(malformed);
});

test.each([
  ["no error", "{}"],
  ["an error that is text", '{"error":"REJECTED"}'],
  ["no code", '{"error":{}}'],
  ["an unknown code", '{"error":{"code":"NO_SUCH_CODE"}}'],
  ["an inherited name for a code", '{"error":{"code":"constructor"}}'],
  ["a code for our own people", '{"error":{"code":"KEY_CHANGED"}}'],
  ["a code for authenticated peers", '{"error":{"code":"UNAUTHORIZED"}}'],
  ["a code that is never told", '{"error":{"code":"DECRYPTION_FAILED"}}'],
  ["an unknown field beside the code", '{"error":{"code":"REJECTED","text":"boo"}}'],
  ["an unknown field beside the error", '{"error":{"code":"REJECTED"},"status":"received"}'],
  ["a wait that is a text", '{"error":{"code":"RATE_LIMITED","retry_after":"7"}}'],
  ["a wait without end", '{"error":{"code":"RATE_LIMITED","retry_after":3601}}'],
  ["a wait into the past", '{"error":{"code":"RATE_LIMITED","retry_after":-1}}'],
  ["versions that are numbers", '{"error":{"code":"INVALID_VERSION","versions":[1.2]}}'],
  ["too many versions", `{"error":{"code":"INVALID_VERSION","versions":[${Array(17).fill('"1.0"').join()}]}}`],
  ["a correlation id with a line break", '{"error":{"code":"INTERNAL_ERROR","correlation_id":"a\\nb"}}'],
  ["a rehandshake that is no yes", '{"error":{"code":"REJECTED","rehandshake":1}}'],
  ["a reception", `{"status":"received","entity_id":"${did}","replies":[]}`],
])("a 400 with %s is one refusal [HTTP-6]", (_, text) => {
  expect(decode(400, text)).toEqual(malformed);
});

test("no bytes make the decoder throw, and what it accepts is within bounds [HTTP-6]", () => {
  const seeds = [
    textOf({ kind: "received", replies: [encodeUtf8('{"a":{"b":1}}')], more: true }),
    textOf({ kind: "refused", code: "RATE_LIMITED", retryAfterS: 7 }),
  ].map((text) => encodeUtf8(text));
  const change = fc.record({ at: fc.nat(), to: fc.constantFrom(...encodeUtf8('{}[]",:\\0a').values(), 0x00, 0x80, 0xff) });
  const damage = (seed: Bytes, changes: readonly { at: number; to: number }[]): Bytes => {
    const bytes = seed.slice();
    for (const { at, to } of changes) bytes[at % bytes.length] = to;
    return bytes;
  };
  const isBounded = (reception: Reception): boolean =>
    reception.kind === "received"
      ? reception.replies.length <= limits.repliesCountMax
      : (reception.retryAfterS ?? 0) <= limits.retryAfterSMax;
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.array(change, { maxLength: 6 }), fc.constantFrom(200, 400), (seed, changes, status) => {
      expect(decodeAnswer(status, damage(seed, changes))).toSatisfy(isBounded);
    }),
    { numRuns: 2000 },
  );
});
