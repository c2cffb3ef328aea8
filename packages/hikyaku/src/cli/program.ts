/** The commands and their flags. What each does stands in a file of its own, loaded when it is called, so that a small command starts fast. */
import { HikyakuError, scopes } from "@hikyaku/protocol";
import { Command, CommanderError, Option } from "commander";
import type { Endpoint } from "../config/endpoint.ts";
import { visible, visibleJson } from "../text/visible.ts";
import { addAgentCommands } from "./agent-commands.ts";
import { beginCall, type CommonFlags } from "./call.ts";
import { exitCodeOf, exitOk } from "./exit-code.ts";
import {
  asCount,
  asDeadAction,
  asList,
  asLoopback,
  asName,
  asScopes,
  asScopesOrNone,
  asSeconds,
  asStage,
  command,
  type DeadAction,
  present,
} from "./flag-forms.ts";
import { NotRunning } from "./not-running.ts";
import { readPackageFacts } from "./package-facts.ts";
import { addSupervisionCommands } from "./supervision-commands.ts";
import { addTaskCommands } from "./task-commands.ts";

/** Runs one command line and returns the exit code. Errors become one sentence on standard error, as JSON where --json is given. */
export async function run(words: readonly string[]): Promise<number> {
  let exitCode = exitOk;
  const end = (code: number): void => {
    exitCode = code;
  };
  try {
    await createProgram(end).parseAsync([...words], { from: "user" });
    return exitCode;
  } catch (error) {
    // Help and the version have been printed.
    if (error instanceof CommanderError && error.exitCode === 0) return exitOk;
    return reportError(error instanceof CommanderError ? usageError(error) : error, words.includes("--json"));
  }
}

/** What is wrong with the command line, in our form: Commander says "error: missing required argument 'peer'". */
function usageError({ code, message }: CommanderError): HikyakuError {
  if (code === "commander.help") return new HikyakuError("INVALID_ARGUMENT", "Which command? hikyaku --help lists them.");
  const said = message
    .replace(/^error: /, "")
    .replaceAll("\n", " ")
    .replace(/\.?$/, ".");
  return new HikyakuError("INVALID_ARGUMENT", `${said.charAt(0).toUpperCase()}${said.slice(1)} Add --help for the flags.`);
}

function reportError(error: unknown, isJson: boolean): number {
  const { code, message } =
    error instanceof HikyakuError ? error : { code: "INTERNAL_ERROR" as const, message: `Something went wrong inside: ${String(error)}` };
  const line = isJson ? visibleJson({ error: { code, message } }) : `hikyaku: ${visible(message)}`;
  process.stderr.write(`${line}\n`);
  return error instanceof NotRunning ? error.exitCode : exitCodeOf(code);
}

/** A command that ends well with something other than 0 says so to `end`. */
function createProgram(end: (exitCode: number) => void): Command {
  const program = new Command("hikyaku")
    .description("Sealed messages between agents on different machines, networks and organisations.")
    .version(readPackageFacts().version, "-V, --version")
    .exitOverride()
    // Errors are reported in one place and one form.
    .configureOutput({ outputError: () => undefined });

  command(program, "init", "make a new identity in the folder")
    .option("--name <name>", "what this peer is called")
    .option("--passphrase-file <path>", "seal the key under the passphrase in this file")
    .action(async (flags: CommonFlags) => await (await import("./commands/init.ts")).init(await beginCall(flags)));

  command(program, "up", "run the peer until Ctrl-C")
    .option("--name <name>", "what this peer is called")
    .option("--listen <host:port>", "where peers reach it (default 0.0.0.0:7340)")
    .option("--control <host:port>", "where commands reach it, on this machine only (default 127.0.0.1:7341)")
    .option("--advertise <addresses>", "addresses to tell peers, separated by commas, such as http://192.168.1.20:7340")
    .option("--first-contact <refuse|see>", "what strangers get (default refuse)")
    .option("--passphrase-file <path>", "the file with the key's passphrase")
    .option("--wake-command <json>", 'what wakes the agent up, such as ["./wake.sh"]; it gets the call on standard input')
    .option("--log-level <level>", "debug, info, warn, error or silent (default warn)")
    .action(async (flags: CommonFlags) => await (await import("./commands/up.ts")).up(await beginCall(flags)));

  command(program, "id", "show who this peer is").action(
    async (flags: CommonFlags) => await (await import("./commands/id.ts")).id(await beginCall(flags)),
  );

  command(program, "config", "show every setting and where it comes from").action(
    async (flags: CommonFlags) => await (await import("./commands/config.ts")).config(await beginCall(flags)),
  );

  command(program, "doctor", "find what keeps this peer from working, and the way out")
    .option("--listen <host:port>", "where peers shall reach it, if `up` is told so")
    .option("--control <host:port>", "where commands shall reach it, if `up` is told so")
    .action(async (flags: CommonFlags) => end(await (await import("./commands/doctor.ts")).doctor(flags)));

  addPeerCommands(program);
  addRightsCommands(program);
  addMessageCommands(program, end);
  addTaskCommands(program, end);
  addSupervisionCommands(program, end);
  addMcpCommand(program);
  addAgentCommands(program);
  return program;
}

