/**
 * The reading side of a stream (spec §9): few frames are in work at once. While more come in the socket's reading is held up, so that the sender feels it; what arrives
 * all the same waits here, within bounds.
 */
import { type Bytes, limits } from "@hikyaku/protocol";
import type { SocketLike } from "./socket-like.ts";

export interface StreamReaderNeeds {
  readonly socket: SocketLike;
  readonly inWorkMax: number;
  /** Takes a frame in; resolves when it is done with it. */
  readonly take: (frame: Bytes) => Promise<void>;
  /** Told whenever a frame is done with and room is there again. */
  readonly settled: () => void;
}

export class StreamReader {
  readonly #needs: StreamReaderNeeds;
  readonly #queuedBytesMax: number;
  #queue: Bytes[] = [];
  #queuedBytes = 0;
  #inWork = 0;
  #isPaused = false;

  constructor(needs: StreamReaderNeeds) {
    this.#needs = needs;
    const canPause = needs.socket.pause !== undefined && needs.socket.resume !== undefined;
    this.#queuedBytesMax = canPause ? limits.streamQueuedBytesMax : limits.streamQueuedUnpausedBytesMax;
  }

  /** False where more has come in than may wait. */
  push(frame: Bytes): boolean {
    if (this.#inWork < this.#needs.inWorkMax && this.#queue.length === 0) this.#hand(frame);
    else {
      this.#queue.push(frame);
      this.#queuedBytes += costOf(frame);
    }
    if (this.#inWork >= this.#needs.inWorkMax) this.#pause();
    return this.#queuedBytes <= this.#queuedBytesMax;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Forgets what waits, and reads on: the other side's farewell stands behind it. */
  end(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#resume();
  }

  #hand(frame: Bytes): void {
    this.#inWork += 1;
    void this.#needs.take(frame).finally(this.#done);
  }

  readonly #done = (): void => {
    this.#inWork -= 1;
    while (this.#inWork < this.#needs.inWorkMax) {
      const frame = this.#queue.shift();
      if (frame === undefined) break;
      this.#queuedBytes -= costOf(frame);
      this.#hand(frame);
    }
    // Half of them, so that a busy stream does not stop and start with every frame.
    if (this.isEmpty && this.#inWork <= this.#needs.inWorkMax / 2) this.#resume();
    this.#needs.settled();
  };

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#needs.socket.pause?.();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#needs.socket.resume?.();
  }
}

const costOf = (frame: Bytes): number => frame.length + limits.streamQueuedFrameBytes;
