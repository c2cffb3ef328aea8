/** How commands talk to the peer that is up: its control interface, found through the record in its folder. */
import { type ErrorCode, HikyakuError, isErrorCode } from "@hikyaku/protocol";
import { Client } from "undici";
import type { Config } from "../config/config.ts";
import { formatEndpoint } from "../config/endpoint.ts";
import { type ControlRecord, readControlRecord } from "../keystore/control-record.ts";
import { exitNotRunning } from "./exit-code.ts";

/** No peer is up in this folder: told apart from a peer elsewhere that cannot be reached. */
export class NotRunning extends HikyakuError {
  readonly exitCode: number = exitNotRunning;

  constructor(folder: string, cause: unknown) {
    super("UNREACHABLE", `The peer in ${folder} is not running. Start it with \`hikyaku up\`.`, { cause });
  }
}

/** The longest answer is a pairing link that nobody uses for a while; the peer itself bounds how long it takes. */
const answerMsMax = 3_700_000;

export class ControlClient {
  readonly #folder: string;
  readonly #record: ControlRecord;
  readonly #client: Client;

  private constructor(folder: string, record: ControlRecord) {
    this.#folder = folder;
    this.#record = record;
    this.#client = new Client(`http://${formatEndpoint(record.address)}`, { headersTimeout: answerMsMax, bodyTimeout: answerMsMax });
  }

  static async connect(config: Config): Promise<ControlClient> {
    const folder = config.folder.value;
    try {
      return new ControlClient(folder, await readControlRecord(folder));
    } catch (error) {
      throw error instanceof HikyakuError && error.code === "UNREACHABLE" ? new NotRunning(folder, error) : error;
    }
  }

  get<Answer>(path: string): Promise<Answer> {
    return this.#request("GET", path, undefined);
  }

  post<Answer>(path: string, body: object): Promise<Answer> {
    return this.#request("POST", path, body);
  }

  delete(path: string): Promise<object> {
    return this.#request("DELETE", path, undefined);
  }

  async close(): Promise<void> {
    await this.#client.destroy();
  }

  async #request<Answer>(method: "GET" | "POST" | "DELETE", path: string, body: object | undefined): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${this.#record.token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const { statusCode, text } = await this.#exchange(method, path, headers, body === undefined ? null : JSON.stringify(body));
    const answer = JSON.parse(text) as Answer & { readonly error?: { readonly code: string; readonly message: string } };
    if (statusCode < 400) return answer;
    const code: ErrorCode = answer.error !== undefined && isErrorCode(answer.error.code) ? answer.error.code : "INTERNAL_ERROR";
    throw new HikyakuError(code, answer.error?.message ?? `The peer answered ${statusCode}.`);
  }

  async #exchange(
    method: "GET" | "POST" | "DELETE",
    path: string,
    headers: Record<string, string>,
    body: string | null,
  ): Promise<{ readonly statusCode: number; readonly text: string }> {
    try {
      const answer = await this.#client.request({ method, path, headers, body });
      return { statusCode: answer.statusCode, text: await answer.body.text() };
    } catch (error) {
      // A crash leaves the record behind; it leads to a closed port.
      throw new NotRunning(this.#folder, error);
    }
  }
}
