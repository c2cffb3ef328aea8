/** Frames for peers that we cannot dial: they wait until the peer calls and take the way back with its answer (spec §9, `replies`). */
import { type Bytes, HikyakuError, limits } from "@hikyaku/protocol";

interface Waiting {
  readonly frame: Bytes;
  readonly taken: () => void;
}

export class Pickup {
  readonly #waiting = new Map<string, Waiting[]>();
  #bytes = 0;

  /** Throws QUOTA_EXCEEDED where too much waits already: a frame is never dropped for another. `taken` is told when the frame goes. */
  put(did: string, name: string, frame: Bytes, taken: () => void = () => undefined): void {
    const frames = this.#waiting.get(did) ?? [];
    const isFull = frames.length >= limits.pickupCountMax || (frames.length === 0 && this.#waiting.size >= limits.pickupPeersMax);
    if (isFull || this.#bytes + frame.length > limits.pickupBytesMax)
      throw new HikyakuError("QUOTA_EXCEEDED", `${name} can only call us, and too much waits for its next call already.`);
    frames.push({ frame, taken });
    this.#bytes += frame.length;
    this.#waiting.set(did, frames);
  }

  get size(): number {
    return this.#waiting.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What fits beside `beside`, oldest first; the rest keeps waiting. */
  take(did: string, beside: readonly Bytes[]): { readonly frames: readonly Bytes[]; readonly more: boolean } {
    const frames = this.#waiting.get(did) ?? [];
    let count = beside.length;
    let bytes = beside.reduce((sum, frame) => sum + frame.length, 0);
    const going: Waiting[] = [];
    for (const waiting of frames) {
      const { frame } = waiting;
      if (count >= limits.repliesCountMax || bytes + frame.length > limits.repliesBytesMax) break;
      going.push(waiting);
      count += 1;
      bytes += frame.length;
    }
    frames.splice(0, going.length);
    this.#bytes -= going.reduce((sum, { frame }) => sum + frame.length, 0);
    if (frames.length === 0) this.#waiting.delete(did);
    for (const { taken } of going) taken();
    return { frames: [...beside, ...going.map(({ frame }) => frame)], more: frames.length > 0 };
  }

  /** Drops what waits for peers of which `isGone` says that no session is left to open it in. */
  sweep(isGone: (did: string) => boolean): void {
    for (const did of this.#waiting.keys()) if (isGone(did)) this.drop(did);
  }

  /** Forgets what was sealed for a peer: its session is gone, so nobody could open it. */
  drop(did: string): void {
    for (const { frame } of this.#waiting.get(did) ?? []) this.#bytes -= frame.length;
    this.#waiting.delete(did);
  }
}
