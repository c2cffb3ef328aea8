/** Where a puppet can be called: an HTTP server that keeps every frame the node sends and answers with whatever the attack wants. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Bytes, decodeUtf8 } from "@hikyaku/protocol";

/** The frames of a 200, or any other status with any text. */
export type Reply = { readonly frames: readonly Bytes[] } | { readonly status: number; readonly text: string };

export class Ear implements AsyncDisposable {
  readonly heard: Bytes[] = [];
  /** What to say to the next frames. */
  answer: (frame: Bytes) => Promise<Reply> | Reply = () => ({ status: 503, text: '{"error":{"code":"OVERLOADED"}}' });
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      // Whoever calls for a stream hears that there is none here, and goes on with HTTP.
      if (incoming.method !== "POST") return void outgoing.writeHead(404).end();
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const frame = new Uint8Array(Buffer.concat(chunks));
        this.heard.push(frame);
        Promise.resolve(frame)
          .then(this.answer)
          .then(
            (reply) => {
              const { status, text } = "frames" in reply ? { status: 200, text: received(reply.frames) } : reply;
              outgoing.writeHead(status, { "content-type": "application/json" }).end(text);
            },
            () => outgoing.destroy(),
          );
      });
    });
  }

  static async open(host: string): Promise<Ear> {
    const ear = new Ear();
    await new Promise<void>((resolve) => ear.#server.listen(0, host, resolve));
    return ear;
  }

  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const received = (frames: readonly Bytes[]): string =>
  `{"status":"received","entity_id":"puppet","replies":[${frames.map((frame) => decodeUtf8(frame) ?? "null").join(",")}]}`;
