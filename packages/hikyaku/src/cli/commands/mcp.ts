/** `hikyaku mcp`: an address and a mailbox for an agent that speaks MCP, at the peer that is up. */
import { callsMax } from "../../mcp/bounds.ts";
import { serveOverStdio } from "../../mcp/stdio-face.ts";
import { visible } from "../../text/visible.ts";
import { AgentControl } from "../agent-control.ts";
import type { Call } from "../call.ts";
import { readPackageFacts } from "../package-facts.ts";
import { awaitStop } from "../stop.ts";

export interface McpOptions {
  /** Under which name the owner allows it things. */
  readonly agent: string;
}

/** How long a client may take to read what was said last. */
const lingerMs = 1_000;

export async function mcp({ config }: Call, { agent }: McpOptions): Promise<void> {
  using stop = awaitStop();
  const stopped = new AbortController();
  void stop.asked.then(() => stopped.abort());
  const control = new AgentControl(config, { agent, calls: callsMax });
  // Standard output is the client's.
  const complain = (sentence: string): void => void process.stderr.write(`hikyaku: ${visible(sentence)}\n`);
  if (process.stdin.isTTY)
    complain("Waiting for a program that speaks MCP; docs/how-to/mcp-clients.md says how to set one up. Ctrl-C ends.");
  try {
    const { version } = readPackageFacts();
    await serveOverStdio(control, { version, input: process.stdin, output: process.stdout, complain }, stopped.signal);
  } finally {
    await control.close();
    // What the client does not read any more would keep this process alive.
    setTimeout(() => process.exit(), lingerMs).unref();
  }
}
