/**
 * A puppet's WebSocket to the node: a whole handshake over it, then any bytes at all, as text or binary. What the node says is opened and kept in its order, bundles
 * as their items.
 */
import { once } from "node:events";
import {
  type Bytes,
  decodeBinaryFrame,
  decodeBundle,
  decodeUtf8,
  type Envelope,
  encodeBinaryFrame,
  encodeEnvelope,
  encodeUtf8,
  type MessageType,
} from "@hikyaku/protocol";
import { WebSocket } from "ws";
import { type Puppet, type PuppetSession, readEnvelope } from "./puppet.ts";
import type { Target } from "./target.ts";

export interface Heard {
  /** `refused` is an error on the stream itself, unsealed. */
  readonly type: string;
  readonly body: unknown;
}

const answerMsMax = 15_000;

export class Wire implements Disposable {
  readonly socket: WebSocket;
  readonly heard: Heard[] = [];
  readonly #listeners = new Set<() => void>();
  #session: PuppetSession | undefined;
  #questions = 0;
  #raw: ((message: Bytes) => void) | undefined;
  #ending: { readonly code: number; readonly afterMs: number } | undefined;
  readonly #openedAt = performance.now();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer, isBinary) => this.#take(new Uint8Array(data), isBinary));
    socket.on("error", () => undefined);
    socket.on("close", (code) => {
      this.#ending = { code, afterMs: performance.now() - this.#openedAt };
      this.#tell();
    });
  }

  /** A stream on which nobody has said anything yet. Rejects where the node takes no such call. */
  static async call(
    { port }: Pick<Target, "port">,
    from: string,
    headers: Record<string, string> = {},
    protocol = "pcp.v1",
  ): Promise<Wire> {
    const options = { localAddress: from, perMessageDeflate: false, headers };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, protocol, options);
    const wire = new Wire(socket);
    await once(socket, "open");
    return wire;
  }

  /** A stream on which the puppet has proven itself, and heard READY. */
  static async connect(puppet: Puppet, target: Target): Promise<Wire> {
    const wire = await Wire.call(target, puppet.source.address);
    const pending = puppet.offer(target.did);
    const answered = new Promise<Bytes>((resolve) => {
      wire.#raw = resolve;
    });
    wire.socket.send(decodeUtf8(encodeEnvelope(pending.m1)) ?? "");
    const { m3, session } = puppet.confirm(target, pending, await answered);
    wire.#raw = undefined;
    wire.#session = session;
    wire.socket.send(decodeUtf8(m3) ?? "");
    await wire.until(({ type }) => type === "status_report");
    return wire;
  }

  get session(): PuppetSession {
    if (this.#session === undefined) throw new Error("nobody has proven themselves on this stream");
    return this.#session;
  }

  /** Sealed and sent as a binary frame. */
  say(msgType: MessageType, plaintext: Bytes): Envelope {
    const envelope = this.session.seal(msgType, plaintext);
    this.socket.send(encodeBinaryFrame(envelope));
    return envelope;
  }

  /** An honest letter, and the receipts that come for it, and nothing else before them. */
  async letter(text: string): Promise<string> {
    const { id, envelope } = this.session.letter(text);
    this.socket.send(encodeBinaryFrame(envelope));
    await this.until(({ type, body }) => type === "receipt" && (body as { readonly ids: readonly string[] }).ids.includes(id));
    return id;
  }

  /** Resolves when the node has taken in everything that was said before: capabilities are asked for and answered in turn. */
  async settled(): Promise<void> {
    this.#questions += 1;
    const n = this.#questions;
    this.say("capability_query", encodeUtf8(JSON.stringify({ n })));
    await this.until(({ type, body }) => type === "capability_response" && (body as { readonly n: number }).n === n);
  }

  /** Resolves with what was heard once enough of it is like this. */
  async until(isWanted: (heard: Heard) => boolean, count = 1): Promise<readonly Heard[]> {
    return await this.#wait(() => {
      const found = this.heard.filter(isWanted);
      if (found.length >= count) return found;
      if (this.#ending !== undefined) throw new Error(`the stream ended (${this.#ending.code}) with ${found.length} of ${count}`);
      return undefined;
    }, answerMsMax);
  }

  /** How it ended. Rejects where it is open after so long. */
  async ending(msMax: number): Promise<{ readonly code: number; readonly afterMs: number }> {
    return await this.#wait(() => this.#ending, msMax);
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }

  #take(message: Bytes, isBinary: boolean): void {
    if (this.#raw !== undefined) return this.#raw(message);
    this.heard.push(...this.#read(message, isBinary));
    this.#tell();
  }

  #read(message: Bytes, isBinary: boolean): readonly Heard[] {
    if (!isBinary) {
      const value = JSON.parse(decodeUtf8(message) ?? "null") as { readonly error?: unknown };
      if (value.error !== undefined) return [{ type: "refused", body: value.error }];
    }
    const envelope = isBinary ? decodeBinaryFrame(message) : readEnvelope(message);
    if (envelope === undefined) throw new Error("the node sent no frame");
    const plaintext = this.session.unseal(envelope);
    const items = envelope.msgType === "bundle" ? decodeBundle(plaintext) : [{ msgType: envelope.msgType, body: plaintext }];
    return (items ?? []).map(({ msgType, body }) => ({ type: msgType, body: JSON.parse(decodeUtf8(body) ?? "null") as unknown }));
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #wait<Value>(look: () => Value | undefined, msMax: number): Promise<Value> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(again);
      };
      const again = (): void => {
        try {
          const found = look();
          if (found === undefined) return;
          end();
          resolve(found);
        } catch (error) {
          end();
          reject(error as Error);
        }
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`nothing like it within ${msMax} ms; heard ${JSON.stringify(this.heard.slice(-3))}`));
      }, msMax);
      this.#listeners.add(again);
      again();
    });
  }
}
