/**
 * The conformance kit's own example server, as far as it shows how things are carried: answers, errors, progress, logs and questions in the middle of a call, in both revisions. It stands behind our
 * HTTP face, in place of our tools.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import {
  type CallToolResult,
  createRequestStateCodec,
  inputRequired,
  inputResponse,
  McpServer,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import type { McpFace } from "../../packages/hikyaku/src/mcp/mcp-server.ts";

const stepMs = 20;
const description = "Of the conformance kit's example server.";
const text = (words: string): CallToolResult => ({ content: [{ type: "text", text: words }] });
/** What is tampered with is refused. */
const states = createRequestStateCodec({ key: randomBytes(32) });

export function createExampleServer(): McpFace {
  const server = new McpServer(
    { name: "example", version: "1.0.0" },
    {
      capabilities: { logging: {}, resources: { subscribe: true } },
      requestState: { verify: (state, context) => states.verify(state, context) },
    },
  );
  offerAnswers(server);
  offerNews(server);
  offerQuestions(server);
  server.registerResource("text", "test://static-text", { mimeType: "text/plain" }, async ({ href }) => ({
    contents: [{ uri: href, mimeType: "text/plain", text: "This is the content of the static text resource." }],
  }));
  for (const method of ["resources/subscribe", "resources/unsubscribe"] as const) server.server.setRequestHandler(method, () => ({}));
  return { server, changed: () => undefined };
}

function offerAnswers(server: McpServer): void {
  server.registerTool("test_simple_text", { description }, async () => text("This is a simple text response for testing."));
  server.registerTool("test_error_handling", { description }, async () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  const region = z.string().meta({ "x-mcp-header": "Region" });
  server.registerTool("test_headers", { description, inputSchema: z.object({ region }) }, async (given) => text(given.region));
}

function offerNews(server: McpServer): void {
  server.registerTool("test_tool_with_progress", { description }, async ({ mcpReq }: ServerContext) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined)
        await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 100 } });
      await pause(stepMs);
    }
    return text("done");
  });
  for (const name of ["test_tool_with_logging", "test_logging_tool"])
    server.registerTool(name, { description }, async ({ mcpReq }: ServerContext) => {
      for (const words of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
        await mcpReq.log("info", words);
        await pause(stepMs);
      }
      return text("done");
    });
}

function offerQuestions(server: McpServer): void {
  const prompt = z.object({ prompt: z.string() });
  server.registerTool("test_sampling", { description, inputSchema: prompt }, async (given, { mcpReq }) => {
    const { content } = await mcpReq.requestSampling(question(given.prompt));
    return text(`LLM response: ${JSON.stringify(content)}`);
  });
  server.registerTool(
    "test_elicitation",
    { description, inputSchema: z.object({ message: z.string() }) },
    async ({ message }, { mcpReq }) => {
      const { action, content } = await mcpReq.elicitInput({ message, requestedSchema: form("username", "email") });
      return text(`User response: action: ${action}, content: ${JSON.stringify(content)}`);
    },
  );
  // Where the client has not said that it can, the SDK says what is missing.
  server.registerTool("test_missing_capability", { description }, async () => inputRequired({ inputRequests: { words: sampling("?") } }));
  for (const name of ["test_input_required_result_elicitation", "test_streaming_elicitation"])
    server.registerTool(name, { description }, async ({ mcpReq }: ServerContext) => {
      const said = inputResponse(mcpReq.inputResponses, "user_name");
      if (said.kind === "elicit" && said.action === "accept") return text(`Hello, ${String(said.content?.["name"])}!`);
      const request = inputRequired.elicit({ message: "What is your name?", requestedSchema: form("name") });
      return inputRequired({ inputRequests: { user_name: request } });
    });
  for (const name of ["test_input_required_result_request_state", "test_input_required_result_tampered_state"])
    server.registerTool(name, { description }, async (context: ServerContext) => {
      const { inputResponses, requestState } = context.mcpReq;
      if (inputResponses !== undefined && requestState() === "asked") return text("state-ok");
      const request = inputRequired.elicit({ message: "Please confirm", requestedSchema: form("ok") });
      return inputRequired({ inputRequests: { confirm: request }, requestState: await states.mint("asked") });
    });
}

const question = (words: string) => ({
  messages: [{ role: "user" as const, content: { type: "text" as const, text: words } }],
  maxTokens: 100,
});
const sampling = (words: string) => inputRequired.createMessage(question(words));

const form = (...names: readonly string[]) => ({
  type: "object" as const,
  properties: Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
  required: [...names],
});
