import { type Capability, encodeUtf8 } from "@hikyaku/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fitInto } from "./capability-list.ts";

const bytesOf = (value: unknown): number => encodeUtf8(JSON.stringify(value)).length;
const many: readonly Capability[] = [
  { name: "small", version: "1", description: "飛脚", input: { a: 1 } },
  { name: "large", version: "1", input: "x".repeat(200), output: "y".repeat(100) },
  { name: "middle", version: "1", output: "z".repeat(150), load: { running: 0, waiting: 0 } },
];

test("a list that fits stays as it is [CAP-5]", () => {
  expect(fitInto(many, bytesOf(many))).toEqual({ capabilities: many, isWhole: true });
});

test("a list that is one byte too long loses its largest schema, and says so [CAP-5]", () => {
  const [small, large, middle] = many;
  const shorter = [small, { name: "large", version: "1", output: large?.output }, middle];
  expect(fitInto(many, bytesOf(many) - 1)).toEqual({ capabilities: shorter, isWhole: false });
  expect(fitInto(many, bytesOf(shorter))).toEqual({ capabilities: shorter, isWhole: false });
});

test("descriptions go after all schemas, and capabilities after all descriptions, from the last on [CAP-5]", () => {
  const bare = [
    { name: "small", version: "1" },
    { name: "large", version: "1" },
    { name: "middle", version: "1", load: { running: 0, waiting: 0 } },
  ];
  const described = [{ ...bare[0], description: "飛脚" }, ...bare.slice(1)];
  expect(fitInto(many, bytesOf(described)).capabilities).toEqual(described);
  expect(fitInto(many, bytesOf(described) - 1).capabilities).toEqual(bare);
  expect(fitInto(many, bytesOf(bare) - 1).capabilities).toEqual(bare.slice(0, 2));
  expect(fitInto(many, 2)).toEqual({ capabilities: [], isWhole: false });
});

test("whatever the list and the room, what is left fits [CAP-5]", () => {
  const text = (maxLength: number) => fc.string({ unit: fc.constantFrom("a", "é", "飛", "\u0000", "\ud800"), maxLength });
  const capability = fc.record(
    { name: text(9), version: fc.constant("1"), description: text(20), input: text(60), output: fc.array(fc.integer()) },
    { requiredKeys: ["name", "version"] },
  );
  fc.assert(
    fc.property(fc.array(capability, { maxLength: 8 }), fc.integer({ min: 2, max: 600 }), (list, bytesMax) => {
      const { capabilities, isWhole } = fitInto(list, bytesMax);
      expect(bytesOf(capabilities)).toBeLessThanOrEqual(bytesMax);
      expect(isWhole).toBe(bytesOf(list) <= bytesMax);
    }),
    { numRuns: 40 },
  );
});
