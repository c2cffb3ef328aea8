/** What has to become durable some day although the disk or our own outbox is full now (spec §11): the change is asked for again and again, less and less often, until it is made or the peer closes. */
import { HikyakuError, limits } from "@hikyaku/protocol";
import type { Ground } from "./needs.ts";
import { pause } from "./pause.ts";

/** Conditions of this machine that pass. */
const passing: ReadonlySet<string> = new Set(["STORAGE_FAILED", "QUOTA_EXCEEDED"]);

export async function durably<Result>(ground: Ground, closing: AbortSignal, change: () => Promise<Result>): Promise<Result> {
  for (let waitMs = limits.retryMsMin; ; waitMs = Math.min(2 * waitMs, limits.retryMsMax)) {
    try {
      return await change();
    } catch (error) {
      if (closing.aborted || !(error instanceof HikyakuError) || !passing.has(error.code)) throw error;
      ground.counters.add("storage.retried");
      ground.log.write("error", "storage.failed", { code: error.code, retryInMs: waitMs });
    }
    await pause(ground, waitMs, closing);
  }
}
