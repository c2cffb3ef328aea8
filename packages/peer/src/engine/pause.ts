import { HikyakuError } from "@hikyaku/protocol";
import type { Ground } from "./needs.ts";

/** Waits by the peer's clock. Rejects with CANCELED as soon as the signal aborts. */
export function pause({ clock }: Pick<Ground, "clock">, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => {
      signal.removeEventListener("abort", cancel);
      resolve();
    });
    const cancel = (): void => {
      timer.cancel();
      reject(new HikyakuError("CANCELED", "The waiting was called off.", { cause: signal.reason }));
    };
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
  });
}
