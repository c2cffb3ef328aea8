/**
 * The receiver behind a listener, with the two promises that a listener owes the network: no more work at once than is bounded (spec §7), and no
 * exception text in an answer (spec §8).
 */
import { randomUUID } from "node:crypto";
import { type Log, type Receiver, type Reception, traceOf } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";

const overloaded: Reception = { kind: "refused", code: "OVERLOADED", retryAfterS: limits.overloadedRetryAfterS };

export function guardReceiver(receiver: Receiver, { inWorkMax, log }: { readonly inWorkMax: number; readonly log: Log }): Receiver {
  let inWork = 0;
  return async (frame, origin) => {
    if (inWork >= inWorkMax) return overloaded;
    inWork += 1;
    try {
      return await receiver(frame, origin);
    } catch (error) {
      return reportFailure(error, log);
    } finally {
      inWork -= 1;
    }
  };
}

/** The caller gets a number that a person can look up here. */
export function reportFailure(error: unknown, log: Log): Reception {
  const correlationId = randomUUID();
  log.write("error", "listener.failed", { correlation_id: correlationId, reason: traceOf(error) });
  return { kind: "refused", code: "INTERNAL_ERROR", correlationId };
}
