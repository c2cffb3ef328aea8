import { expect, test } from "vitest";
import { isName, nameFromHost } from "./own-name.ts";

test.each([
  ["desk", "desk"],
  ["desk.example.org", "desk"],
  ["Ann's Laptop", "Ann-s-Laptop"],
  ["-odd-", "odd-"],
  ["飛脚", "peer"],
  ["", "peer"],
  ["...", "peer"],
  ["\u0000\n", "peer"],
  ["x".repeat(80), "x".repeat(64)],
])("the host %j proposes the name %j", (host, name) => {
  expect(nameFromHost(host)).toBe(name);
  expect(isName(name)).toBe(true);
});

test("a name holds no blank, no control character and no leading dash", () => {
  for (const text of ["", " desk", "a b", "a\u0000", "a\u001b[31m", "-desk", "a/b", "a".repeat(65), "\ud800"])
    expect(isName(text)).toBe(false);
});