interface McpFlags {
  readonly agent: string;
  readonly http?: Endpoint | true;
  readonly newToken?: boolean;
  readonly showToken?: boolean;
}

function addMcpCommand(program: Command): void {
  command(program, "mcp", "serve an agent that speaks MCP, over standard input and output, at the peer that is up")
    .option("--agent <name>", "under which name its owner allows it things", asName, "agent")
    .option("--http [host:port]", "over HTTP instead, on this machine only, until Ctrl-C (default 127.0.0.1:7342)", asLoopback)
    .option("--new-token", "with --http: replace the agent's token; what is configured with the old one must be changed")
    .option("--show-token", "with --http: print the token instead of the path of its file")
    .action(async ({ agent, http, newToken = false, showToken = false, ...flags }: CommonFlags & McpFlags) => {
      const call = await beginCall(flags);
      if (http !== undefined) {
        const listen = http === true ? { host: "127.0.0.1", port: 7342 } : http;
        await (await import("./commands/mcp-http.ts")).mcpOverHttp(call, { agent, listen, isNew: newToken, isShown: showToken });
      } else if (newToken || showToken) {
        throw new HikyakuError("INVALID_ARGUMENT", "There is a token only with --http: add it, or leave --new-token and --show-token out.");
      } else await (await import("./commands/mcp.ts")).mcp(call, { agent });
    });
}

function addPeerCommands(program: Command): void {
  command(program, "pair", "make a pairing link, or use one")
    .argument(
      "[link]",
      "- to be asked for the link that `hikyaku pair` printed on the other machine; the link itself would show in the process list and the shell's history",
    )
    .requiredOption("--name <name>", "what to call the other side here", asName)
    .option("--allow <scopes>", `what it may do, separated by commas: ${scopes.join(", ")}`, asScopes, [])
    .option("--yes", "do not ask whether the safety numbers are the same")
    .action(
      async (
        link: string | undefined,
        { name, allow, yes = false, ...flags }: CommonFlags & { name: string; allow: string[]; yes?: boolean },
      ) => {
        await (await import("./commands/pair.ts")).pair(await beginCall(flags), { name, allow, yes, link });
      },
    );

  command(program, "trust", "pin a peer by its did, or change what a known one may do")
    .argument("<peer>", "a name or a did:key")
    .option("--name <name>", "what to call it here", asName)
    .option("--allow <scopes>", `what it may do, separated by commas: ${scopes.join(", ")}`, asScopes)
    .option("--at <addresses>", "where it is, separated by commas, such as http://192.168.1.20:7340", asList)
    .addOption(new Option("--level <level>", "how far it is trusted").choices(["blocked", "seen", "trusted", "admin"]))
    .option("--remove", "forget it")
    .action(
      async (peer: string, options: CommonFlags & { name?: string; allow?: string[]; at?: string[]; level?: string; remove?: boolean }) => {
        const { name, allow, at, level, remove = false, ...flags } = options;
        const change = { ...present("name", name), ...present("allow", allow), ...present("addresses", at), ...present("level", level) };
        await (await import("./commands/peers.ts")).trust(await beginCall(flags), { peer, remove, ...change });
      },
    );

  command(program, "peers", "list known peers").action(
    async (flags: CommonFlags) => await (await import("./commands/peers.ts")).peers(await beginCall(flags)),
  );

  command(program, "ping", "ask a peer for a sign of life")
    .argument("<peer>")
    .option("-c, --count <n>", "how often", asCount, 1)
    .option("--timeout <seconds>", "how long to wait for each answer", asSeconds)
    .action(async (peer: string, { count, timeout, ...flags }: CommonFlags & { count: number; timeout?: number }) => {
      await (await import("./commands/ping.ts")).ping(await beginCall(flags), { peer, count, ...present("timeoutMs", timeout) });
    });

  command(program, "capabilities", "ask a peer what it offers and what it takes, or show what programs offer here")
    .argument("[peer]", "this one itself unless told")
    .option("--fresh", "ask anew, although its last answer is still good")
    .action(async (peer: string | undefined, { fresh = false, ...flags }: CommonFlags & { fresh?: boolean }) => {
      await (await import("./commands/capabilities.ts")).capabilities(await beginCall(flags), { peer, fresh });
    });
}

