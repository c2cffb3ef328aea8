/** The streams of one listener or dialer, so that it can take them with it when it ends. */
import type { WebSocketStream } from "./web-socket-stream.ts";

export class OpenStreams {
  readonly #streams = new Set<WebSocketStream>();
  #leaveReason: string | undefined;

  add(stream: WebSocketStream): void {
    this.#streams.add(stream);
    void stream.ended.then(() => this.#streams.delete(stream));
    if (this.#leaveReason !== undefined) stream.leave(this.#leaveReason);
  }

  /** Resolves when all are down: each ends itself within its own bound. Who comes later is sent away as well. */
  async leave(reason: string): Promise<void> {
    this.#leaveReason = reason;
    const streams = [...this.#streams];
    for (const stream of streams) stream.leave(reason);
    await Promise.all(streams.map((stream) => stream.ended));
  }
}
