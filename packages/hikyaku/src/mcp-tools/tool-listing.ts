/** All tools that a local MCP server has, page by page. The server says how many pages there are and what is on them, so all of them together have bounds (spec TOOL-5). */
import type { Client, ListToolsResult, Tool } from "@modelcontextprotocol/client";

const pagesMax = 64;
/** As many characters in all as one message of the server has bytes. */
const lengthMax = 8 * 1024 * 1024;
const msMax = 30_000;

/** Rejects where the server does not list them, or not within the bounds. */
export async function listTools(client: Client): Promise<readonly Tool[]> {
  const endsAt = performance.now() + msMax;
  const found: Tool[] = [];
  let length = 0;
  let cursor: string | undefined;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const params: { readonly cursor?: string } = cursor === undefined ? {} : { cursor };
    const manner = { timeout: Math.max(1, endsAt - performance.now()) };
    const page: ListToolsResult = await client.request({ method: "tools/list", params }, manner);
    length += JSON.stringify(page.tools).length;
    if (length > lengthMax) throw new Error(`they have more than ${lengthMax} characters`);
    found.push(...page.tools);
    cursor = page.nextCursor;
    if (cursor === undefined) return found;
  }
  throw new Error(`they have more than ${pagesMax} pages`);
}
