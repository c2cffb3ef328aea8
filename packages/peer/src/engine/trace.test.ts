import { HikyakuError } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { traceOf } from "./trace.ts";

test("a refusal of ours is told whole, since its sentence is made to be shown", () => {
  expect(traceOf(new HikyakuError("STORAGE_FAILED", "The disk is full."))).toBe("STORAGE_FAILED: The disk is full.");
});

test.each<[string, () => unknown]>([
  ["quotes what it read", () => JSON.parse('canary "canary"')],
  ["has lines that look like places", () => Promise.reject(new Error("a\n    at canary (file:///canary.ts:1:1)\n    at /canary:1:1"))],
  ["is called by a secret", () => Promise.reject(Object.assign(new Error("x"), { name: "canary\ncanary" }))],
  ["is no error", () => Promise.reject("canary")],
  ["has lost its stack", () => Promise.reject(Object.assign(new Error("canary"), { stack: "canary" }))],
  ["was given another message later", () => Promise.reject(Object.assign(new Error("canary"), { message: "new" }))],
])("of a failure that %s only the kind and the place are told, in one line [KEY-6]", async (_, fail) => {
  const error: unknown = await (async () => await fail())().catch((caught: unknown) => caught);
  expect(traceOf(error)).not.toMatch(/canary|\n/);
  expect(traceOf(error)).toMatch(/^(?:SyntaxError|Error|string)(?: at .*:\d+:\d+\)?)?$/);
});
