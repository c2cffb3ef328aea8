/** Which revision of MCP a request over HTTP belongs to: each request of the newest one stands alone and gets a server of its own; those of earlier ones belong to sessions. */
import { createMcpHandler, isLegacyRequest, type McpHttpHandler, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/server";
import type { HttpBounds } from "./bounds.ts";
import type { Exchange } from "./http-exchange.ts";
import { HttpSessions, sessionHeader } from "./http-sessions.ts";
import type { Era, McpFace } from "./mcp-server.ts";
import { resourceOf } from "./resources.ts";
import type { Subject } from "./waiting.ts";

export class HttpRevisions {
  readonly #sessions: HttpSessions;
  readonly #modern: McpHttpHandler;

  constructor(build: (era: Era) => McpFace, bounds: HttpBounds) {
    this.#sessions = new HttpSessions(() => build("legacy"), bounds);
    this.#modern = createMcpHandler(() => build("modern").server, { legacy: "reject", maxSubscriptions: bounds.answersMax });
  }

  async answer(exchange: Exchange): Promise<Response> {
    const { request, body } = exchange;
    if (await isOfSession(exchange)) return await this.#sessions.answer(exchange);
    return await this.#modern.fetch(request, { parsedBody: body });
  }

  /** Clients of the newest revision have no server that lives on: they are told by the streams that they opened. */
  changed(subject: Subject): void {
    this.#sessions.changed(subject);
    this.#modern.notify.resourceUpdated(resourceOf(subject));
  }

  async close(): Promise<void> {
    await Promise.all([this.#sessions.close(), this.#modern.close()]);
  }
}

/** Only POST has a meaning in the newest revision; of other requests the headers say to which one they belong. */
async function isOfSession({ request, body }: Exchange): Promise<boolean> {
  if (request.method === "POST") return await isLegacyRequest(request, body);
  const version = request.headers.get("mcp-protocol-version");
  return request.headers.has(sessionHeader) || version === null || SUPPORTED_PROTOCOL_VERSIONS.includes(version);
}
