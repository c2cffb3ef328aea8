/**
 * A local MCP server as people write them, and as they should not: each of its tools does one thing that one may do. It is a program of its own, started by what is tested.
 * `--old` speaks revisions before 2026-07-28 only, `--impatient` ends at a question that comes before `initialize`, `--memory FILE` remembers what it has become, `--fickle` has
 * another echo as soon as its tools were listed, `--endless` lists pages of 1 MiB for ever, `--clinging` leaves behind what holds its output open
 * for a while, `--branching` has an echo whose schema doubles with each of its forty levels.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import {
  type CallToolResult,
  inputRequired,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";

type Arguments = Readonly<Record<string, unknown>>;
type Work = (given: Arguments, context: ServerContext) => Promise<CallToolResult> | CallToolResult;

const words = process.argv.slice(2);
const memory = words[words.indexOf("--memory") + 1] ?? "";
let isFickle = words.includes("--fickle");
let become = (): string => (existsSync(memory) ? readFileSync(memory, "utf8") : "");

const anything = { type: "object" as const };
const schemas: Readonly<Record<string, object>> = {
  echo: { type: "object", properties: { text: { type: "string" } }, required: ["text"], additionalProperties: false },
  odd: { type: "object", properties: { a: { $ref: "https://example.org/elsewhere" } } },
};
const branching = (levels: number): object => ({
  type: levels === 0 ? "object" : ["object", "object"],
  ...(levels === 0 ? {} : { properties: { a: branching(levels - 1) } }),
});
const sum = { type: "object", properties: { sum: { type: "number" } }, required: ["sum"] };
const outputSchemas: Readonly<Record<string, object>> = { add: sum, wrong: sum };
const descriptions: Readonly<Record<string, string>> = {
  echo: "Says what it is told.\nIn\u001b[2J full.",
};

const text = (said: string): CallToolResult => ({ content: [{ type: "text", text: said }] });

const asked = { mode: "form" as const, message: "Really?", requestedSchema: { type: "object" as const, properties: {} } };
const question = inputRequired.elicit(asked);

const works: Readonly<Record<string, Work>> = {
  echo: ({ text: said }) => text(String(said)),
  add: ({ a, b }) => ({ content: [], structuredContent: { sum: Number(a) + Number(b) } }),
  wrong: () => ({ content: [], structuredContent: { sum: "many" } }),
  slow: async (given, context) => {
    const steps = Number(given["steps"] ?? 2);
    for (let step = 1; step <= steps; step += 1) {
      await progress(context, { progress: step, total: steps, message: `step ${step}` });
      await pause(Number(given["ms"] ?? 200), undefined, { signal: context.mcpReq.signal }).catch(() => note("slow was canceled"));
      if (context.mcpReq.signal.aborted) break;
    }
    return text("done");
  },
  counts: async (_, context) => {
    await progress(context, { progress: 1, total: 2 });
    await pause(150);
    await progress(context, { progress: 7, message: "seven" });
    await pause(150);
    return text("counted");
  },
  fails: () => ({ isError: true, content: [{ type: "text", text: "no paper left" }] }),
  refuses: () => {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, "not in this life");
  },
  large: ({ bytes }) => text("x".repeat(Number(bytes))),
  deep: () => ({ content: [], structuredContent: JSON.parse(`${'{"a":'.repeat(100)}1${"}".repeat(100)}`) }),
  hangs: () => new Promise(() => note("hanging")),
  crashes: async () => {
    note("about to\u0007 crash");
    await pause(50);
    process.exit(3);
  },
  asks: async (_, context) => {
    if (context.mcpReq.envelope !== undefined) return inputRequired({ inputRequests: { really: question } }) as never;
    await context.mcpReq.elicitInput(asked);
    return text("asked");
  },
  babbles: () => {
    process.stdout.write('hello\n{"jsonrpc":"2.0"}\n[]\n\u0000\n{"jsonrpc":"2.0","id":99,"result":{}}\n');
    return text("babbled");
  },
  gushes: () => {
    process.stdout.write("x".repeat(9 * 1024 * 1024));
    return text("gushed");
  },
  looks: () => text(Object.keys(process.env).toSorted().join(" ")),
  starts: () => text(`${process.pid} ${spawn("sleep", ["600"], { stdio: "ignore" }).pid}`),
  becomes: ({ what }) => {
    writeFileSync(memory, String(what));
    return text("changed");
  },
  odd: () => text("odd"),
};

async function progress(context: ServerContext, params: { progress: number; total?: number; message?: string }): Promise<void> {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return;
  await context.mcpReq.notify({ method: "notifications/progress", params: { progressToken, ...params } });
}

const note = (line: string): boolean => process.stderr.write(`${line}\n`);

const tools = (): object[] =>
  Object.keys(works)
    .filter((name) => become() !== `without ${name}`)
    .map(toolOf);

function toolOf(name: string): object {
  const description = become() === `other ${name}` ? "Does something else." : (descriptions[name] ?? `The tool ${name}.`);
  const tool = { name, description, inputSchema: schemaOf(name) };
  return outputSchemas[name] === undefined ? tool : { ...tool, outputSchema: outputSchemas[name] };
}

const schemaOf = (name: string): object =>
  words.includes("--branching") && name === "echo" ? { ...branching(40), type: "object" } : (schemas[name] ?? anything);

function createServer(): Server {
  const server = new Server({ name: "tools-of-all-kinds", version: "1" }, { capabilities: { tools: { listChanged: true } } });
  server.setRequestHandler("tools/list", () => {
    if (words.includes("--endless"))
      return { tools: [{ ...toolOf("echo"), description: "x".repeat(1024 * 1024) }], nextCursor: "more" } as never;
    const listed = tools() as never;
    if (isFickle) setTimeout(() => void server.sendToolListChanged());
    if (isFickle) become = () => "other echo";
    isFickle = false;
    return { tools: listed };
  });
  server.setRequestHandler("tools/call", async ({ params: { name, arguments: given = {} } }, context) => {
    const work = works[name];
    if (work === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, "no such tool");
    const result = await work(given, context);
    if (name === "becomes") await server.sendToolListChanged();
    return result;
  });
  return server;
}

if (words.includes("--clinging")) spawn("sleep", ["10"], { stdio: ["ignore", "inherit", "ignore"], detached: true }).unref();
if (words.includes("--impatient"))
  process.stdin.once("data", (chunk: Buffer) => {
    if (chunk.includes("server/discover")) process.exit(9);
  });
if (words.includes("--old")) await createServer().connect(new StdioServerTransport());
else serveStdio(createServer);
