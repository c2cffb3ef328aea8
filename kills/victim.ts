/** One peer through all its lives: a folder and a port that stay, and a process that is killed and started again. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import type { Meeting, Report } from "./words.ts";

const startMsMax = 30_000;
const waitMsMax = 60_000;

/** Whatever ends the proof ends its peers, too. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export interface VictimSettings<View> {
  readonly program: string;
  readonly folder: string;
  readonly port: number;
  /** Where Node keeps what it compiled. */
  readonly cache: string;
  /** How it stands before its first life. */
  readonly view: View;
}

/** `Order` is what its program obeys, `View` how it says that it stands. */
export class Victim<Order, View> implements AsyncDisposable {
  readonly folder: string;
  readonly #settings: VictimSettings<View>;
  readonly #listeners = new Set<() => void>();
  #child: ChildProcess | undefined;
  #up: (Report<View> & { kind: "up" }) | undefined;
  #view: View;
  #failure: Error | undefined;
  #hasMet = false;
  #kills = 0;

  constructor(settings: VictimSettings<View>) {
    this.folder = settings.folder;
    this.#settings = settings;
    this.#view = settings.view;
    mkdirSync(settings.folder, { recursive: true, mode: 0o700 });
  }

  /** As it last said, and of the last life where it has not said anything in this one. */
  get view(): View {
    return this.#view;
  }

  get kills(): number {
    return this.#kills;
  }

  get card(): { readonly did: string; readonly address: string } {
    return { did: this.#up?.did ?? "", address: this.#up?.address ?? "" };
  }

  /** Resolves once its peer is up. */
  async start(): Promise<void> {
    this.spawn();
    await this.until(() => this.#up !== undefined, startMsMax, "come up");
  }

  /** For those who will not wait until it is up. */
  spawn(): void {
    const { program, folder, port, cache } = this.#settings;
    const env = { ...process.env, NODE_COMPILE_CACHE: cache };
    const child = fork(program, [folder, `127.0.0.1:${port}`], { env, execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
    running.add(child);
    this.#child = child;
    this.#up = undefined;
    child.on("message", (report: Report<View>) => this.#hear(child, report));
    child.once("exit", (code, signal) => this.#ended(child, code ?? signal));
  }

  /** Resolves once it trusts the other one for good. */
  async meet({ card }: Pick<Victim<unknown, unknown>, "card">): Promise<void> {
    this.#send({ kind: "meet", ...card });
    await this.until(() => this.#hasMet, waitMsMax, "meet the other");
  }

  tell(order: Order): void {
    this.#send(order);
  }

  /** Resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) throw new Error("there is nobody to kill");
    this.#child = undefined;
    this.#kills += 1;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Resolves once `isSo`, which is asked at every word of the peer. Rejects where that takes too long, or the peer fails. */
  async until(isSo: () => boolean, withinMs: number = waitMsMax, what: string = "come so far"): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.#failure !== undefined) waiting.reject(this.#failure);
      else if (isSo()) waiting.resolve();
    };
    const late = setTimeout(
      () => waiting.reject(new Error(`${this.folder} did not ${what} within ${withinMs} ms: ${JSON.stringify(this.#view)}`)),
      withinMs,
    );
    this.#listeners.add(look);
    look();
    try {
      await waiting.promise;
    } finally {
      clearTimeout(late);
      this.#listeners.delete(look);
    }
  }

  /** Without a channel it closes its peer and ends. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const ended = once(child, "exit");
    const late = setTimeout(() => child.kill("SIGKILL"), startMsMax);
    child.disconnect();
    await ended;
    clearTimeout(late);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== undefined) await this.kill();
  }

  #send(words: Order | Meeting): void {
    this.#child?.send(words as object, () => undefined);
  }

  #hear(child: ChildProcess, report: Report<View>): void {
    if (child !== this.#child) return;
    if (report.kind === "failed") this.#failure = new Error(`a peer in ${this.folder} failed: ${report.reason}`);
    else if (report.kind === "up") [this.#up, this.#view] = [report, report.view];
    else if (report.kind === "met") this.#hasMet = true;
    else this.#view = report.view;
    for (const look of this.#listeners) look();
  }

  #ended(child: ChildProcess, how: number | string | null): void {
    running.delete(child);
    if (child !== this.#child) return;
    this.#child = undefined;
    this.#failure = new Error(`the peer in ${this.folder} ended by itself (${how})`);
    for (const look of this.#listeners) look();
  }
}
