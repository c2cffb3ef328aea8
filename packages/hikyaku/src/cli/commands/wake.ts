/** `hikyaku wake`: calls a peer's agent to come up. */
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
  const receipt = await withPeer(call, (peer) => peer.post<Receipt>(`/peers/${segment(name)}/wake`, body));
  await showReceipt(call, receipt);
  return exitCodeOfReceipt(receipt, body.until);
}
