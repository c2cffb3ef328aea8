import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeUtf8 } from "../base/utf8.ts";
import { isShallow } from "./depth-scan.ts";

const isShallowText = (text: string, depthMax: number) => isShallow(encodeUtf8(text), depthMax);

test("a value without brackets has no depth [ENV-3]", () => {
  expect(isShallowText('"[[[["', 0)).toBe(true);
});

test.each([
  ["[]", 1],
  ['{"a":[1,{}]}', 3],
  ["[[],[],[]]", 2],
  ['["[[[["]', 1],
  ['["\\"[[[["]', 1],
  ['["\\\\",[]]', 2],
  ['{"]":{"}":[]}}', 3],
])("%s nests as deep as it should [ENV-3]", (text, depth) => {
  expect(isShallowText(text, depth)).toBe(true);
  expect(isShallowText(text, depth - 1)).toBe(false);
});

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test("any JSON is as deep to the scan as it is to a parser [ENV-3]", () => {
  const texts = fc.json({ maxDepth: 5, stringUnit: fc.constantFrom(...'[]{}"\\a'.split("")) });
  fc.assert(
    fc.property(texts, fc.nat(6), (text, depthMax) => {
      expect(isShallowText(text, depthMax)).toBe(depthOf(JSON.parse(text)) <= depthMax);
    }),
    { numRuns: 500 },
  );
});

test("closing brackets do not buy depth that a parser would reach [ENV-3]", () => {
  expect(isShallowText(`${"]".repeat(10)}${"[".repeat(5)}`, 2)).toBe(true);
  expect(() => JSON.parse(`${"]".repeat(10)}${"[".repeat(5)}`)).toThrow(SyntaxError);
});
