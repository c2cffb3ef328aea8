import { readCanonicalizationCases, readParserCases } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { encodeUtf8 } from "../base/utf8.ts";
import { canonicalBytes, canonicalJson, type Json, readCanonicalJson, readJson } from "./canonical-json.ts";

/** No bound worth the name: JSONTestSuite is about parsers, and the depth scan has tests of its own. */
const anyDepth = 1_000_000;
const parserCases = readParserCases();
const accepted = (start: string) =>
  parserCases.filter(({ name, bytes }) => name.startsWith(start) && readCanonicalJson(bytes, anyDepth) !== undefined);

test("JSONTestSuite: all 188 texts that are no JSON are refused [ENV-2]", () => {
  expect(parserCases.filter(({ verdict }) => verdict === "refuse")).toHaveLength(188);
  expect(accepted("n_")).toEqual([]);
});

test("JSONTestSuite: of 95 good texts the 42 that are canonical already are accepted [ENV-2]", () => {
  expect(parserCases.filter(({ verdict }) => verdict === "accept")).toHaveLength(95);
  expect(accepted("y_")).toHaveLength(42);
});

test("JSONTestSuite: of 35 texts that parsers disagree on 33 are refused [ENV-2]", () => {
  expect(parserCases.filter(({ verdict }) => verdict === "either")).toHaveLength(35);
  expect(accepted("i_").map(({ name }) => name)).toEqual(["i_number_too_big_pos_int.json", "i_structure_500_nested_arrays.json"]);
});

test("the plain reader accepts every good text of JSONTestSuite and no bad one", () => {
  const read = parserCases.filter(({ verdict, bytes }) => verdict !== "either" && readJson(bytes, anyDepth) !== undefined);
  expect(read).toEqual(parserCases.filter(({ verdict }) => verdict === "accept"));
});

const canonicalizationCases = readCanonicalizationCases();

test("the test data of RFC 8785 has six cases", () => {
  expect(canonicalizationCases).toHaveLength(6);
});

test.each(canonicalizationCases)(
  "RFC 8785 $name: the canonical bytes come out, and are read back alone [ENV-2]",
  ({ input, outputBytes }) => {
    const value = JSON.parse(input) as Json;
    expect(canonicalBytes(value)).toEqual(outputBytes);
    expect(readCanonicalJson(outputBytes, anyDepth)).toEqual(value);
    expect(readCanonicalJson(encodeUtf8(input), anyDepth)).toBeUndefined();
  },
);

test.each([
  '{"a":1,"a":1}',
  '{"b":1,"a":2}',
  "[-0]",
  "[1e2]",
  "[1.0]",
  '["\\u0061"]',
  "[ 1]",
  "\ufeff[]",
  '["\\ud800"]',
  "[1]\n",
  '{"__proto__":1,"__proto__":1}',
])("%j is JSON, but not canonical, and refused [ENV-2]", (text) => {
  expect(readCanonicalJson(encodeUtf8(text), 4)).toBeUndefined();
});

test("deeper than the bound is refused by both readers, before any parser sees it [ENV-3]", () => {
  expect(readCanonicalJson(encodeUtf8("[[[]]]"), 3)).toEqual([[[]]]);
  expect(readCanonicalJson(encodeUtf8("[[[]]]"), 2)).toBeUndefined();
  expect(readJson(encodeUtf8("[[[]]]"), 3)).toEqual([[[]]]);
  expect(readJson(encodeUtf8("[[[]]]"), 2)).toBeUndefined();
  expect(readJson(encodeUtf8("[".repeat(100_000)), 32)).toBeUndefined();
});

test("a key called __proto__ stays a key and reaches no prototype", () => {
  const read = readJson(encodeUtf8('{"__proto__":{"polluted":true}}'), 4) as Record<string, unknown>;
  expect(Object.keys(read)).toEqual(["__proto__"]);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("a value without a JSON form is a mistake of ours and loud", () => {
  expect(() => canonicalJson(undefined as unknown as Json)).toThrow(TypeError);
  expect(() => canonicalJson(Number.NaN)).toThrow("NaN");
});
