/** The MCP server over Streamable HTTP, on this machine only, for clients that do not start this program themselves (spec MCP-1 to MCP-7). */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isLoopbackAddress } from "../loopback/address.ts";
import { endBrokenRequest } from "../loopback/broken-request.ts";
import { listenFailure } from "../loopback/listen-failure.ts";
import { type HttpBounds, httpBounds } from "./bounds.ts";
import { giveAnswer } from "./http-answer.ts";
import { readExchange } from "./http-exchange.ts";
import { guard } from "./http-guard.ts";
import { refuse } from "./http-refusal.ts";
import { HttpRevisions } from "./http-revisions.ts";
import type { Era, McpFace } from "./mcp-server.ts";
import type { Subject } from "./waiting.ts";

export interface HttpSettings {
  /** A loopback host; port 0 lets the system choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Whether an offered token is the right one, in constant time. */
  readonly isToken: (offered: string) => boolean;
  /** What went wrong here, in a sentence. */
  readonly complain: (sentence: string) => void;
  /** Tighter ones, for tests. */
  readonly bounds?: Partial<HttpBounds>;
}

export interface HttpFace extends AsyncDisposable {
  readonly port: number;
  /** Tells the clients that asked to be told. */
  readonly changed: (subject: Subject) => void;
}

/** Starts to listen, with a server from `build` for every client. Rejects with ADDRESS_IN_USE or INVALID_ARGUMENT, naming the address. */
export async function openHttpFace(build: (era: Era) => McpFace, settings: HttpSettings): Promise<HttpFace> {
  const listener = new HttpListener(build, settings);
  const port = await listener.start();
  return { port, changed: (subject) => listener.changed(subject), [Symbol.asyncDispose]: () => listener.close() };
}

class HttpListener {
  readonly #settings: HttpSettings;
  readonly #bounds: HttpBounds;
  readonly #revisions: HttpRevisions;
  readonly #server: Server;
  #answers = 0;

  constructor(build: (era: Era) => McpFace, settings: HttpSettings) {
    this.#settings = settings;
    this.#bounds = { ...httpBounds, ...settings.bounds };
    this.#revisions = new HttpRevisions(build, this.#bounds);
    const { connectionsMax, headersMsMax, requestMsMax } = this.#bounds;
    this.#server = createServer(
      { headersTimeout: headersMsMax, requestTimeout: requestMsMax },
      (incoming, outgoing) => void this.#serve(incoming, outgoing),
    );
    this.#server.maxConnections = connectionsMax;
    this.#server.on("clientError", endBrokenRequest);
  }

  async start(): Promise<number> {
    const { listen } = this.#settings;
    try {
      await new Promise<void>((resolve, reject) => void this.#server.once("error", reject).listen(listen.port, listen.host, resolve));
      const { address, port } = this.#server.address() as AddressInfo;
      // MCP-1: a name leads where the system's resolver says, so what counts is where we ended up.
      if (!isLoopbackAddress(address)) throw new Error("this is no loopback address");
      return port;
    } catch (error) {
      await this.close();
      throw listenFailure({ ...listen, whom: "agents", flag: "--http" }, error);
    }
  }

  changed(subject: Subject): void {
    this.#revisions.changed(subject);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    const cut = setTimeout(() => this.#server.closeAllConnections(), this.#bounds.closeMsMax);
    await this.#revisions.close();
    await closed;
    clearTimeout(cut);
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      await giveAnswer(await this.#answer(incoming, outgoing), outgoing, this.#bounds);
    } catch (error) {
      // Whoever goes while it speaks gets nothing, and nothing is wrong.
      if (incoming.destroyed || outgoing.destroyed) return;
      this.#settings.complain(`Answering a client failed: ${error instanceof Error ? error.name : "thrown"}.`);
      outgoing.destroy();
    }
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<Response> {
    const refusal = guard(incoming, this.#settings.isToken);
    if (refusal !== undefined) return refusal;
    const { answersMax, bodyBytesMax } = this.#bounds;
    if (this.#answers >= answersMax) return refuse("overloaded", `At most ${answersMax} answers are on their way at once.`);
    this.#answers += 1;
    outgoing.once("close", () => {
      this.#answers -= 1;
    });
    const exchange = await readExchange(incoming, outgoing, bodyBytesMax);
    return exchange instanceof Response ? exchange : await this.#revisions.answer(exchange);
  }
}
