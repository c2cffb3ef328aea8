/** `hikyaku send` and `hikyaku report`: something said to a peer, and the receipt that it sealed. */
import { HikyakuError, limits } from "@hikyaku/protocol";
import { type Call, withPeer } from "../call.ts";
import { exitOk, exitUnreachable } from "../exit-code.ts";
import { parseJson, readStandardInput } from "../given-text.ts";
import { shortTime, visible } from "../terminal.ts";

interface Receipt {
  readonly id: string;
  readonly stage: string;
  readonly stages: readonly { readonly stage: string; readonly afterMs: number }[];
  readonly problem?: string;
  readonly exp?: number;
}

export interface SendOptions {
  readonly to: string;
  /** `-` reads standard input. */
  readonly text: string | undefined;
  readonly jsonBody: string | undefined;
  /** The stage to wait for, where the person named one. */
  readonly until?: string;
  readonly timeoutMs?: number;
}

/** The exit code: a message that is kept and will be tried again is no failure, unless a stage was asked for that it has not reached. */
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
  return manner.until !== undefined && stages.indexOf(receipt.stage) < stages.indexOf(manner.until) ? exitUnreachable : exitOk;
}

const stages: readonly string[] = ["queued", "stored", "delivered", "handled"];

export interface ReportOptions {
  readonly to: string;
  readonly state: string;
  readonly detail: string | undefined;
}

export async function report(call: Call, { to, state, detail }: ReportOptions): Promise<void> {
  const body = { state, ...(detail === undefined ? {} : { detail }) };
  await showReceipt(call, await withPeer(call, (peer) => peer.post<Receipt>("/reports", { to, body })));
}

async function showReceipt({ terminal }: Call, receipt: Receipt): Promise<void> {
  const { id, stage, stages: passed, problem, exp } = receipt;
  const way = passed.map(({ stage: one, afterMs }) => `${one} ${afterMs} ms`).join("  ");
  const lines = [`${id}  ${way === "" ? stage : way}${problem === undefined ? "" : `: ${problem}`}`];
  if (stage === "queued" && exp !== undefined) lines.push(`${" ".repeat(4)}retrying until ${shortTime(exp)}; hikyaku explain ${id}`);
  await terminal.show(lines.map(visible).join("\n"), receipt);
}
