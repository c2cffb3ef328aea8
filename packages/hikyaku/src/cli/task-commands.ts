/** The commands of work: tasks given, looked at and ended, and programs that do the work of others. */
import { type Command, Option } from "commander";
import { beginCall, type CommonFlags } from "./call.ts";
import { asCount, asCursor, asList, asTaskSeconds, asWord, command, present } from "./flag-forms.ts";

export function addTaskCommands(program: Command, end: (exitCode: number) => void): void {
  addDelegate(program, end);
  addTasks(program, end);
  addServe(program);
  addServeMcp(program);
}

interface DelegateFlags extends CommonFlags {
  readonly input?: string;
  readonly follow?: boolean;
  readonly deadline?: number;
  readonly priority?: string;
  readonly key?: string;
}

function addDelegate(program: Command, end: (exitCode: number) => void): void {
  command(program, "delegate", "ask a peer to do something; the task is kept and tried until its deadline")
    .argument("<peer>")
    .argument("<capability>", "as `hikyaku capabilities PEER` lists it")
    .option("--input <json>", "what to do it with: JSON, @file for a file of it, or - for standard input")
    .option("--follow", "show how it goes, and its output at the end")
    .option("--deadline <seconds>", "when it has failed if it is not done (default a day)", asTaskSeconds)
    .addOption(new Option("--priority <priority>", "before or after other tasks").choices(["high", "normal", "low"]))
    .option("--key <key>", "asked again with the same key and input, it is the same task", asWord)
    .action(async (to: string, capability: string, options: DelegateFlags) => {
      const { input, follow = false, deadline, priority, key, ...flags } = options;
      const manner = { ...present("timeoutMs", deadline), ...present("priority", priority), ...present("idempotencyKey", key) };
      const { delegate } = await import("./commands/delegate.ts");
      end(await delegate(await beginCall(flags), { to, capability, input, follow, ...manner }));
    });
}

function addTasks(program: Command, end: (exitCode: number) => void): void {
  command(program, "tasks", "list tasks of both sides, newest first")
    .option("--open", "only those that have not ended")
    .option("--from <peer>", "only those that this peer gave us")
    .option("--to <peer>", "only those that we gave this peer")
    .option("--limit <n>", "at most so many", asCount, 100)
    .action(async (options: CommonFlags & { open?: boolean; from?: string; to?: string; limit: number }) => {
      const { open = false, from, to, limit, ...flags } = options;
      await (await import("./commands/tasks.ts")).tasks(await beginCall(flags), { open, from, to, limit });
    });

  command(program, "task", "show everything about a task")
    .argument("<id>", "as `hikyaku delegate` printed it, or its beginning")
    .option("--follow", "show how it goes on, and its output at the end")
    .option("--after <cursor>", "only events after this one", asCursor, 0)
    .action(async (id: string, options: CommonFlags & { follow?: boolean; after: number }) => {
      const { follow = false, after, ...flags } = options;
      end(await (await import("./commands/tasks.ts")).task(await beginCall(flags), { id, follow, after }));
    });

  command(program, "cancel", "end a task, of either side")
    .argument("<id>", "its id, or the beginning of it")
    .argument("[reason]", "a sentence for the other side")
    .action(
      async (id: string, reason: string | undefined, flags: CommonFlags) =>
        await (await import("./commands/tasks.ts")).cancel(await beginCall(flags), id, reason),
    );

  command(program, "answer", "answer what a task asks")
    .argument("<id>", "its id, or the beginning of it")
    .argument("[text]", "the text; - reads it from standard input")
    .option("--body <json>", "answer with JSON instead of text")
    .action(async (id: string, text: string | undefined, { body, ...flags }: CommonFlags & { body?: string }) => {
      await (await import("./commands/tasks.ts")).answer(await beginCall(flags), { id, text, jsonBody: body });
    });
}

interface ServeFlags extends CommonFlags {
  readonly for?: string[];
  readonly concurrency: number;
  readonly idempotent?: boolean;
  readonly interactive?: boolean;
  readonly description?: string;
  readonly timeout?: number;
  readonly inputSchema?: string;
  readonly outputSchema?: string;
}

function addServe(program: Command): void {
  command(program, "serve", "let a program do the work of a capability, until Ctrl-C")
    .argument("<capability>", "what it is called")
    .argument("<command...>", "after --: the program and its arguments; it gets each task as JSON on its standard input")
    .option("--for <peers>", "only for these, separated by commas; else for everybody who may delegate", asList)
    .option("--concurrency <n>", "how many tasks at once", asCount, 1)
    .option("--idempotent", "running a task twice does no harm: one that was cut short is run again")
    .option("--interactive", "keep the program's input open for the answers to what it asks")
    .option("--description <text>", "what it does, for people")
    .option("--timeout <seconds>", "how long one task may take (default until its deadline)", asTaskSeconds)
    .option("--input-schema <@file>", "a JSON Schema; inputs that do not fit are rejected")
    .option("--output-schema <@file>", "a JSON Schema; a task whose output does not fit has failed")
    .action(async (capability: string, words: string[], options: ServeFlags) => {
      const { for: peers, concurrency, idempotent = false, interactive = false, ...rest } = options;
      const { description, timeout: timeoutMs, inputSchema, outputSchema, ...flags } = rest;
      const served = { capability, command: words, peers, concurrency, idempotent, interactive };
      const { serve } = await import("./commands/serve.ts");
      await serve(await beginCall(flags), { ...served, ...present("description", description), timeoutMs, inputSchema, outputSchema });
    });
}

interface ServeMcpFlags extends CommonFlags {
  readonly tool: string[];
  readonly all?: boolean;
  readonly list?: boolean;
  readonly for?: string[];
  readonly concurrency: number;
  readonly idempotent?: boolean;
  readonly timeout?: number;
}

function addServeMcp(program: Command): void {
  command(program, "serve-mcp", "offer tools of a local MCP server as capabilities, chosen one by one, until Ctrl-C")
    .argument("<command...>", "after --: the server and its arguments; it speaks MCP on its standard input and output")
    .option(
      "--tool <name[=capability]>",
      "offer this tool, if need be under another name; once for each",
      (one, all: string[]) => [...all, one],
      [],
    )
    .option("--all", "offer every tool that the server has now")
    .option("--list", "only list its tools")
    .option("--for <peers>", "only for these, separated by commas; else for everybody who may delegate", asList)
    .option("--concurrency <n>", "how many tasks of each tool at once", asCount, 1)
    .option("--idempotent", "calling a tool twice does no harm: a task that was cut short is done again")
    .option("--timeout <seconds>", "how long one task may take (default until its deadline)", asTaskSeconds)
    .action(async (words: string[], options: ServeMcpFlags) => {
      const { tool: tools, all = false, list = false, for: peers, concurrency, idempotent = false, timeout: timeoutMs, ...flags } = options;
      const { serveMcp } = await import("./commands/serve-mcp.ts");
      await serveMcp(await beginCall(flags), { command: words, tools, all, list, peers, concurrency, idempotent, timeoutMs });
    });
}
