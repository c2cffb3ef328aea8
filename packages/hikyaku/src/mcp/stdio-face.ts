/** The MCP server over standard input and output, for a client that starts this program itself. */
import type { Readable, Writable } from "node:stream";
import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import { messageBytesMax, unreadBytesMax } from "./bounds.ts";
import { hearChanges } from "./change-feed.ts";
import type { Control } from "./control.ts";
import { createMcpServer, type McpFacts } from "./mcp-server.ts";
import type { Subject } from "./waiting.ts";

export interface StdioSettings extends McpFacts {
  readonly input: Readable;
  readonly output: Writable;
  /** What the client did wrong, or what went wrong here, in a sentence. */
  readonly complain: (sentence: string) => void;
}

/** Resolves when the client has gone, or the signal aborts. */
export async function serveOverStdio(control: Control, settings: StdioSettings, signal: AbortSignal): Promise<void> {
  const { input, output, complain, ...facts } = settings;
  const gone = new AbortController();
  const transport = new BoundedStdio(input, output, () => gone.abort());
  const listeners = new Set<(subject: Subject) => void>();
  const handle = serveStdio(
    ({ era }) => {
      const { server, changed } = createMcpServer(control, facts, era);
      listeners.add(changed);
      return server;
    },
    { transport, onerror: ({ message }) => complain(message) },
  );
  const over = AbortSignal.any([signal, gone.signal]);
  await hearChanges(control, (subject) => listeners.forEach((changed) => changed(subject)), over);
  await handle.close();
}

/** A client that says too much at once, or asks and never reads, is cut off before that fills the memory. */
class BoundedStdio extends StdioServerTransport {
  readonly #output: Writable;
  readonly #closed: () => void;

  constructor(input: Readable, output: Writable, closed: () => void) {
    super(input, output, { maxBufferSize: messageBytesMax });
    this.#output = output;
    this.#closed = closed;
  }

  override async close(): Promise<void> {
    await super.close();
    this.#closed();
  }

  override async send(message: JSONRPCMessage): Promise<void> {
    if (this.#output.writableLength <= unreadBytesMax) return await super.send(message);
    await this.close();
    throw new Error(`The client has not read ${unreadBytesMax} bytes.`);
  }
}
