/**
 * P14: an agent's tool call through to the other peer's handler and back, one at a time: MCP client → `hikyaku mcp` → the peer that is up → the other peer's handler, and the same way back. What the agent calls is
 * `delegate_task`, so five commits stand one behind the other however it is built: the task at its requester, at its worker, that it begins, its end, and that at its requester.
 */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { Effort } from "../effort.ts";
import type { Floors } from "../floor/floors.ts";
import { atMost } from "../goal.ts";
import { waitingCostUs } from "../measure.ts";
import { commandLine, runCommand, startCommand } from "../process/command.ts";
import { Helper } from "../process/helper.ts";
import type { Acquaintance, Opening, Resident } from "../process/peer-program.ts";
import type { Row } from "../row.ts";
import { WorkFolder } from "../work-folder.ts";

const input = "x".repeat(256);
const commits = 5;

export const row: Row = {
  id: "P14",
  name: "MCP tool call to the other peer's handler and back, one at a time",
  unit: "µs",
  goal: atMost(2),
  async run(floors, effort) {
    const bareUs = await measureBare(effort);
    const valueUs = await measureOurs(effort);
    const bare = {
      name: "a tool of the MCP SDK in the next process",
      value: bareUs,
      lacks: "another machine, durability, signature, encryption",
    };
    return { value: valueUs, floor: bareUs + floorUs(floors), peers: [bare] };
  },
};

const floorUs = ({ commitUs, signUs, verifyUs, webSocketUs }: Floors): number =>
  commits * commitUs + 2 * signUs + 2 * verifyUs + webSocketUs;

async function measureBare(effort: Effort): Promise<number> {
  const program = fileURLToPath(new URL("../process/tool-program.ts", import.meta.url));
  await using agent = await Agent.start({ command: process.execPath, args: [program] });
  return await waitingCostUs(effort, () => agent.call("echo", { input }, (answer) => answer["input"] === input));
}

async function measureOurs(effort: Effort): Promise<number> {
  using work = new WorkFolder();
  await using desk = new Helper(new URL("../process/peer-program.ts", import.meta.url));
  const opening = { folder: `${work.path}/desk`, keepLinks: false, overHttp: false } satisfies Opening;
  const { did, addresses } = await desk.ask<Resident>("open", opening);
  await using lap = await OwnPeer.up(`${work.path}/lap`);
  await desk.ask("trust", { did: lap.did, name: "lap", addresses: [] } satisfies Acquaintance);
  await runCommand(["trust", did, "--name", "desk", "--allow", "message", "--at", addresses.join(","), "--folder", lap.folder]);
  const freely = ["--confirm", "never", "--calls-per-minute", "6000", "--tasks-per-day", "1000000"];
  await runCommand(["policy", "bench", ...freely, "--folder", lap.folder]);
  await desk.ask("work");
  await using agent = await Agent.start(commandLine(["mcp", "--agent", "bench", "--folder", lap.folder]));
  const call = (): Promise<void> => agent.call("delegate_task", { to: "desk", capability: "echo", input }, isDone);
  return await waitingCostUs(effort, call);
}

type Answer = Readonly<Record<string, unknown>>;

const isDone = ({ state }: Answer): boolean => state === "completed";

/** `hikyaku up`, as the owner of the agent's machine runs it. */
class OwnPeer implements AsyncDisposable {
  readonly folder: string;
  readonly did: string;
  readonly #end: () => Promise<void>;

  private constructor(folder: string, did: string, end: () => Promise<void>) {
    this.folder = folder;
    this.did = did;
    this.#end = end;
  }

  static async up(folder: string): Promise<OwnPeer> {
    await runCommand(["init", "--name", "lap", "--folder", folder]);
    const child = startCommand(["up", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--folder", folder, "--json"]);
    const closed = once(child, "close");
    const [line] = (await Promise.race([once(child.stdout ?? child, "data"), closed])) as readonly unknown[];
    const { did } = JSON.parse(String(line)) as { readonly did: string };
    return new OwnPeer(folder, did, async () => {
      child.kill("SIGTERM");
      await closed;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}

class Agent implements AsyncDisposable {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async start(server: { readonly command: string; readonly args: string[]; readonly env?: Record<string, string> }): Promise<Agent> {
    const client = new Client({ name: "bench", version: "1" }, { versionNegotiation: { mode: "auto" } });
    await client.connect(new StdioClientTransport({ ...server, stderr: "inherit" }));
    return new Agent(client);
  }

  /** Rejects where the answer is not the right one. */
  async call(name: string, args: Answer, isRight: (answer: Answer) => boolean): Promise<void> {
    const { structuredContent, content } = await this.#client.callTool({ name, arguments: args });
    if (!isRight((structuredContent ?? {}) as Answer)) throw new Error(`${name} answered something else: ${JSON.stringify(content)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }
}
