/** Everything that went over the wire, as one hash, and the last events in words where somebody wants to read them. */
import { createHash } from "node:crypto";
import { type Bytes, decodeBinaryFrame, decodeEnvelope } from "@hikyaku/protocol";
import type { Timeline } from "./timeline.ts";

const linesMax = 50_000;

export class Trace {
  readonly #timeline: Timeline;
  readonly #isTold: boolean;
  readonly #hash = createHash("sha256");
  readonly #lines: string[] = [];
  frames = 0;

  constructor(timeline: Timeline, { isTold }: { readonly isTold: boolean }) {
    this.#timeline = timeline;
    this.#isTold = isTold;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  frame(way: string, frame: Bytes): void {
    this.frames += 1;
    this.#hash.update(`${this.#timeline.now} ${way} ${frame.length}\n`).update(frame);
    if (this.#isTold) this.tell(() => `${way}  ${describe(frame)}`);
  }

  tell(line: () => string): void {
    if (!this.#isTold) return;
    this.#lines.push(`${(this.#timeline.now / 1000).toFixed(3).padStart(9)} s  ${line()}`);
    if (this.#lines.length > linesMax) this.#lines.shift();
  }

  digest(): string {
    return this.#hash.digest("hex").slice(0, digestDigits);
  }
}

const digestDigits = 32;
const brace = 0x7b;
const shownDigits = 6;

function describe(frame: Bytes): string {
  const envelope = frame[0] === brace ? decodeEnvelope(frame) : decodeBinaryFrame(frame);
  if (envelope === undefined) return `${frame.length} bytes that are no envelope`;
  return `${envelope.msgType} ${envelope.sessionId.slice(0, shownDigits)}#${envelope.sequenceNum} (${envelope.payload.data.length} bytes)`;
}
