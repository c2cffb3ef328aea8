/**
 * How a command finds the peer that is up (spec §13): the file `control` in its folder says where it listens and holds the token. Written at start,
 * removed at a clean stop; after a crash it leads to a closed port, which says the same.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { decodeUtf8, HikyakuError } from "@hikyaku/protocol";
import { type Endpoint, formatEndpoint, isLoopbackHost, parseEndpoint } from "../config/endpoint.ts";
import { isControlToken } from "./control-token.ts";
import { replaceDurably } from "./durable-file.ts";
import { checkPrivateFolder, readPrivateFile } from "./private-file.ts";

export interface ControlRecord {
  readonly pid: number;
  /** Always a loopback host, so that a token never leaves the machine. */
  readonly address: Endpoint;
  readonly token: string;
}

const recordBytesMax = 1024;
const recordPath = (folder: string): string => join(folder, "control");

export const writeControlRecord = (folder: string, record: ControlRecord): Promise<void> =>
  replaceDurably(recordPath(folder), encodeRecord(record));

/** Rejects with UNREACHABLE where no peer is up in this folder, and with KEY_FILE where the file is not private or damaged. */
export async function readControlRecord(folder: string): Promise<ControlRecord> {
  const path = recordPath(folder);
  const bytes = (await checkPrivateFolder(folder)) ? await readPrivateFile(path, recordBytesMax) : undefined;
  if (bytes === undefined) throw new HikyakuError("UNREACHABLE", `The peer in ${folder} is not running: start it with \`hikyaku up\`.`);
  const record = decodeRecord(decodeUtf8(bytes) ?? "");
  if (record === undefined)
    throw new HikyakuError("KEY_FILE", `${path} is damaged: restart the peer with \`hikyaku up\`, which writes it anew.`);
  return record;
}

export const removeControlRecord = (folder: string): Promise<void> => rm(recordPath(folder), { force: true });

const encodeRecord = ({ pid, address, token }: ControlRecord): string =>
  `${JSON.stringify({ pid, address: formatEndpoint(address), token })}\n`;

/** The record that a text is, or undefined: only what `encodeRecord` would write is one. */
function decodeRecord(text: string): ControlRecord | undefined {
  const match = /^\{"pid":([1-9]\d{0,9}),"address":"([^"]*)","token":"([^"]*)"\}\n$/.exec(text);
  const [, pid = "", host = "", token = ""] = match ?? [];
  const address = parseEndpoint(host);
  if (address === undefined || !isLoopbackHost(address.host) || !isControlToken(token)) return undefined;
  return { pid: Number(pid), address, token };
}
