/**
 * One client of an earlier revision over HTTP, from its `initialize` to its end. Such a client is told of changes and asked questions, so its server lives on between its requests. An answer that it
 * did not wait for is lost, since nothing here is sent twice; so the call is given up when its connection ends.
 */
import { isJSONRPCRequest, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import type { Exchange } from "./http-exchange.ts";
import type { McpFace } from "./mcp-server.ts";

export interface SessionSettings {
  readonly id: string;
  readonly idleMsMax: number;
  readonly ended: () => void;
}

export class HttpSession {
  readonly changed: McpFace["changed"];
  readonly #server: McpFace["server"];
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  readonly #connected: Promise<void>;
  readonly #idleMsMax: number;
  #open = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor({ server, changed }: McpFace, { id, idleMsMax, ended }: SessionSettings) {
    this.changed = changed;
    this.#server = server;
    this.#idleMsMax = idleMsMax;
    this.#transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => id });
    server.server.onclose = () => {
      clearTimeout(this.#idle);
      ended();
    };
    this.#connected = server.connect(this.#transport);
  }

  /** Whether its client has come in. */
  get hasBegun(): boolean {
    return this.#transport.sessionId !== undefined;
  }

  get isIdle(): boolean {
    return this.#open === 0;
  }

  async answer({ request, body, over }: Exchange): Promise<Response> {
    this.#open += 1;
    clearTimeout(this.#idle);
    void over.then(() => this.#rest());
    await this.#connected;
    const answer = await this.#transport.handleRequest(request, { parsedBody: body });
    if (request.signal.aborted) this.#giveUp(body);
    else request.signal.addEventListener("abort", () => this.#giveUp(body), { once: true });
    return answer;
  }

  async end(): Promise<void> {
    await this.#server.close();
  }

  #rest(): void {
    this.#open -= 1;
    if (this.isIdle) this.#idle = setTimeout(() => void this.end(), this.#idleMsMax).unref();
  }

  #giveUp(body: unknown): void {
    for (const message of [body].flat()) {
      if (!isJSONRPCRequest(message)) continue;
      const reason = "The client did not wait for the answer.";
      this.#transport.onmessage?.({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: message.id, reason } });
      // A call that was taken back gets no answer, and without one the transport would remember for ever where it belongs.
      const forgotten = { jsonrpc: "2.0" as const, id: message.id, error: { code: -32_000, message: reason } };
      this.#transport.send(forgotten).catch(() => undefined);
    }
  }
}
