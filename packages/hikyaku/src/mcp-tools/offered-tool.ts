/** A tool of a local MCP server as a capability: what others are told of it, and whether it still is what they were told. */
import { isDeepStrictEqual } from "node:util";
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { Tool } from "@modelcontextprotocol/client";
import { visible } from "../text/visible.ts";
import { bounded } from "./bounded-text.ts";

export interface OfferedTool {
  readonly capability: string;
  /** As it was when it was offered first. */
  readonly tool: Tool;
}

/** What the control interface is told of it. */
export interface ToolOffer {
  readonly capability: string;
  readonly description?: string;
  readonly inputSchema: unknown;
  readonly outputSchema?: unknown;
}

export function offerOf({ capability, tool }: OfferedTool): ToolOffer {
  const { description = tool.title, inputSchema, outputSchema } = tool;
  return {
    capability,
    ...(description === undefined ? {} : { description: bounded(description, limits.reasonLengthMax) }),
    inputSchema,
    ...(outputSchema === undefined ? {} : { outputSchema }),
  };
}

/** Throws INVALID_ARGUMENT where its name or the size of its schemas keeps it from being offered. */
export function requireOfferable({ capability, tool }: OfferedTool): void {
  if (!isCapabilityName(capability))
    throw new HikyakuError(
      "INVALID_ARGUMENT",
      `A capability's name has 1 to ${limits.nameLengthMax} visible characters: choose one for the tool ${JSON.stringify(tool.name)} with --tool NAME=CAPABILITY.`,
    );
  for (const part of ["inputSchema", "outputSchema"] as const) {
    const problem = tool[part] === undefined ? undefined : schemaProblem(tool[part]);
    if (problem !== undefined)
      throw new HikyakuError(
        "INVALID_ARGUMENT",
        `The tool ${JSON.stringify(tool.name)} cannot be offered, since its ${part} cannot be judged by: ${problem}. Leave it out.`,
      );
  }
}

export const isCapabilityName = (name: string): boolean => name.length > 0 && name.length <= limits.nameLengthMax && visible(name) === name;

/** What is no more as it was offered, in words; undefined where all of it is. */
export function changeOf({ tool }: OfferedTool, tools: readonly Tool[]): string | undefined {
  const now = tools.find(({ name }) => name === tool.name);
  if (now === undefined) return "is gone";
  const changed = aspects.filter((aspect) => !isDeepStrictEqual(now[aspect], tool[aspect]));
  return changed.length === 0 ? undefined : `has another ${changed.join(" and ")}`;
}

/** What whoever chose it, and whoever uses it, has read. Annotations are hints that nobody goes by. */
const aspects = ["title", "description", "inputSchema", "outputSchema"] as const;

/** Of its size alone. Whether it can be judged by is found out where it will judge, in a thread that can be ended: a schema may take for ever to be read. */
function schemaProblem(schema: Readonly<Record<string, unknown>>): string | undefined {
  try {
    if (JSON.stringify(schema).length <= limits.schemaBytesMax) return undefined;
    return `it has more than ${limits.schemaBytesMax} characters as JSON`;
  } catch {
    return "it is nested too deep";
  }
}
