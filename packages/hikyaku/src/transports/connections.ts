/**
 * The connections that the peer listener has open (spec HTTP-3, HTTP-8): how many in all, how many of each network, and whose place a newcomer gets when all are
 * taken. Without that, a few networks could hold every place and lock all others out.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Log } from "@hikyaku/peer";
import { ipPrefix, plainIp } from "./ip-text.ts";

export interface ConnectionBounds {
  readonly connectionsMax: number;
  readonly connectionsPerPrefixMax: number;
}

interface Connection {
  readonly prefix: string;
  /** The request that came last, until it is answered. */
  request: IncomingMessage | undefined;
}

export function boundConnections(server: Server, bounds: ConnectionBounds, log: Log): Connections {
  const connections = new Connections(bounds, log);
  server.on("connection", (socket) => connections.admit(socket));
  server.on("request", (request, response) => connections.work(request, response));
  // A stream has no requests: it is of use with everything that comes in on it, and idle in between.
  server.on("upgrade", ({ socket }) => socket.on("data", () => connections.use(socket)));
  return connections;
}

export class Connections {
  readonly #bounds: ConnectionBounds;
  readonly #log: Log;
  /** In the order in which they were last of use: opened, given an answer, or heard from in a stream. */
  readonly #open = new Map<Socket, Connection>();
  readonly #openByPrefix = new Map<string, number>();

  constructor(bounds: ConnectionBounds, log: Log) {
    this.#bounds = bounds;
    this.#log = log;
  }

  admit(socket: Socket): void {
    const prefix = ipPrefix(plainIp(socket.remoteAddress ?? ""));
    if (!this.#hasRoomFor(prefix)) {
      this.#log.write("debug", "listener.connection.refused", { prefix });
      socket.destroy();
      return;
    }
    this.#open.set(socket, { prefix, request: undefined });
    this.#openByPrefix.set(prefix, this.#held(prefix) + 1);
    socket.once("close", () => this.#forget(socket));
  }

  work(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    connection.request = request;
    response.once("close", () => {
      if (connection.request !== request) return;
      connection.request = undefined;
      this.use(socket);
    });
  }

  /** Puts it behind those that were of no use for longer. */
  use(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    this.#open.delete(socket);
    this.#open.set(socket, connection);
  }

  /** Whether it owes an answer. */
  isAtWork(socket: Socket): boolean {
    return this.#open.get(socket)?.request !== undefined;
  }

  #hasRoomFor(prefix: string): boolean {
    const held = this.#held(prefix);
    if (held >= this.#bounds.connectionsPerPrefixMax) return false;
    return this.#open.size < this.#bounds.connectionsMax || this.#makeRoom(held + 1);
  }

  /** HTTP-8: closes an idle connection of a network that holds more than the newcomer's would; whether there was one. */
  #makeRoom(wouldHold: number): boolean {
    let [most, longest]: [number, Socket | undefined] = [wouldHold, undefined];
    for (const [socket, connection] of this.#open) {
      const held = this.#held(connection.prefix);
      if (held > most && isIdle(connection)) [most, longest] = [held, socket];
    }
    if (longest === undefined) return false;
    this.#log.write("debug", "listener.connection.closed", { prefix: this.#open.get(longest)?.prefix ?? "" });
    this.#forget(longest);
    longest.destroy();
    return true;
  }

  #forget(socket: Socket): void {
    const prefix = this.#open.get(socket)?.prefix;
    if (prefix === undefined) return;
    this.#open.delete(socket);
    const left = this.#held(prefix) - 1;
    if (left > 0) this.#openByPrefix.set(prefix, left);
    else this.#openByPrefix.delete(prefix);
  }

  #held(prefix: string): number {
    return this.#openByPrefix.get(prefix) ?? 0;
  }
}

/** A request that has not come whole is no work yet: otherwise one that never does would hold its place as an idle one cannot. */
const isIdle = ({ request }: Connection): boolean => request?.complete !== true;
