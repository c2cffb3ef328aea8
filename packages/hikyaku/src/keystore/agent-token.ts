/**
 * The token with which an agent comes to its MCP server over HTTP (spec MCP-4): one for each name of an agent, in a private file of the folder. It is made at its first use and stays, so that what was
 * written into a client's configuration stays good.
 */
import { join } from "node:path";
import { decodeUtf8, HikyakuError } from "@hikyaku/protocol";
import { isControlToken, newControlToken } from "./control-token.ts";
import { createDurably, replaceDurably } from "./durable-file.ts";
import { makePrivateFolder, readPrivateFile } from "./private-file.ts";

export interface AgentToken {
  readonly token: string;
  /** The file that it is in. */
  readonly path: string;
}

const fileBytesMax = 1024;

/** The agent's token; `isNew` puts another one in its place. Rejects with KEY_FILE where file or folder are not private or damaged. */
export async function keepAgentToken(folder: string, agent: string, isNew: boolean): Promise<AgentToken> {
  // The folder holds the key as well, so it is judged before anything is put below it.
  await makePrivateFolder(folder);
  await makePrivateFolder(join(folder, "mcp"));
  const path = join(folder, "mcp", `${agent}.token`);
  const fresh = `${newControlToken()}\n`;
  if (isNew) await replaceDurably(path, fresh);
  else if ((await readPrivateFile(path, fileBytesMax)) === undefined) await createDurably(path, fresh);
  return { token: await readToken(path), path };
}

async function readToken(path: string): Promise<string> {
  const bytes = await readPrivateFile(path, fileBytesMax);
  const token = decodeUtf8(bytes ?? new Uint8Array())?.replace(/\n$/, "") ?? "";
  if (isControlToken(token)) return token;
  throw new HikyakuError("KEY_FILE", `${path} holds no token: replace it with \`hikyaku mcp --http --new-token\`.`);
}
