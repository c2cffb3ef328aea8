/** An agent as a real MCP client makes one, at a peer that is up: over standard input and output of `hikyaku mcp`, or over HTTP. */
import { isDeepStrictEqual } from "node:util";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { hikyaku } from "./hikyaku.ts";
import type { Place } from "./two-peers.ts";

export type Json = Readonly<Record<string, unknown>>;
/** `previous` is what most clients speak today. */
export type Revision = "newest" | "previous";

export interface McpAgentOptions {
  /** Under which name it is known to its owner. */
  readonly agent?: string;
  /** What the person at the client says when it is asked; a client without this cannot ask. */
  readonly person?: (question: string) => "accept" | "decline" | "cancel";
}

/** Where `hikyaku mcp --http` listens. */
export interface McpAddress {
  readonly url: string;
  readonly token: string;
}

export class McpAgent implements AsyncDisposable {
  readonly client: Client;
  readonly updated: string[] = [];
  readonly stderr: string[] = [];

  private constructor(client: Client) {
    this.client = client;
    client.setNotificationHandler("notifications/resources/updated", ({ params }) => void this.updated.push(params.uri));
  }

  static async at({ folder }: Pick<Place, "folder">, revision: Revision, { agent: name, person }: McpAgentOptions = {}): Promise<McpAgent> {
    const agent = new McpAgent(clientOf(revision, person));
    const { command, words } = hikyaku.lineOf(["mcp", "--folder", folder, ...(name === undefined ? [] : ["--agent", name])]);
    const transport = new StdioClientTransport({ command, args: [...words], stderr: "pipe" });
    transport.stderr?.on("data", (text: Buffer) => agent.stderr.push(text.toString()));
    await agent.client.connect(transport);
    return agent;
  }

  static async over({ url, token }: McpAddress, revision: Revision, { person }: Pick<McpAgentOptions, "person"> = {}): Promise<McpAgent> {
    const agent = new McpAgent(clientOf(revision, person));
    const requestInit = { headers: { authorization: `Bearer ${token}` } };
    await agent.client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
    return agent;
  }

  /** What a tool answers. Throws what it refuses. */
  async call(name: string, args: Json = {}, onprogress?: (told: unknown) => void): Promise<Json> {
    const answer = await this.client.callTool({ name, arguments: args }, onprogress === undefined ? {} : { onprogress });
    const [first] = answer.content;
    const text = first?.type === "text" ? first.text : "";
    if (answer.isError === true) throw new Error(text);
    if (!isDeepStrictEqual(JSON.parse(text), answer.structuredContent)) throw new Error(`${name} says two things: ${text}`);
    return answer.structuredContent as Json;
  }

  async markAll(): Promise<void> {
    const { messages } = await this.call("read_messages");
    const all = (messages as readonly Json[]).map(({ id, origin }) => ({ id, from: (origin as Json)["did"] }));
    if (all.length > 0) await this.call("mark_messages", { messages: all, as: "read" });
  }

  async read(uri: string): Promise<Json> {
    const { contents } = await this.client.readResource({ uri });
    const [first] = contents;
    return JSON.parse(first !== undefined && "text" in first ? first.text : "null") as Json;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

function clientOf(revision: Revision, person: McpAgentOptions["person"]): Client {
  const client = new Client(
    { name: "test", version: "1" },
    {
      ...(revision === "newest" ? { versionNegotiation: { mode: "auto" } as const } : {}),
      ...(person === undefined ? {} : { capabilities: { elicitation: {} } }),
    },
  );
  if (person !== undefined)
    client.setRequestHandler("elicitation/create", ({ params }) => {
      const action = person(params.message);
      return action === "accept" ? { action, content: { allow: true } } : { action };
    });
  return client;
}
