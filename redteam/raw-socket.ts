/** A TCP connection to the node that says whatever it is told, or nothing, and sees how and when it ends. */
import { connect, type Socket } from "node:net";

export interface Ending {
  /** What the node said before. */
  readonly text: string;
  /** From the connection's begin; undefined where it was still open when somebody looked. */
  readonly afterMs: number | undefined;
}

export class RawSocket implements Disposable {
  readonly #socket: Socket;
  readonly #beganAt = performance.now();
  #text = "";
  #afterMs: number | undefined;
  readonly #ended: Promise<void>;

  constructor({ port, from }: { readonly port: number; readonly from: string }) {
    this.#socket = connect({ host: "127.0.0.1", port, localAddress: from });
    this.#socket.setEncoding("utf8").on("data", (chunk: string) => {
      this.#text += chunk;
    });
    this.#socket.on("error", () => undefined);
    this.#ended = new Promise((resolve) => {
      this.#socket.once("close", () => {
        this.#afterMs = performance.now() - this.#beganAt;
        resolve();
      });
    });
  }

  say(text: string): void {
    if (!this.#socket.destroyed) this.#socket.write(text);
  }

  get isOpen(): boolean {
    return this.#afterMs === undefined;
  }

  /** How it ended, or how it is after so long. */
  async ending(msMax: number): Promise<Ending> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, msMax);
    await Promise.race([this.#ended, late.promise]);
    clearTimeout(timer);
    return { text: this.#text, afterMs: this.#afterMs };
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
