/** The last word on a task that a tool did: its result, structured where it is, or why it failed. What no message could carry makes the task fail, in a sentence that says so. */
import { encodeUtf8, limits, readJson } from "@hikyaku/protocol";
import type { CallToolResult } from "@modelcontextprotocol/client";
import type { Said } from "../serving/run.ts";
import { bounded } from "./bounded-text.ts";

export function saidOf({ isError, content, structuredContent }: CallToolResult): Said {
  if (isError === true) return failure(textOf(content) || "The tool failed, and does not say why.");
  const said = { result: structuredContent ?? { content } };
  const problem = problemOf(said);
  return problem === undefined ? said : failure(problem);
}

export const failure = (why: string): Said => ({ error: bounded(why, limits.taskDetailLengthMax) });

const textOf = (content: CallToolResult["content"]): string =>
  content
    .flatMap((block) => (block.type === "text" ? [block.text] : []))
    .join("\n")
    .trim();

function problemOf(said: Said): string | undefined {
  const text = jsonOf(said);
  if (text === undefined) return tooDeep;
  const bytes = encodeUtf8(text);
  if (bytes.length > limits.bodyBytesMax)
    return `The tool's result has ${bytes.length} bytes as JSON, and a message holds at most ${limits.bodyBytesMax}.`;
  return readJson(bytes, limits.bodyDepthMax) === undefined ? tooDeep : undefined;
}

const tooDeep = `The tool's result is nested more than ${limits.bodyDepthMax} deep, which no message can carry.`;

/** Undefined where it is nested so deep that it cannot even be written. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
