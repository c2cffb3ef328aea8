/** `hikyaku send` and `hikyaku report`: something said to a peer, and the receipt that it sealed. */
import { HikyakuError, limits } from "@hikyaku/protocol";
import { type Call, withPeer } from "../call.ts";
import { parseJson, readStandardInput } from "../given-text.ts";
import { exitCodeOfReceipt, type Receipt, showReceipt } from "../receipt.ts";

export interface SendOptions {
  readonly to: string;
  /** `-` reads standard input. */
  readonly text: string | undefined;
  readonly jsonBody: string | undefined;
  /** The stage to wait for, where the person named one. */
  readonly until?: string;
  readonly timeoutMs?: number;
}

/** The exit code. */
export async function send(call: Call, { to, text, jsonBody, ...manner }: SendOptions): Promise<number> {
  if ((text === undefined) === (jsonBody === undefined))
    throw new HikyakuError(
      "INVALID_ARGUMENT",
      "Say what to send, in one way: a text in quotes, - for standard input, or --body with JSON.",
    );
  const body =
    jsonBody === undefined
      ? { text: text === "-" ? await readStandardInput(limits.textLengthMax) : (text ?? "") }
      : { json: parseJson(jsonBody, "--body") };
  const receipt = await withPeer(call, (peer) => peer.post<Receipt>("/messages", { to, body, ...manner }));
  await showReceipt(call, receipt);
  return exitCodeOfReceipt(receipt, manner.until);
}

export interface ReportOptions {
  readonly to: string;
  readonly state: string;
  readonly detail: string | undefined;
}

export async function report(call: Call, { to, state, detail }: ReportOptions): Promise<void> {
  const body = { state, ...(detail === undefined ? {} : { detail }) };
  await showReceipt(call, await withPeer(call, (peer) => peer.post<Receipt>("/reports", { to, body })));
}
