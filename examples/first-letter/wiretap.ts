/** Somebody on the wire: forwards HTTP between two peers and carries no streams, keeps what it sees, and can slip in a forged copy. It has no keys. */
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Overheard {
  /** The exact bytes of one POST /message. */
  readonly body: Buffer;
  readonly msgType: string;
  readonly senderId: string;
}

const bodyBytesMax = 262_144;

export class Wiretap implements AsyncDisposable {
  readonly heard: Overheard[] = [];
  /** Answers that forged copies got. */
  readonly forgeries: Answer[] = [];
  readonly #server: Server;
  #target = 0;
  #isForging = false;

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        this.#pass(Buffer.concat(chunks).subarray(0, bodyBytesMax)).then(
          ({ status, body }) => outgoing.writeHead(status, { "content-type": "application/json" }).end(body),
          () => outgoing.destroy(),
        );
      });
    });
  }

  static async start(): Promise<Wiretap> {
    const tap = new Wiretap();
    tap.#server.on("upgrade", (_, socket) => socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    await new Promise<void>((resolve) => tap.#server.listen(0, "127.0.0.1", resolve));
    return tap;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Everything goes on to this port of this machine. */
  leadTo(port: number): void {
    this.#target = port;
  }

  /** Before the next message goes on, a copy with one letter of its sealed body changed goes first. */
  forgeNext(): void {
    this.#isForging = true;
  }

  /** Posts bytes to the listener behind the tap, as anybody on the network could. */
  post(body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": body.length };
      const outgoing = request({ host: "127.0.0.1", port: this.#target, method: "POST", path: "/message", headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => {
          text += chunk;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #pass(body: Buffer): Promise<Answer> {
    const { msg_type: msgType, sender_id: senderId } = JSON.parse(body.toString()) as { msg_type: string; sender_id: string };
    this.heard.push({ body, msgType, senderId });
    if (this.#isForging) {
      this.#isForging = false;
      this.forgeries.push(await this.post(forge(body)));
    }
    return await this.post(body);
  }
}

/** Changes one letter in the middle of the sealed body; the envelope stays well-formed. */
function forge(body: Buffer): Buffer {
  const text = body.toString();
  const [whole = "", data = ""] = /"data":"([^"]*)"/.exec(text) ?? [];
  const at = Math.floor(data.length / 2);
  const letter = data[at] === "A" ? "B" : "A";
  return Buffer.from(text.replace(whole, `"data":"${data.slice(0, at)}${letter}${data.slice(at + 1)}"`));
}
