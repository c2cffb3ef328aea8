import { expect, test } from "vitest";
import { mutate } from "./mutant.ts";

test("the text is replaced as it stands, and its line is known", () => {
  const mutation = mutate("one\ntwo\nthree\n", { text: "two", replacement: "$& $1" });
  expect(mutation).toEqual({ kind: "mutated", source: "one\n$& $1\nthree\n", line: 2 });
});

test.each([
  ["does not occur", "four", "5"],
  ["occurs twice", "one", "5"],
  ["occurs twice, overlapping itself", "aa", "5"],
  ["is empty", "", "5"],
  ["is the same after it", "two", "two"],
])("a text that %s is no mutant", (_, text, replacement) => {
  expect(mutate("one two one aaa", { text, replacement }).kind).toBe("broken");
});
