import { expect, test } from "vitest";
import { saidOf } from "./tool-result.ts";

const words = (text: string) => ({ type: "text" as const, text });
const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);

test("a structured result is the output as it stands, also where it is nothing; else the content is [TOOL-5]", () => {
  expect(saidOf({ content: [words("x")], structuredContent: { a: 1 } })).toEqual({ result: { a: 1 } });
  expect(saidOf({ content: [words("x")] })).toEqual({ result: { content: [words("x")] } });
  expect(saidOf({ content: [] })).toEqual({ result: { content: [] } });
});

test("a failure is told in the tool's words, as far as a task has room for them", () => {
  expect(saidOf({ isError: true, content: [words("no"), { type: "image", data: "", mimeType: "image/png" }, words("paper")] })).toEqual({
    error: "no\npaper",
  });
  expect(saidOf({ isError: true, content: [] })).toEqual({ error: "The tool failed, and does not say why." });
  expect(saidOf({ isError: true, content: [words("x".repeat(5000))] })).toEqual({ error: `${"x".repeat(4095)}…` });
});

test("what no message could carry is a failure [TOOL-5]", () => {
  expect(saidOf({ content: [words("x".repeat(200_000))] })).toEqual({ error: expect.stringMatching(/has 200\d+ bytes as JSON/) });
  for (const depth of [40, 100_000])
    expect(saidOf({ content: [], structuredContent: nested(depth) as never })).toEqual({
      error: expect.stringContaining("nested more than 32 deep"),
    });
});
