import type { Tool } from "@modelcontextprotocol/client";
import { describe, expect, test } from "vitest";
import { changeOf, offerOf } from "./offered-tool.ts";
import { chooseTools } from "./tool-choice.ts";

const tool = (name: string, more: Partial<Tool> = {}): Tool => ({ name, inputSchema: { type: "object" }, ...more });
const usable = [tool("read"), tool("write"), tool("list")];
const tools = [...usable, tool("a".repeat(65)), tool("two\nlines")];
const choose = (wishes: readonly string[], takesAll = false, among: readonly Tool[] = tools): readonly (readonly string[])[] =>
  chooseTools(among, { wishes, takesAll }).map(({ capability, tool: { name } }) => [capability, name]);

test("what is wished for is chosen, under its name or another, and nothing else [TOOL-1]", () => {
  expect(choose(["write", "read=files.read"], false, usable)).toEqual([
    ["write", "write"],
    ["files.read", "read"],
  ]);
  expect(choose([])).toEqual([]);
  expect(choose(["read=a", "read=b=c"])).toEqual([
    ["a", "read"],
    ["b=c", "read"],
  ]);
});

test("all that are there are chosen at once, those with another name under that [TOOL-1]", () => {
  expect(choose(["read=r"], true, usable)).toEqual([
    ["r", "read"],
    ["write", "write"],
    ["list", "list"],
  ]);
});

describe("what cannot be offered is refused with what is wrong and the way out [TOOL-2]", () => {
  test.each([
    ["no such tool", ["reed"], 'The server has no tool "reed".'],
    ["an empty name", ["read="], 'visible characters: choose one for the tool "read" with --tool NAME=CAPABILITY.'],
    ["too long a name", ["a".repeat(65)], "has 1 to 64 visible characters"],
    ["a name that hides something", ["two\nlines"], "has 1 to 64 visible characters"],
    ["one name for two", ["read=x", "write=x"], 'Two tools would be called "x"'],
  ])("%s", (_, wishes, why) => {
    expect(() => choose(wishes)).toThrow(why);
  });

  test("too many, and a schema that is too large or too deep", () => {
    const many = Array.from({ length: 17 }, (_, index) => tool(`t${index}`));
    expect(() => choose([], true, many)).toThrow("At most 16 tools are offered at once, and these are 17");
    const large = tool("large", { outputSchema: { type: "object", description: "x".repeat(20_000) } });
    expect(() => choose(["large"], false, [large])).toThrow("its outputSchema cannot be judged by: it has more than 16384 characters");
    const deep = tool("deep", {
      inputSchema: JSON.parse(`${'{"type":"object","not":'.repeat(50_000)}{}${"}".repeat(50_000)}`) as Tool["inputSchema"],
    });
    expect(() => choose(["deep"], false, [deep])).toThrow("its inputSchema cannot be judged by: it is nested too deep");
  });
});

test("a description is cut to what an offer may hold, a title stands in for it, and no half of a character is told", () => {
  const described = (more: Partial<Tool>): string | undefined => offerOf({ capability: "c", tool: tool("t", more) }).description;
  expect(described({})).toBeUndefined();
  expect(described({ title: "A tool" })).toBe("A tool");
  expect(described({ description: "short", title: "A tool" })).toBe("short");
  expect(described({ description: "x".repeat(300) })).toBe(`${"x".repeat(255)}…`);
  expect(described({ description: `${"x".repeat(254)}\u{1F600}…` })).toBe(`${"x".repeat(254)}\uFFFD…`);
});

describe("a tool has changed where what was read of it is no more so [TOOL-2]", () => {
  const was = tool("t", { description: "d", inputSchema: { type: "object", properties: { a: {}, b: {} } } });
  const change = (now: readonly Tool[]): string | undefined => changeOf({ capability: "c", tool: was }, now);
  test.each<[string, readonly Tool[], string | undefined]>([
    [
      "the same, in another order",
      [tool("x"), { inputSchema: { properties: { b: {}, a: {} }, type: "object" }, description: "d", name: "t" }],
      undefined,
    ],
    ["hints alone", [{ ...was, annotations: { readOnlyHint: true } }], undefined],
    ["gone", [tool("x")], "is gone"],
    ["another description", [{ ...was, description: "D" }], "has another description"],
    [
      "another schema and a new one",
      [{ ...was, inputSchema: { type: "object" }, outputSchema: { type: "object" } }],
      "has another inputSchema and outputSchema",
    ],
  ])("%s", (_, now, why) => {
    expect(change(now)).toBe(why);
  });
});
