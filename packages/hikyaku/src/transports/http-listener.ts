/**
 * The place where frames arrive over HTTP, by exchange and by stream (spec §9): starting, telling its addresses, ending. What a frame means is the business of receiver
 * and holder.
 */
import type { AddressInfo } from "node:net";
import {
  type Clock,
  type Listener,
  type Log,
  type OpenStreams,
  type Receiver,
  type StreamBounds,
  type StreamHolder,
  systemClock,
} from "@hikyaku/peer";
import { type Bytes, limits } from "@hikyaku/protocol";
import type { FastifyInstance } from "fastify";
import { guardHolder } from "./guarded-holder.ts";
import { guardReceiver } from "./guarded-receiver.ts";
import { createHttpApp } from "./http-app.ts";
import { defaultServerBounds, type ServerBounds } from "./http-server.ts";
import { urlHost } from "./ip-text.ts";
import { listenFailure } from "./listen-failure.ts";
import { ownAddresses } from "./own-addresses.ts";
import { openStreamDoor } from "./stream-door.ts";

interface ListenerBounds extends ServerBounds {
  readonly requestsInWorkMax: number;
  /** How long requests in work may take to finish once the listener closes. */
  readonly closeMsMax: number;
}

export interface HttpListenerSettings {
  /** Port 0 lets the system choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** What peers are told to dial instead of the addresses found here; empty to have them found. */
  readonly advertise: readonly string[];
  readonly did: string;
  readonly publicKey: Bytes;
  readonly log: Log;
  /** Tighter bounds than the protocol's, for tests. */
  readonly bounds?: Partial<ListenerBounds>;
  readonly streamBounds?: Partial<StreamBounds>;
  /** For streams; the machine's unless told. */
  readonly clock?: Clock;
}

const defaultBounds: ListenerBounds = {
  ...defaultServerBounds,
  requestsInWorkMax: limits.listenerRequestsInWorkMax,
  closeMsMax: limits.listenerCloseMsMax,
};

export const createHttpListener = (settings: HttpListenerSettings): Listener => new HttpListener(settings);

class HttpListener implements Listener {
  readonly #settings: HttpListenerSettings;
  readonly #bounds: ListenerBounds;
  #app: FastifyInstance | undefined;
  #streams: OpenStreams | undefined;
  #addresses: readonly string[] = [];

  constructor(settings: HttpListenerSettings) {
    this.#settings = settings;
    this.#bounds = { ...defaultBounds, ...settings.bounds };
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  async start(receiver: Receiver, holder: StreamHolder): Promise<void> {
    if (this.#app !== undefined) throw new Error("a listener starts once");
    const { listen, advertise, did, publicKey, log, clock = systemClock, streamBounds = {} } = this.#settings;
    const guarded = guardReceiver(receiver, { inWorkMax: this.#bounds.requestsInWorkMax, log });
    const app = createHttpApp({ did, publicKey, receiver: guarded, bounds: this.#bounds, log });
    this.#app = app;
    this.#streams = openStreamDoor(app.server, { holder: guardHolder(holder, log), clock, log }, streamBounds);
    try {
      await app.listen({ host: listen.host, port: listen.port });
    } catch (error) {
      throw listenFailure(`${urlHost(listen.host)}:${listen.port}`, error);
    }
    this.#addresses = advertise.length > 0 ? advertise : ownAddresses(app.server.address() as AddressInfo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const app = this.#app;
    if (app === undefined) return;
    const cut = setTimeout(() => app.server.closeAllConnections(), this.#bounds.closeMsMax);
    try {
      await Promise.all([app.close(), this.#streams?.leave("the listener closes")]);
    } finally {
      clearTimeout(cut);
    }
  }
}
