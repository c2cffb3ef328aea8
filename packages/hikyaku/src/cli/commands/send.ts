/** `hikyaku send` and `hikyaku report`: something said to a peer, and the receipt that it sealed. */
import { decodeUtf8, HikyakuError, limits } from "@hikyaku/protocol";
import { type Call, withPeer } from "../call.ts";
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
  const body = jsonBody === undefined ? { text: text === "-" ? await readInput() : (text ?? "") } : { json: parseJson(jsonBody) };
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new HikyakuError("INVALID_ARGUMENT", "--body wants JSON, such as '{\"done\":true}'.", { cause: error });
  }
}

/** Standard input as text, without the line break at its end. */
async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limits.textLengthMax)
      throw new HikyakuError("INVALID_ARGUMENT", `A text may have at most ${limits.textLengthMax} bytes: send it in parts.`);
    chunks.push(chunk);
  }
  const text = decodeUtf8(new Uint8Array(Buffer.concat(chunks)));
  if (text === undefined)
    throw new HikyakuError("INVALID_ARGUMENT", "Standard input holds no UTF-8 text: encode it, for example with base64.");
  return text.replace(/\r?\n$/, "");
}
