/** The how-tos keep their word: every command in them is run, on two machines that are two homes here, and every configuration starts a server that an MCP client can use. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { hikyaku } from "@hikyaku/testkit";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const root = fileURLToPath(new URL("..", import.meta.url));

interface Block {
  /** `json`, or `sh file=count.sh`. */
  readonly info: string;
  readonly text: string;
}

const blocksOf = (name: string): readonly Block[] =>
  [...readFileSync(join(root, "docs/how-to", name), "utf8").matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, info = "", text = ""]) => ({
    info,
    text,
  }));

/** A command line of one side, without the remark behind it. */
const commandsOf = ({ text }: Block): readonly { readonly side: "desk" | "lap"; readonly line: string }[] =>
  [...text.matchAll(/^(desk|lap)\$ (.*?)(?:\s{2,}#.*)?$/gm)].map(([, side = "", line = ""]) => ({ side: side as "desk" | "lap", line }));

/** Goes on until it is ended. */
const isLong = (line: string): boolean => /^hikyaku (?:up$|serve |serve-mcp (?!--list)|pair --name |mcp --http)/.test(line);

class Machines implements AsyncDisposable {
  readonly #above: string;
  readonly #running: { readonly side: string; readonly line: string; readonly child: ChildProcessWithoutNullStreams; said: string }[] = [];
  /** What the prose leaves to its reader: the link that was printed, the id that was told, the token that is in a file. */
  #link = "";
  approval = "";
  shared = { url: "", token: "" };

  constructor() {
    this.#above = mkdtempSync(join(tmpdir(), "hikyaku-how-to-"));
    const { command, words } = hikyaku.lineOf([]);
    mkdirSync(join(this.#above, "bin"));
    const program = join(this.#above, "bin", "hikyaku");
    writeFileSync(program, `#!/bin/sh\nexec '${command}' ${words.map((word) => `'${word}'`).join(" ")} "$@"\n`);
    chmodSync(program, 0o755);
    for (const side of ["desk", "lap"] as const) {
      mkdirSync(this.home(side));
      symlinkSync(join(root, "node_modules"), join(this.home(side), "node_modules"));
    }
  }

  home(side: "desk" | "lap"): string {
    return join(this.#above, side);
  }

  /** All on one machine here, so on ports of their own. */
  environment(side: "desk" | "lap"): Record<string, string> {
    return {
      PATH: `${join(this.#above, "bin")}:${process.env["PATH"] ?? ""}`,
      HOME: this.home(side),
      HIKYAKU_LISTEN: "127.0.0.1:0",
      HIKYAKU_CONTROL: "127.0.0.1:0",
      NODE_COMPILE_CACHE: join(root, "node_modules/.cache/hikyaku"),
    };
  }

  /** What it said, once it has ended well; of one that goes on, once it has said something. */
  async run(side: "desk" | "lap", line: string): Promise<string> {
    // No port is sure to be free.
    const given = line.replace(/(?<=^hikyaku approve )[0-9a-f]{8}$/, this.approval).replace(/ --http(?= )/, " --http 127.0.0.1:0");
    // Replaced by the command, so that it is the command that is ended.
    const child = spawn("/bin/sh", ["-c", `exec ${given}`], { cwd: this.home(side), env: this.environment(side) });
    const entry = { side, line, child, said: "" };
    child.stdin.on("error", () => undefined);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        entry.said += text;
      });
    if (line.startsWith("hikyaku pair")) child.stdin.write(line.includes(" - ") ? `${this.#link}\ny\n` : "y\n");
    if (!isLong(line)) {
      child.stdin.end(line.startsWith("hikyaku pair") ? undefined : "");
      const [code] = (await once(child, "close")) as [number | null];
      if (code !== 0) throw new Error(`${line} ended with ${code}:\n${entry.said}`);
      return entry.said;
    }
    this.#running.push(entry);
    await vi.waitFor(() => {
      if (child.exitCode !== null || !entry.said.includes("\n")) throw new Error(`${line} says nothing, or has ended: ${entry.said}`);
    }, 30_000);
    if (line.startsWith("hikyaku mcp --http")) this.#readShared(entry.said);
    this.#link = /hikyaku:pair\?\S+?(?='|\s)/.exec(entry.said)?.[0] ?? this.#link;
    return entry.said;
  }

  #readShared(said: string): void {
    const [, url = ""] = /at (http:\S+)/.exec(said) ?? [];
    const [, path = ""] = /stands in (\S+);/.exec(said) ?? [];
    this.shared = { url, token: readFileSync(path, "utf8").trim() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#running) {
      if (child.exitCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "close");
    }
    rmSync(this.#above, { recursive: true, force: true });
  }
}

let machines: Machines;
beforeAll(() => {
  machines = new Machines();
});
afterAll(async () => await machines[Symbol.asyncDispose]());

function requireSame(found: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(found, wanted)) throw new Error(`found ${JSON.stringify(found)} in place of ${JSON.stringify(wanted)}`);
}

interface Server {
  readonly command: string;
  readonly args: readonly string[];
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The server that a configuration names, in whichever of the forms that clients have. */
function serverIn({ info, text }: Block): Server {
  if (info === "toml") {
    if (!text.startsWith("[mcp_servers.hikyaku]\n")) throw new Error(`no server in ${text}`);
    const field = (name: string): unknown => JSON.parse(new RegExp(`^${name} = (.*)$`, "m").exec(text)?.[1] ?? "null");
    return { command: field("command") as string, args: field("args") as string[] };
  }
  const { mcpServers, servers, context_servers } = JSON.parse(text) as Readonly<Record<string, { readonly hikyaku: Server }>>;
  const found = mcpServers ?? servers ?? context_servers;
  if (found === undefined) throw new Error(`no servers in ${text}`);
  return found.hikyaku;
}

async function connect({ command, args, url, headers }: Server): Promise<Client> {
  const client = new Client({ name: "how-to", version: "1" });
  if (url !== undefined) {
    requireSame([url, headers], ["http://127.0.0.1:7342/mcp", { Authorization: "Bearer TOKEN" }]);
    const { shared } = machines;
    const requestInit = { headers: { authorization: `Bearer ${shared.token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(shared.url), { requestInit }));
    return client;
  }
  await client.connect(new StdioClientTransport({ command, args: [...args], env: machines.environment("lap"), cwd: machines.home("lap") }));
  return client;
}

const textOf = (answer: { readonly content: readonly { readonly type: string; readonly text?: string }[] }): string =>
  answer.content[0]?.text ?? "";

async function follow(name: string, between: (client: Client) => Promise<void> = async () => undefined): Promise<readonly string[]> {
  const said: string[] = [];
  for (const block of blocksOf(name)) {
    const file = /file=(\S+)/.exec(block.info)?.[1];
    if (file !== undefined) writeFileSync(join(machines.home("desk"), file), block.text);
    else if (block.info === "json" || block.info === "toml") {
      const client = await connect(serverIn(block));
      const { structuredContent } = await client.callTool({ name: "who_am_i", arguments: {} });
      requireSame((structuredContent as { readonly name?: unknown } | undefined)?.name, "lap");
      await between(client);
      await client.close();
    } else for (const { side, line } of commandsOf(block)) said.push(await machines.run(side, line));
  }
  return said;
}

const tell = (client: Client) => client.callTool({ name: "send_message", arguments: { to: "desk", text: "hello" } });

test("two agents on two machines: every step works as it is written", async () => {
  const said = await follow("two-agents.md", async (client) => {
    const refused = await tell(client);
    expect(refused.isError).toBe(true);
    machines.approval = /hikyaku approve ([0-9a-f]+)/.exec(textOf(refused))?.[1] ?? "";
    expect(machines.approval).toMatch(/^[0-9a-f]{8}/);
  });
  expect(said.length).toBeGreaterThan(18);
  expect(said.join("\n")).toContain("hello from lap");
  expect(said.join("\n")).toContain('{"characters":');
  const client = await connect({ command: "hikyaku", args: ["mcp", "--agent", "assistant"] });
  expect((await tell(client)).isError).not.toBe(true);
  await client.close();
});

test("MCP clients: every configuration starts a server, and every command about agents works", async () => {
  const said = await follow("mcp-clients.md");
  expect(blocksOf("mcp-clients.md").filter(({ info }) => info === "json" || info === "toml").length).toBeGreaterThan(6);
  expect(said.length).toBeGreaterThan(4);
});

test("offering tools: a peer gets what was chosen, and nothing else", async () => {
  for (const { info, text } of blocksOf("offer-mcp-tools.md")) {
    const file = /file=(\S+)/.exec(info)?.[1];
    if (file !== undefined) writeFileSync(join(machines.home("desk"), file), text);
  }
  const said = (await follow("offer-mcp-tools.md")).join("\n");
  expect(said).toContain("clock");
  expect(said).toMatch(/\d\d:\d\d:\d\d/);
});
