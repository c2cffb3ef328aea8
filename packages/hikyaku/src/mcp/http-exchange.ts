/** One request of a client over HTTP, read to its end, and what becomes of the answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isJsonContentType } from "@modelcontextprotocol/server";
import { refuse } from "./http-refusal.ts";

export interface Exchange {
  /** Without its body. Its signal aborts where the client goes before it has the answer. */
  readonly request: Request;
  /** What was posted, as JSON; undefined where nothing was. */
  readonly body: unknown;
  /** Resolves when nothing more goes to the client. */
  readonly over: Promise<void>;
}

/** The exchange, or what to answer instead. Rejects where the client goes while it speaks. */
export async function readExchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  bodyBytesMax: number,
): Promise<Exchange | Response> {
  const { over, signal } = fateOf(outgoing);
  const { method = "GET", headers, url = "" } = incoming;
  const fields = Object.entries(headers).filter((field): field is [string, string] => typeof field[1] === "string");
  const request = new Request(`http://${headers.host}${url}`, { method, headers: fields, signal });
  if (method !== "POST") return { request, body: undefined, over };
  if (!isJsonContentType(request.headers.get("content-type"))) return refuse("media", "This server takes application/json.");
  const text = await readText(incoming, bodyBytesMax);
  if (text === undefined) return refuse("large", `A message has at most ${bodyBytesMax} bytes.`);
  try {
    return { request, body: JSON.parse(text), over };
  } catch {
    return refuse("malformed", "The body is no JSON.");
  }
}

/** Undefined where it is longer than that. */
async function readText(incoming: IncomingMessage, bytesMax: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  // What is not read must not take the connection with it, on which the refusal goes back.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function fateOf(outgoing: ServerResponse): { readonly over: Promise<void>; readonly signal: AbortSignal } {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const gone = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) gone.abort();
    resolve();
  });
  return { over, signal: gone.signal };
}