function addRightsCommands(program: Command): void {
  command(program, "verify", "show a peer's fingerprint and safety number, to compare with the other screen")
    .argument("<peer>", "a name or a did:key")
    .action(async (peer: string, flags: CommonFlags) => await (await import("./commands/verify.ts")).verify(await beginCall(flags), peer));

  command(program, "block", "take nothing more from a peer, and end its sessions")
    .argument("<peer>", "a name or a did:key")
    .action(async (peer: string, flags: CommonFlags) => await (await import("./commands/rights.ts")).block(await beginCall(flags), peer));

  command(program, "scopes", "show what a peer may do, or set exactly that")
    .argument("<peer>", "a name or a did:key")
    .argument("[scopes]", `none, or separated by commas: ${scopes.join(", ")}`, asScopesOrNone)
    .action(
      async (peer: string, allow: string[] | undefined, flags: CommonFlags) =>
        await (await import("./commands/rights.ts")).scopes(await beginCall(flags), peer, allow),
    );
}

function addMessageCommands(program: Command, end: (exitCode: number) => void): void {
  command(program, "send", "send a message; it is kept and tried until it arrives or expires")
    .argument("<peer>")
    .argument("[text]", "the text; - reads it from standard input")
    .option("--body <json>", "send JSON instead of text")
    .option("--wait <stage>", "wait until it is stored, delivered or handled", asStage)
    .option("--timeout <seconds>", "how long to wait (default 30)", asSeconds)
    .action(async (to: string, text: string | undefined, options: CommonFlags & { body?: string; wait?: string; timeout?: number }) => {
      const { body, wait, timeout, ...flags } = options;
      const { send } = await import("./commands/send.ts");
      const manner = { ...present("until", wait), ...present("timeoutMs", timeout) };
      end(await send(await beginCall(flags), { to, text, jsonBody: body, ...manner }));
    });

  command(program, "explain", "show everything that happened to a message of this peer, and what keeps it")
    .argument("<id>", "as `hikyaku send` printed it, or its beginning")
    .action(async (id: string, flags: CommonFlags) => await (await import("./commands/explain.ts")).explain(await beginCall(flags), id));

  command(program, "dead", "list messages that expired or were refused, or decide about one")
    .argument("[action]", "retry or drop; lists them unless given", asDeadAction)
    .argument("[id]", "which one, or the beginning of its id")
    .option("--limit <n>", "at most so many", asCount, 100)
    .action(async (action: DeadAction | undefined, id: string | undefined, options: CommonFlags & { limit: number }) => {
      const { limit, ...flags } = options;
      await (await import("./commands/dead.ts")).dead(await beginCall(flags), { action, id, limit });
    });

  command(program, "report", "tell a peer how this one is doing")
    .argument("<peer>")
    .argument("<state>", "one word, such as idle or busy")
    .argument("[detail]", "a sentence")
    .action(
      async (to: string, state: string, detail: string | undefined, flags: CommonFlags) =>
        await (await import("./commands/send.ts")).report(await beginCall(flags), { to, state, detail }),
    );

  command(program, "inbox", "show messages that arrived")
    .option("--from <peer>", "only from this peer")
    .option("--all", "also those that were read before")
    .option("--peek", "leave new messages new")
    .option("--done", "tell their senders that they are handled, not only read")
    .option("--limit <n>", "at most so many", asCount, 100)
    .action(
      async ({
        from,
        all = false,
        peek = false,
        done = false,
        limit,
        ...flags
      }: CommonFlags & { from?: string; all?: boolean; peek?: boolean; done?: boolean; limit: number }) => {
        await (await import("./commands/inbox.ts")).inbox(await beginCall(flags), { from, all, peek, done, limit });
      },
    );

  command(program, "stats", "show how often what happened").action(
    async (flags: CommonFlags) => await (await import("./commands/stats.ts")).stats(await beginCall(flags)),
  );
}
