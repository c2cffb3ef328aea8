/** Time from the machine, for real use. */
import type { Clock } from "../ports/clock.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delayMs, callback) {
    // A fraction would be cut off, and the callback would come too early.
    const handle = setTimeout(callback, Math.ceil(delayMs));
    letGo(handle);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Node keeps its process alive for a pending timer unless told otherwise; a browser's timer is a mere number. */
function letGo(handle: unknown): void {
  if (typeof handle === "object" && handle !== null && "unref" in handle && typeof handle.unref === "function") handle.unref();
}
