/** Which tools of a local MCP server its owner offers, one by one, and under which names. Nothing is offered that nobody chose. */
import { HikyakuError } from "@hikyaku/protocol";
import type { Tool } from "@modelcontextprotocol/client";
import { type OfferedTool, requireOfferable } from "./offered-tool.ts";

export interface ToolChoice {
  /** As on the command line: `NAME` or `NAME=CAPABILITY`. */
  readonly wishes: readonly string[];
  /** Every tool that is there now; those that are wished for under another name have that. */
  readonly takesAll: boolean;
}

/** Each asks for news on a connection of its own, and the control interface has only so many for all commands and agents together. */
const toolsOfferedMax = 16;

/** Throws INVALID_ARGUMENT where something is wished for that there is not, or that cannot be offered. */
export function chooseTools(tools: readonly Tool[], { wishes, takesAll }: ToolChoice): readonly OfferedTool[] {
  const wished = wishes.map((wish) => wishedTool(tools, wish));
  const rest = takesAll ? tools.filter(({ name }) => wished.every(({ tool }) => tool.name !== name)) : [];
  const chosen = [...wished, ...rest.map((tool) => ({ capability: tool.name, tool }))];
  requireFew(chosen);
  requireDistinct(chosen);
  for (const one of chosen) requireOfferable(one);
  return chosen;
}

function wishedTool(tools: readonly Tool[], wish: string): OfferedTool {
  const at = wish.indexOf("=");
  const name = at < 0 ? wish : wish.slice(0, at);
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined)
    throw new HikyakuError(
      "INVALID_ARGUMENT",
      `The server has no tool ${JSON.stringify(name)}. With --list instead of --tool it lists them.`,
    );
  return { capability: at < 0 ? name : wish.slice(at + 1), tool };
}

function requireFew(chosen: readonly OfferedTool[]): void {
  if (chosen.length > toolsOfferedMax)
    throw new HikyakuError(
      "INVALID_ARGUMENT",
      `At most ${toolsOfferedMax} tools are offered at once, and these are ${chosen.length}: choose with --tool.`,
    );
}

function requireDistinct(chosen: readonly OfferedTool[]): void {
  const names = chosen.map(({ capability }) => capability);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new HikyakuError(
      "INVALID_ARGUMENT",
      `Two tools would be called ${JSON.stringify(twice)}: name one otherwise with --tool NAME=CAPABILITY.`,
    );
}
