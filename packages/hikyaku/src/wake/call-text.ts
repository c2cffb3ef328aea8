import type { WakeCall } from "@hikyaku/peer";

/** A call as the owner's program reads it: `{"from":{"did","name","trust"},"reason"}`. */
export const callText = ({ from, reason }: Pick<WakeCall, "from" | "reason">): string =>
  JSON.stringify({ from, ...(reason === undefined ? {} : { reason }) });
