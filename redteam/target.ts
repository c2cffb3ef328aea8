/** The node under attack: the built program as a process of its own, with its own folder, watched through its control listener. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Bytes, decodeDid } from "@hikyaku/protocol";

export interface TargetSettings {
  /** The program's main file. */
  readonly program: string;
  readonly folder: string;
  readonly flags?: readonly string[];
}

export interface TargetMessage {
  readonly id: string;
  readonly from: string;
  readonly body: { readonly text?: string };
}

/** Everything of a node that an attack must leave as it was. */
export interface Snapshot {
  readonly counters: Readonly<Record<string, number>>;
  readonly inbox: readonly string[];
  readonly peers: unknown;
}

interface Facts {
  readonly did: string;
  readonly addresses: readonly string[];
  readonly control: string;
}

/** Whatever ends the attackers ends their targets, too. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

const startMsMax = 15_000;

export class Target implements AsyncDisposable {
  readonly #settings: TargetSettings;
  #child: ChildProcess | undefined;
  #facts: Facts = { did: "", addresses: [], control: "" };
  #token = "";

  private constructor(settings: TargetSettings) {
    this.#settings = settings;
  }

  static async start(settings: TargetSettings): Promise<Target> {
    const target = new Target(settings);
    const child = target.#spawn("init", "--name", "target");
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`the target's init ended with ${code}`);
    await target.up();
    return target;
  }

  get did(): string {
    return this.#facts.did;
  }

  get publicKey(): Bytes {
    const key = decodeDid(this.did);
    if (key === undefined) throw new Error("the target has no did:key");
    return key;
  }

  get port(): number {
    return Number(new URL(this.#facts.addresses[0] ?? "").port);
  }

  async up(): Promise<void> {
    const child = this.#spawn(
      "up",
      "--listen",
      "127.0.0.1:0",
      "--control",
      "127.0.0.1:0",
      "--log-level",
      "silent",
      ...(this.#settings.flags ?? []),
    );
    this.#child = child;
    running.add(child);
    child.once("close", () => running.delete(child));
    const late = setTimeout(() => child.kill("SIGKILL"), startMsMax);
    const line = await firstLine(child);
    clearTimeout(late);
    if (line === undefined) throw new Error("the target did not come up");
    this.#facts = JSON.parse(line) as Facts;
    const record = JSON.parse(readFileSync(join(this.#settings.folder, "control"), "utf8")) as { readonly token: string };
    this.#token = record.token;
  }

  /** kill -9: nothing is written, nothing is told. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  /** What the process holds in memory now. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
  }

  async snapshot(): Promise<Snapshot> {
    const [counters, inbox, peers] = await Promise.all([this.counters(), this.inbox(), this.ask("GET", "/peers")]);
    return { counters, inbox: inbox.map(({ id }) => id), peers };
  }

  async counters(): Promise<Readonly<Record<string, number>>> {
    return ((await this.ask("GET", "/stats")) as { readonly counters: Readonly<Record<string, number>> }).counters;
  }

  async inbox(): Promise<readonly TargetMessage[]> {
    return ((await this.ask("GET", "/inbox?limit=1000")) as { readonly messages: readonly TargetMessage[] }).messages;
  }

  /** A person's word: this did may send messages, and is at these addresses. */
  async trust(peer: string, name: string, addresses: readonly string[] = []): Promise<void> {
    await this.ask("POST", "/peers", { peer, name, level: "trusted", allow: ["message"], addresses });
  }

  /** One command; rejects with the code of whatever was refused. */
  async ask(method: "GET" | "POST", path: string, body?: object): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) };
    const answer = await fetch(`http://${this.#facts.control}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const value = (await answer.json()) as { readonly error?: { readonly code: string } };
    if (!answer.ok) throw new Error(value.error?.code ?? `status ${answer.status}`);
    return value;
  }

  #spawn(command: string, ...words: readonly string[]): ChildProcess {
    const { program, folder } = this.#settings;
    // Nothing of the user's: no settings, and a home where nothing is.
    const env = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" };
    return spawn(process.execPath, [program, command, "--folder", folder, "--json", ...words], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
  }
}

async function firstLine({ stdout }: ChildProcess): Promise<string | undefined> {
  if (stdout === null) return undefined;
  const lines = createInterface({ input: stdout });
  const [line] = (await Promise.race([once(lines, "line"), once(lines, "close")])) as [string?];
  return line;
}
