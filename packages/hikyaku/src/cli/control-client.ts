/** How commands talk to the peer that is up: its control interface, found through the record in its folder. */
import { HikyakuError, isErrorCode } from "@hikyaku/protocol";
import { buildConnector, type Dispatcher, errors, Pool } from "undici";
import { ApprovalRequired } from "../agents/approval-required.ts";
import type { Config } from "../config/config.ts";
import { formatEndpoint } from "../config/endpoint.ts";
import { type ControlRecord, readControlRecord } from "../keystore/control-record.ts";
import { isFolderLocked } from "../store/folder-lock.ts";
import { NotRunning } from "./not-running.ts";

/** The longest answer is a message that waits to be handled; the peer itself bounds how long that takes. */
const answerMsMax = 3_700_000;

/** Two connections, so that taking something back need not wait for the answer to it. */
const defaultBounds: ClientBounds = { connections: 2, answerMsMax };

const guardStatus = 403;

export interface ClientBounds {
  readonly connections: number;
  /** How long an answer may take. */
  readonly answerMsMax: number;
  /** The agent for which everything is asked: the peer lets it do what its owner allows it, and no more. Without one it is the owner who asks. */
  readonly agent?: string;
}

type Method = "GET" | "POST" | "DELETE";

interface Asked {
  readonly body?: object;
  readonly signal?: AbortSignal | undefined;
}

interface Exchanged {
  readonly statusCode: number;
  readonly text: string;
}

const dial = buildConnector({});

export class ControlClient {
  readonly #folder: string;
  readonly #record: ControlRecord;
  readonly #client: Pool;
  readonly #agent: Readonly<Record<string, string>>;
  /** Set while the folder is asked whether the peer is up. */
  #asked: Promise<void> | undefined;

  private constructor(folder: string, record: ControlRecord, bounds: ClientBounds) {
    this.#folder = folder;
    this.#record = record;
    this.#agent = bounds.agent === undefined ? {} : { "x-hikyaku-agent": bounds.agent };
    this.#client = new Pool(`http://${formatEndpoint(record.address)}`, {
      connections: bounds.connections,
      headersTimeout: bounds.answerMsMax,
      bodyTimeout: bounds.answerMsMax,
      connect: (options, opened) => this.#open(options, opened),
    });
  }

  static async connect(config: Config, bounds: ClientBounds = defaultBounds): Promise<ControlClient> {
    const folder = config.folder.value;
    const client = new ControlClient(folder, await recordIn(folder), bounds);
    await client.#requireUp();
    return client;
  }

  get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
    return this.#request("GET", path, { signal });
  }

  post<Answer>(path: string, body: object, signal?: AbortSignal): Promise<Answer> {
    return this.#request("POST", path, { body, signal });
  }

  delete(path: string): Promise<object> {
    return this.#request("DELETE", path);
  }

  async close(): Promise<void> {
    await this.#client.destroy();
  }

  async #request<Answer>(method: Method, path: string, { body, signal }: Asked = {}): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${this.#record.token}`,
      ...this.#agent,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const { statusCode, text } = await this.#exchange({
      method,
      path,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
    const answer = parseAnswer(text);
    // A crash leaves the record behind, and by now somebody else may have the port.
    if (statusCode === guardStatus || answer === undefined) throw this.#notRunning();
    if (statusCode < 400) return answer as Answer;
    const { code, message = `The peer in ${this.#folder} answered with status ${statusCode}.`, approval } = refusalIn(answer);
    if (approval !== undefined) throw new ApprovalRequired(message, approval);
    throw new HikyakuError(code !== undefined && isErrorCode(code) ? code : "INTERNAL_ERROR", message);
  }

  /** After a crash somebody else on this machine may listen at that port. It would get the token and whatever we say, so the folder is asked first, once for all that are opened together. */
  #open(options: buildConnector.Options, opened: buildConnector.Callback): void {
    this.#asked ??= this.#requireUp().finally(() => {
      this.#asked = undefined;
    });
    this.#asked.then(
      () => dial(options, opened),
      (error: Error) => opened(error, null),
    );
  }

  /** A peer that was started anew has another token, and may have another port. */
  async #requireUp(): Promise<void> {
    const { token } = await recordIn(this.#folder);
    if (token !== this.#record.token || !isFolderLocked(this.#folder)) throw this.#notRunning();
  }

  async #exchange(request: Dispatcher.RequestOptions): Promise<Exchanged> {
    try {
      const answer = await this.#client.request(request);
      return { statusCode: answer.statusCode, text: await answer.body.text() };
    } catch (error) {
      if ((request.signal as AbortSignal | null)?.aborted === true)
        throw new HikyakuError("CANCELED", "Asking the peer was given up.", { cause: error });
      if (error instanceof HikyakuError) throw error;
      // A crash leaves the record behind; it leads to a closed port.
      if ((error as NodeJS.ErrnoException).code === "ECONNREFUSED") throw this.#notRunning(error);
      if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError)
        throw new HikyakuError(
          "TIMED_OUT",
          `The peer in ${this.#folder} gives no answer: end process ${this.#record.pid} if it is stuck, and start the peer anew with \`hikyaku up\`.`,
          { cause: error },
        );
      throw new NotRunning(
        `The peer in ${this.#folder} stopped before it answered: start it with \`hikyaku up\` and look how far it came.`,
        error,
        true,
      );
    }
  }

  #notRunning(cause?: unknown): NotRunning {
    return notRunning(this.#folder, cause);
  }
}

async function recordIn(folder: string): Promise<ControlRecord> {
  try {
    return await readControlRecord(folder);
  } catch (error) {
    throw error instanceof HikyakuError && error.code === "UNREACHABLE" ? new NotRunning(error.message, error) : error;
  }
}

interface Refusal {
  readonly code?: string;
  readonly message?: string;
  /** Beside APPROVAL_REQUIRED. */
  readonly approval?: string;
}

const refusalIn = (answer: object): Refusal => (answer as { readonly error?: Refusal }).error ?? {};

const notRunning = (folder: string, cause?: unknown): NotRunning =>
  new NotRunning(`The peer in ${folder} is not running: start it with \`hikyaku up\`.`, cause);

/** Undefined where it is no object of JSON: then it is not our peer that answered. */
function parseAnswer(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
