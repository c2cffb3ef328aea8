/** `hikyaku mcp --http`: the same for agents that reach it over HTTP, on this machine only. The token is shown where it is asked for and nowhere else, since what a terminal shows is often kept. */
import { type Endpoint, formatEndpoint } from "../../config/endpoint.ts";
import { keepAgentToken } from "../../keystore/agent-token.ts";
import { isSameToken } from "../../keystore/control-token.ts";
import { httpBounds } from "../../mcp/bounds.ts";
import { hearChanges } from "../../mcp/change-feed.ts";
import { openHttpFace } from "../../mcp/http-face.ts";
import { mcpPath } from "../../mcp/http-guard.ts";
import { createMcpServer } from "../../mcp/mcp-server.ts";
import { visible } from "../../text/visible.ts";
import { AgentControl } from "../agent-control.ts";
import type { Call } from "../call.ts";
import { readPackageFacts } from "../package-facts.ts";
import { awaitStop } from "../stop.ts";
import type { McpOptions } from "./mcp.ts";

export interface McpHttpOptions extends McpOptions {
  readonly listen: Endpoint;
  /** Whether the agent gets another token. */
  readonly isNew: boolean;
  /** Whether the token itself is printed. */
  readonly isShown: boolean;
}

export async function mcpOverHttp({ config, terminal }: Call, { agent, listen, isNew, isShown }: McpHttpOptions): Promise<void> {
  using stop = awaitStop();
  const stopped = new AbortController();
  let kept = await keepAgentToken(config.folder.value, agent, false);
  const { version } = readPackageFacts();
  const control = new AgentControl(config, { agent, calls: httpBounds.answersMax });
  try {
    await using face = await openHttpFace((era) => createMcpServer(control, { version }, era), {
      listen,
      isToken: (offered) => isSameToken(offered, kept.token),
      complain: (sentence) => void process.stderr.write(`hikyaku: ${visible(sentence)}\n`),
    });
    // Not before it listens: where it cannot, whoever serves with the old one goes on.
    if (isNew) kept = await keepAgentToken(config.folder.value, agent, true);
    const { token, path } = kept;
    const hearing = hearChanges(control, face.changed, stopped.signal);
    const url = `http://${formatEndpoint({ ...listen, port: face.port })}${mcpPath}`;
    const shown = isShown ? token : "TOKEN";
    const client = { mcpServers: { hikyaku: { type: "http", url, headers: { Authorization: `Bearer ${shown}` } } } };
    const where = isShown ? "" : `\nTOKEN is what stands in ${path}; --show-token prints it.`;
    const facts = { agent, url, tokenFile: path, ...(isShown ? { token } : {}), client, pid: process.pid };
    await terminal.show(`MCP for ${agent} at ${url}\n${JSON.stringify(client)}${where}`, facts);
    await stop.asked;
    stopped.abort();
    await hearing;
  } finally {
    await control.close();
  }
}
