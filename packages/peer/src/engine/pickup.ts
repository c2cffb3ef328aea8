/** Frames for peers that we cannot dial: they wait until the peer calls and take the way back with its answer (spec §9, `replies`). */
import { type Bytes, HikyakuError, limits } from "@hikyaku/protocol";

export class Pickup {
  readonly #waiting = new Map<string, Bytes[]>();

  /** Throws QUOTA_EXCEEDED where too much waits already: a frame is never dropped for another. */
  put(did: string, name: string, frame: Bytes): void {
    const frames = this.#waiting.get(did) ?? [];
    const isFull = frames.length >= limits.pickupCountMax || (frames.length === 0 && this.#waiting.size >= limits.pickupPeersMax);
    if (isFull) throw new HikyakuError("QUOTA_EXCEEDED", `${name} can only call us, and too much waits for its next call already`);
    frames.push(frame);
    this.#waiting.set(did, frames);
  }

  /** What fits beside `beside`, oldest first; the rest keeps waiting. */
  take(did: string, beside: readonly Bytes[]): { readonly frames: readonly Bytes[]; readonly more: boolean } {
    const frames = this.#waiting.get(did) ?? [];
    let count = beside.length;
    let bytes = beside.reduce((sum, frame) => sum + frame.length, 0);
    const taken: Bytes[] = [];
    for (const frame of frames) {
      if (count >= limits.repliesCountMax || bytes + frame.length > limits.repliesBytesMax) break;
      taken.push(frame);
      count += 1;
      bytes += frame.length;
    }
    frames.splice(0, taken.length);
    if (frames.length === 0) this.#waiting.delete(did);
    return { frames: [...beside, ...taken], more: frames.length > 0 };
  }

  /** Forgets what was sealed for a peer: its session is gone, so nobody could open it. */
  drop(did: string): void {
    this.#waiting.delete(did);
  }
}
