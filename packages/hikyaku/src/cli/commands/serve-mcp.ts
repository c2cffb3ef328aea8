/** `hikyaku serve-mcp`: offers chosen tools of a local MCP server as capabilities of the peer that is up, until it is told to stop. */
import { HikyakuError } from "@hikyaku/protocol";
import { programEnvironment } from "../../config/program-environment.ts";
import { isCapabilityName, type OfferedTool } from "../../mcp-tools/offered-tool.ts";
import { chooseTools } from "../../mcp-tools/tool-choice.ts";
import { ToolServer, type ToolServerSettings } from "../../mcp-tools/tool-server.ts";
import { visible } from "../../text/visible.ts";
import { type Call, withPeer } from "../call.ts";
import { exitInterrupted } from "../exit-code.ts";
import { requireProgram } from "../local-program.ts";
import { readPackageFacts } from "../package-facts.ts";
import { awaitStop } from "../stop.ts";
import type { Terminal } from "../terminal.ts";
import { ToolStand } from "../tool-stand.ts";
import { inWords, workReport } from "../work-report.ts";

export interface ServeMcpOptions {
  readonly command: readonly string[];
  /** `NAME` or `NAME=CAPABILITY`. */
  readonly tools: readonly string[];
  readonly all: boolean;
  readonly list: boolean;
  readonly peers: readonly string[] | undefined;
  readonly concurrency: number;
  readonly idempotent: boolean;
  readonly timeoutMs: number | undefined;
}

/** Beside one for the news of each tool: what they say, and taking them back. */
const furtherConnections = 8;
const answerMsMax = 60_000;

export async function serveMcp(call: Call, options: ServeMcpOptions): Promise<void> {
  await using server = new ToolServer(await serverSettings(options.command));
  let stand: ToolStand | undefined;
  using stop = awaitStop(() => server.kill());
  void stop.asked.then(async () => {
    if (stand === undefined) {
      server.kill();
      process.exit(exitInterrupted);
    }
    if (stand.busy > 0) await call.terminal.say(`Finishing ${stand.busy}. To end at once: Ctrl-C again`).catch(() => undefined);
    await stand.stop();
  });
  await server.connect();
  const tools = await server.tools();
  const { tools: wishes, all: takesAll, list, timeoutMs } = options;
  if (list || !(takesAll || wishes.length > 0)) return await listTools(call.terminal, tools, list);
  const chosen = chooseTools(tools, { wishes, takesAll });
  await withPeer(
    call,
    async (peer) => {
      const ears = { report: workReport(call.terminal, ({ from, capability }) => `${from.name}  ${capability}`), note: () => undefined };
      stand = new ToolStand({ peer, server, manner: mannerOf(options), timeoutMs, ears, note: noteOurs }, chosen);
      await stand.open();
      for (const one of chosen) await call.terminal.show(headline(one, options), headlineValue(one, options));
      await stand.run();
    },
    { connections: chosen.length + furtherConnections, answerMsMax },
  );
}

async function serverSettings([command = "", ...words]: readonly string[]): Promise<ToolServerSettings> {
  const environment = programEnvironment();
  await requireProgram(command, environment["PATH"] ?? "");
  return { command, words, environment, version: readPackageFacts().version, note };
}

const mannerOf = ({ peers, concurrency, idempotent }: ServeMcpOptions) => ({
  ...(peers === undefined ? {} : { for: peers }),
  concurrency,
  idempotent,
});

const headline = ({ capability, tool }: OfferedTool, { peers, concurrency }: ServeMcpOptions): string =>
  visible(`Serving ${capability}, the tool ${tool.name}, to ${inWords(peers)}, ${concurrency} at a time`);

const headlineValue = ({ capability, tool }: OfferedTool, { peers, concurrency }: ServeMcpOptions): object => ({
  serving: capability,
  tool: tool.name,
  for: peers,
  concurrency,
});

type Tools = Awaited<ReturnType<ToolServer["tools"]>>;

/** Tools are chosen one by one, so without a choice they are shown, and unless that was all that was wanted it is a mistake of use. */
async function listTools(terminal: Terminal, tools: Tools, isWanted: boolean): Promise<void> {
  for (const { name, description = "", inputSchema, outputSchema } of tools) {
    const choice = `--tool ${shellWord(name)}${isCapabilityName(name) ? "" : "=CAPABILITY"}`;
    const inOneLine = description.replaceAll(/\s+/g, " ").trim();
    await terminal.show(visible(inOneLine === "" ? choice : `${choice}   ${inOneLine}`), {
      tool: name,
      description,
      inputSchema,
      outputSchema,
    });
  }
  if (tools.length === 0) await terminal.say("The server has no tools.");
  if (!isWanted)
    throw new HikyakuError("INVALID_ARGUMENT", "Nothing is offered that nobody chose: add --tool NAME for each tool to offer, or --all.");
}

const shellWord = (name: string): string => (/^[\w.:/@-]+$/.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`);

function note(line: string): void {
  process.stderr.write(`${visible(line)}\n`);
}

const noteOurs = (line: string): void => note(`hikyaku: ${line}`);
