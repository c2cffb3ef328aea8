/**
 * A local MCP server, as whoever offers its tools sees it: it comes up, lists its tools, has them called, says that they have changed, and goes. It is spoken to in the newest
 * revision that it knows. It is offered nothing of ours: no roots, no sampling, no questions to a person.
 */
import { HikyakuError, limits } from "@hikyaku/protocol";
import { type CallToolResult, Client, type Progress, ProtocolError, SdkError, SdkErrorCode, type Tool } from "@modelcontextprotocol/client";
import type { ProgramSettings } from "../serving/child-program.ts";
import { ServerPipe } from "./server-pipe.ts";
import { listTools } from "./tool-listing.ts";

export interface ToolServerSettings extends ProgramSettings {
  /** Of this program, for the server. */
  readonly version: string;
  /** What it writes on its standard error. */
  readonly note: (line: string) => void;
}

/** Called at once, not later: what hears that the server has gone knows it before any call says so. */
export interface ToolServerEars {
  /** It says that its tools are others now, or cannot list them any more: then none. */
  readonly changed: (tools: readonly Tool[]) => void;
  readonly gone: () => void;
}

export type Called =
  | { readonly kind: "result"; readonly result: CallToolResult }
  | { readonly kind: "refused"; readonly why: string }
  /** The server went, or had gone. */
  | { readonly kind: "gone" };

export interface CallManner {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** A program that is fetched before it first runs takes its time. */
const greetingMsMax = 60_000;
/** How long it may be silent to the first question before it is taken for an older one. */
const silenceMsMax = 20_000;
/** Between two looks at tools that change all the time. */
const relistMsMin = 1_000;
/** Of its last lines, what an error tells. */
const lastNotesMax = 5;

export class ToolServer implements AsyncDisposable {
  readonly #settings: ToolServerSettings;
  #pipe: ServerPipe | undefined;
  #client: Client | undefined;
  #ears: ToolServerEars | undefined;
  /** It speaks a revision before 2026-07-28. */
  #isOlder = false;
  #lastNotes: string[] = [];
  #isKilled = false;
  #isChanged = false;
  #isRelisting = false;

  constructor(settings: ToolServerSettings) {
    this.#settings = settings;
  }

  /** Starts it, again where it has gone. Rejects with INTERNAL_ERROR, saying how it ended or what it did not do. */
  async connect(): Promise<void> {
    try {
      await this.#greet(this.#isOlder);
    } catch (error) {
      // Servers of older SDKs end at a question that comes before `initialize`; they are asked in the older way.
      if (this.#isOlder || this.#isKilled || !isEndedByQuestion(error)) throw await this.#failure(error);
      await this.#greet(true).catch(async (cause: unknown) => {
        throw await this.#failure(cause);
      });
    }
    this.#isOlder = this.#client?.getProtocolEra() === "legacy";
  }

