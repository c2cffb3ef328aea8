/** The clients of earlier revisions over HTTP (spec MCP-7): a bounded number of sessions, each found by its id. */
import { randomUUID } from "node:crypto";
import { isInitializeRequest } from "@modelcontextprotocol/server";
import type { HttpBounds } from "./bounds.ts";
import type { Exchange } from "./http-exchange.ts";
import { refuse } from "./http-refusal.ts";
import { HttpSession } from "./http-session.ts";
import type { McpFace } from "./mcp-server.ts";
import type { Subject } from "./waiting.ts";

export const sessionHeader = "mcp-session-id";

export class HttpSessions {
  readonly #build: () => McpFace;
  readonly #bounds: Pick<HttpBounds, "sessionsMax" | "sessionIdleMsMax">;
  /** In the order of their last use. */
  readonly #sessions = new Map<string, HttpSession>();

  constructor(build: () => McpFace, bounds: Pick<HttpBounds, "sessionsMax" | "sessionIdleMsMax">) {
    this.#build = build;
    this.#bounds = bounds;
  }

  async answer(exchange: Exchange): Promise<Response> {
    const id = exchange.request.headers.get(sessionHeader);
    if (id === null && isOpening(exchange.body)) return await this.#begin(exchange);
    if (id === null) return refuse("sessionless", "A request wants the Mcp-Session-Id that the answer to initialize gave.");
    const session = this.#sessions.get(id);
    if (session === undefined) return refuse("ended", "There is no such session, or no longer: begin a new one.");
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    return await session.answer(exchange);
  }

  changed(subject: Subject): void {
    for (const session of this.#sessions.values()) session.changed(subject);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.end()));
  }

  async #begin(exchange: Exchange): Promise<Response> {
    const { sessionsMax, sessionIdleMsMax } = this.#bounds;
    if (this.#sessions.size >= sessionsMax && !(await this.#endIdlest()))
      return refuse("overloaded", `At most ${sessionsMax} clients have a session at once, and all of them use theirs.`);
    const id = randomUUID();
    const session = new HttpSession(this.#build(), { id, idleMsMax: sessionIdleMsMax, ended: () => this.#sessions.delete(id) });
    this.#sessions.set(id, session);
    const answer = await session.answer(exchange);
    if (!session.hasBegun) await session.end();
    return answer;
  }

  /** A client that comes back to a session that is gone begins a new one; one that is turned away can do nothing. */
  async #endIdlest(): Promise<boolean> {
    const idlest = [...this.#sessions.values()].find(({ isIdle }) => isIdle);
    await idlest?.end();
    return idlest !== undefined;
  }
}

const isOpening = (body: unknown): boolean => [body].flat().some((message) => isInitializeRequest(message));
