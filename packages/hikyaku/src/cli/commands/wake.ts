/** `hikyaku wake`: calls a peer's agent to come up. */
import { type ErrorCode, HikyakuError } from "@hikyaku/protocol";
import { type Call, segment, withPeer } from "../call.ts";
import { exitCodeOfReceipt, type Receipt, showReceipt } from "../receipt.ts";

export interface WakeOptions {
  readonly peer: string;
  readonly reason?: string;
  /** The stage to wait for, where the person named one. */
  readonly until?: string;
  readonly timeoutMs?: number;
}

/** The exit code, as that of `hikyaku send`. */
export async function wake(call: Call, { peer: name, ...body }: WakeOptions): Promise<number> {
  const receipt = await withPeer(call, (peer) => peer.post<Receipt>(`/peers/${segment(name)}/wake`, body)).catch((error: unknown) => {
    throw refusalOf(name, error);
  });
  await showReceipt(call, receipt);
  return exitCodeOfReceipt(receipt, body.until);
}

/** What the other side has to change before a call can do anything. */
const refusals: Partial<Record<ErrorCode, string>> = {
  UNAUTHORIZED: "does not let you wake up its agent: that needs the scope wake_up over there.",
  UNSUPPORTED_TYPE: "has nothing to wake up: its owner has to choose a program for that (wakeCommand) or a web hook (wakeUrl).",
  RATE_LIMITED: "was called too often: it takes a call of yours once a minute.",
};

function refusalOf(name: string, error: unknown): unknown {
  const why = error instanceof HikyakuError ? refusals[error.code] : undefined;
  return error instanceof HikyakuError && why !== undefined ? new HikyakuError(error.code, `${name} ${why}`, { cause: error }) : error;
}
