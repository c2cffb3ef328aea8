/** SECURITY.md names a test for each promise; each of them is there. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;
const text = readFileSync(`${root}SECURITY.md`, "utf8");

/** A row's file, and what of its text the row points at. */
const references = [...text.matchAll(/`(packages\/[^`]+\.ts)`: ((?:"[^"]+"(?:; )?)+)/g)].flatMap(([, path = "", quoted = ""]) =>
  [...quoted.matchAll(/"([^"]+)"/g)].map(([, words = ""]) => [path, words] as const),
);

test("each promise names a test", () => {
  const [, promises = ""] = /## What we promise\n(.*?)\n## /s.exec(text) ?? [];
  const rows = promises.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| promise"));
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.filter((row) => !row.includes("`packages/"))).toEqual([]);
  expect(references.length).toBeGreaterThanOrEqual(rows.length);
});

test.each(references)("%s has a test that says %j", (path, words) => {
  expect(readFileSync(`${root}${path}`, "utf8")).toContain(words);
});
