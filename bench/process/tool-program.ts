/** The least that a tool call can be: an MCP server of the SDK over standard input and output, whose tool gives back what it is given. */
import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

serveStdio(() => {
  const server = new McpServer({ name: "echo", version: "1" });
  const inputSchema = z.object({ input: z.unknown() });
  server.registerTool("echo", { inputSchema }, ({ input }) => ({
    structuredContent: { input },
    content: [{ type: "text", text: JSON.stringify({ input }) }],
  }));
  return server;
});