  /** Who hears of it from now on; that it has gone before, at once, and that its tools have changed before, as soon as they are listed. */
  watch(ears: ToolServerEars): void {
    this.#ears = ears;
    if (this.#client === undefined) return ears.gone();
    this.#relistIfChanged();
  }

  /** All of its tools. Rejects with INTERNAL_ERROR where it does not list them. */
  async tools(): Promise<readonly Tool[]> {
    try {
      // The SDK would answer without it, and say so on our standard output.
      if (this.#client?.getServerCapabilities()?.tools === undefined) return [];
      return await listTools(this.#client);
    } catch (error) {
      throw new HikyakuError("INTERNAL_ERROR", `The server does not list its tools (${reasonOf(error)}).`, { cause: error });
    }
  }

  async call(name: string, input: unknown, { signal, onProgress }: CallManner): Promise<Called> {
    const client = this.#client;
    if (client === undefined) return { kind: "gone" };
    try {
      const params = { name, arguments: input as Record<string, unknown> };
      // Its time is bounded by whoever calls; the output is judged where every output is, so the SDK's own judgement is left out.
      const manner = { signal, onprogress: onProgress, timeout: limits.taskLifeMsMax };
      return { kind: "result", result: await client.request({ method: "tools/call", params }, manner) };
    } catch (error) {
      return this.#client === client ? { kind: "refused", why: refusalOf(error) } : { kind: "gone" };
    }
  }

  /** How it ended and what it wrote last, in sentences; resolves once it has ended. */
  async ending(): Promise<string> {
    const ending = (await this.#pipe?.ending()) ?? "";
    const last = this.#lastNotes.join(" | ");
    return last === "" ? ending : `${ending} Its last words: ${last}`;
  }

  /** Ends it at once, and for good. */
  kill(): void {
    this.#isKilled = true;
    this.#pipe?.kill();
  }

  /** Nobody hears of it. */
  async close(): Promise<void> {
    this.#ears = undefined;
    await this.#pipe?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #greet(isOlder: boolean): Promise<void> {
    this.#lastNotes = [];
    const pipe = new ServerPipe(this.#settings, (line) => this.#note(line));
    this.#pipe = pipe;
    const client = new Client(
      { name: "hikyaku", version: this.#settings.version },
      {
        capabilities: {},
        versionNegotiation: { mode: "auto", probe: { timeoutMs: silenceMsMax } },
        inputRequired: { autoFulfill: false },
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => this.#hearChange() } },
      },
    );
    // The SDK listens where the server has announced that it would say so; one that says so all the same is heard as well.
    client.setNotificationHandler("notifications/tools/list_changed", () => this.#hearChange());
    client.onclose = () => {
      // What holds its output open lets an earlier one close after the next has come up.
      if (this.#client !== client) return;
      const ears = this.#ears;
      this.#client = undefined;
      this.#ears = undefined;
      ears?.gone();
    };
    this.#client = client;
    await client.connect(pipe, { timeout: greetingMsMax, ...(isOlder ? { prior: { kind: "legacy" } } : {}) });
  }

  async #failure(cause: unknown): Promise<HikyakuError> {
    this.#client = undefined;
    const reason = reasonOf(cause);
    const hasGone = isClosed(cause) || isEndedByQuestion(cause);
    await this.#pipe?.close();
    const ending = await this.ending();
    const why = hasGone ? ending : `It speaks no MCP that is understood here (${reason}).`;
    return new HikyakuError("INTERNAL_ERROR", `The server did not come up. ${why}`, { cause });
  }

  #note(line: string): void {
    this.#lastNotes = [...this.#lastNotes, line].slice(-lastNotesMax);
    this.#settings.note(line);
  }

  #hearChange(): void {
    this.#isChanged = true;
    this.#relistIfChanged();
  }

  #relistIfChanged(): void {
    if (this.#isToBeTold && !this.#isRelisting) void this.#relist();
  }

  /** There is a change to tell, and somebody to tell it to: until then it is remembered. */
  get #isToBeTold(): boolean {
    return this.#isChanged && this.#client !== undefined && this.#ears !== undefined;
  }

  async #relist(): Promise<void> {
    this.#isRelisting = true;
    while (this.#isToBeTold) {
      this.#isChanged = false;
      const client = this.#client;
      const tools = await this.tools().catch(() => []);
      // What a server that goes does not list has not changed.
      if (client === this.#client) this.#ears?.changed(tools);
      await new Promise((resolve) => setTimeout(resolve, relistMsMin).unref());
    }
    this.#isRelisting = false;
  }
}

/** In words for whoever asked. */
function refusalOf(error: unknown): string {
  if (error instanceof ProtocolError) return error.message;
  return (error instanceof SdkError ? refusals[error.code] : undefined) ?? "The tool could not be called.";
}

const refusals: Partial<Record<SdkErrorCode, string>> = {
  [SdkErrorCode.InvalidResult]: "The tool's answer is no result of MCP.",
  [SdkErrorCode.UnsupportedResultType]: "The tool wants to ask something, and its questions are not passed on.",
};

const isClosed = (error: unknown): boolean => error instanceof SdkError && error.code === SdkErrorCode.ConnectionClosed;
const isEndedByQuestion = (error: unknown): boolean => error instanceof SdkError && error.code === SdkErrorCode.EraNegotiationFailed;
const reasonLengthMax = 200;
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, reasonLengthMax);
