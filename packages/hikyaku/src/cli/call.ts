/** One call of a command: its settings, its terminal, and the peer that is up if the command asks for it. */
import { type Config, type Flags, resolveConfig } from "../config/config.ts";
import type { ClientBounds, ControlClient } from "./control-client.ts";
import { createTerminal, type Terminal } from "./terminal.ts";

export interface Call {
  readonly config: Config;
  readonly terminal: Terminal;
}

/** The flags that every command has. */
export interface CommonFlags extends Flags {
  readonly json?: boolean;
}

export async function beginCall({ json = false, ...flags }: CommonFlags): Promise<Call> {
  return { config: await resolveConfig({ flags }), terminal: createTerminal(json) };
}

/** Runs `work` against the peer that is up in the folder; rejects with NotRunning where there is none. */
export async function withPeer<Value>(
  { config }: Call,
  work: (peer: ControlClient) => Promise<Value>,
  bounds?: ClientBounds,
): Promise<Value> {
  const { ControlClient: Client } = await import("./control-client.ts");
  const peer = await Client.connect(config, bounds);
  try {
    return await work(peer);
  } finally {
    await peer.close();
  }
}

/** A path segment that a name or did may stand in. */
export const segment = (text: string): string => encodeURIComponent(text);
