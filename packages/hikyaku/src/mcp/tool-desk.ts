/**
 * Where an agent's calls come in: each runs within bounds, its refusals become words that the agent can act upon, and what waits for the owner's word is asked of the person at the
 * client, where the client can ask.
 */
import { type ErrorCode, HikyakuError } from "@hikyaku/protocol";
import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { ApprovalRequired } from "../agents/approval-required.ts";
import { readable, visibleJson } from "../text/visible.ts";
import { callsMax } from "./bounds.ts";
import { type Control, segment } from "./control.ts";
import { ownWords } from "./own-words.ts";
import { asReadable } from "./quoted.ts";
import type { Tool, ToolCall } from "./tool.ts";

type Outcome = CallToolResult | InputRequiredResult;

export class ToolDesk {
  readonly #server: McpServer;
  readonly #control: Control;
  #running = 0;

  constructor(server: McpServer, control: Control) {
    this.#server = server;
    this.#control = control;
  }

  offer({ name, title, description, annotations, input, ...tool }: Tool): void {
    const config = { title, description, annotations, inputSchema: input };
    this.#server.registerTool(name, config, async (given: unknown, context: ServerContext) => await this.#take(tool, given, context));
  }

  /** What a tool without arguments answers, for a resource. Rejects with a ProtocolError in our own words. */
  async look(run: Tool["run"], given: object, { mcpReq: { signal } }: ServerContext): Promise<object> {
    try {
      return await this.#counted(() => run(given, { control: this.#control, signal, progress: async () => undefined }));
    } catch (error) {
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, refusalOf(error));
    }
  }

  async #take(tool: Pick<Tool, "run">, input: unknown, context: ServerContext): Promise<Outcome> {
    try {
      return await this.#counted(() => this.#run(tool, input, context));
    } catch (error) {
      return failed(error);
    }
  }

  async #counted<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#running >= callsMax) throw new HikyakuError("OVERLOADED", `At most ${callsMax} calls run at once: wait for one.`);
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
    }
  }

  async #run({ run }: Pick<Tool, "run">, input: unknown, context: ServerContext): Promise<Outcome> {
    const call: ToolCall = { control: this.#control, signal: context.mcpReq.signal, progress: progressOf(context) };
    try {
      return succeeded(await run(input, call));
    } catch (error) {
      if (!(error instanceof ApprovalRequired) || !this.#canAsk(context)) throw error;
      const word = wordOn(error, context);
      if (word === undefined) return question(error);
      if (!word) throw new HikyakuError("APPROVAL_REQUIRED", "The person at the client was asked, and has not agreed.", { cause: error });
      await this.#control.post(`/approvals/${segment(error.approval)}/confirmed`, {}, call.signal);
      return succeeded(await run(input, call));
    }
  }

  /** A client of the newest revision says with each call what it can do; one of an earlier revision said so when it came. */
  #canAsk({ mcpReq: { envelope } }: ServerContext): boolean {
    const said = (envelope as Readonly<Record<string, unknown>> | undefined)?.[CLIENT_CAPABILITIES_META_KEY] as
      | ClientCapabilities
      | undefined;
    const { elicitation } = said ?? this.#server.server.getClientCapabilities() ?? {};
    return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
  }
}

const key = "allow";

/** What the person said to this very question; undefined where it was not asked yet. */
function wordOn({ approval }: ApprovalRequired, { mcpReq }: ServerContext): boolean | undefined {
  const said = inputResponse(mcpReq.inputResponses, key);
  if (said.kind !== "elicit" || mcpReq.requestState() !== approval) return undefined;
  return said.action === "accept" && said.content?.[key] === true;
}

const question = ({ message, approval }: ApprovalRequired): InputRequiredResult =>
  inputRequired({
    requestState: approval,
    inputRequests: {
      [key]: inputRequired.elicit({
        message: readable(message),
        requestedSchema: {
          type: "object",
          properties: { [key]: { type: "boolean", title: "Allow it", description: "From now on, until you take it back" } },
          required: [key],
        },
      }),
    },
  });

function progressOf({ mcpReq }: ServerContext): ToolCall["progress"] {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return async () => undefined;
  let last = -1;
  return async (progress, message) => {
    // Progress must rise with every notification, whatever a worker tells.
    if (progress <= last) return;
    last = progress;
    await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: 1, message } });
  };
}

function succeeded(value: object): CallToolResult {
  const structuredContent = asReadable(value) as Record<string, unknown>;
  return { structuredContent, content: [{ type: "text", text: visibleJson(structuredContent) }] };
}

const failed = (error: unknown): CallToolResult => ({ isError: true, content: [{ type: "text", text: refusalOf(error) }] });

/** Of what the owner's policy refuses, or what only the owner can mend. */
const ownersCodes: ReadonlySet<ErrorCode> = new Set([
  "APPROVAL_REQUIRED",
  "UNAUTHORIZED",
  "UNKNOWN_PEER",
  "MESSAGE_TOO_LARGE",
  "RATE_LIMITED",
  "QUOTA_EXCEEDED",
]);

/** Our own refusals are made to be read; of anything else the agent gets no more than that it happened. */
function refusalOf(error: unknown): string {
  if (!(error instanceof HikyakuError)) return "INTERNAL_ERROR: Something went wrong inside.";
  const said = `${error.code}: ${ownWords(error.message)}`;
  // A model that may run commands would take the one in the sentence for its next step.
  return ownersCodes.has(error.code)
    ? `${said} A command that would change this is for your owner: tell them, do not do it yourself.`
    : said;
}
