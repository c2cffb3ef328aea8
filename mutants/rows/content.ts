/** What other peers wrote, in the hands of an agent (spec §20). */
import type { Mutant } from "../mutant.ts";

const test = "packages/hikyaku/src/cli/mcp-content.test.ts";

export const contentMutants: readonly Mutant[] = [
  {
    must: "DATA-1",
    file: "packages/hikyaku/src/mcp/task-watch.ts",
    text: '{ said: quote(speaker, "answer", content, length) }',
    replacement: "content",
    test,
  },
  {
    must: "DATA-1",
    file: "packages/hikyaku/src/mcp/quoted.ts",
    text: "    origin: { did, name },\n    trust,\n    scope,",
    replacement: "    origin: { did, name },\n    trust,\n    scope,\n    ...(whole as object),",
    test,
  },
  {
    must: "DATA-1",
    file: "packages/hikyaku/src/mcp/task-watch.ts",
    text: 'state === "canceled" || state === "rejected" ? task.peer',
    replacement: 'state === "canceled" ? task.peer',
    test,
    title: "why an input is rejected",
  },
  {
    must: "DATA-1",
    file: "packages/hikyaku/src/judging/judge-program.ts",
    text: 'code === "unrecognized_keys" ? "it has keys that the schema does not name" : message',
    replacement: "code === undefined ? code : message",
    test: "packages/hikyaku/src/judging/schema-judge.test.ts",
    title: "in words of the schema",
  },
  {
    must: "DATA-1",
    file: "packages/hikyaku/src/judging/judge-program.ts",
    text: 'text.includes(JSON.stringify(key)) ? visible(key) : "*"',
    replacement: "text === undefined ? text : visible(key)",
    test: "packages/hikyaku/src/judging/schema-judge.test.ts",
    title: "in words of the schema",
  },
  {
    must: "DATA-1",
    file: "packages/hikyaku/src/mcp/task-watch.ts",
    text: "{ progress }: EventAnswer): Promise<void> {\n  if (progress !== undefined) await call.progress(progress, `${name} (${trust})`);",
    replacement:
      "{ progress, detail }: EventAnswer): Promise<void> {\n  if (progress !== undefined) await call.progress(progress, `${name} (${trust}) ${detail}`);",
    test,
  },
  {
    must: "DATA-2",
    file: "packages/hikyaku/src/mcp/quoted.ts",
    text: "map(([key, field]) => [readable(key), asReadable(field)])",
    replacement: "map(([key, field]) => [key, asReadable(field)])",
    test,
  },
  {
    must: "DATA-2",
    file: "packages/hikyaku/src/text/visible.ts",
    text: "\\p{Default_Ignorable_Code_Point}",
    replacement: "",
    test: "packages/hikyaku/src/text/visible.test.ts",
  },
  {
    must: "DATA-2",
    file: "packages/hikyaku/src/text/visible.ts",
    text: "[\\p{Zs}--[\\u0020\\u3000]]",
    replacement: "",
    test: "packages/hikyaku/src/text/visible.test.ts",
    title: "no space but the plain one",
  },
  {
    must: "DATA-2",
    file: "packages/hikyaku/src/text/visible.ts",
    text: "[\\p{Emoji}--\\p{ASCII}]",
    replacement: "\\p{Emoji}",
    test: "packages/hikyaku/src/text/visible.test.ts",
    title: "letters and digits carry no selector",
  },
  {
    must: "DATA-4",
    file: "packages/hikyaku/src/mcp/quoted.ts",
    text: 'text.slice(0, length).replace(/[\\uD800-\\uDBFF]$/, "")',
    replacement: "text.slice(0, length)",
    test,
  },
];
