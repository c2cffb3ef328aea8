/**
 * Messages that nobody keeps, on their way to the handler (spec LIM-9): each sender's in order, and the senders in turn. Bounded by sender, so that whoever says more
 * than is heard loses its own words and nobody else's.
 */
import { limits } from "@hikyaku/protocol";

export interface Transient {
  readonly from: string;
  readonly id: string;
  /** What it takes to keep it until its turn. */
  readonly bytes: number;
  readonly run: () => Promise<void> | void;
}

interface Line {
  readonly waiting: Transient[];
  bytes: number;
}

export class TransientQueue {
  /** Whose turn it is stands first. */
  readonly #lines = new Map<string, Line>();
  #bytes = 0;

  /** What all of it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** False where there is no room. */
  put(transient: Transient): boolean {
    const bytes = costOf(transient);
    const line = this.#lines.get(transient.from) ?? { waiting: [], bytes: 0 };
    const isFull = line.waiting.length >= limits.transientPerSenderMax || line.bytes + bytes > limits.transientBytesPerSenderMax;
    if (isFull || this.#bytes + bytes > limits.transientBytesMax) return false;
    line.waiting.push(transient);
    line.bytes += bytes;
    this.#bytes += bytes;
    this.#lines.set(transient.from, line);
    return true;
  }

  take(): Transient | undefined {
    const first = this.#lines.entries().next();
    if (first.done === true) return undefined;
    const [from, line] = first.value;
    const transient = line.waiting.shift();
    this.#lines.delete(from);
    if (transient === undefined) return undefined;
    const bytes = costOf(transient);
    line.bytes -= bytes;
    this.#bytes -= bytes;
    if (line.waiting.length > 0) this.#lines.set(from, line);
    return transient;
  }
}

const costOf = ({ bytes }: Transient): number => bytes + limits.transientEntryBytes;
