/** Two peers of real processes that know each other: what people call desk and lap. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { hikyaku } from "./hikyaku.ts";
import type { Outcome, RunningProgram } from "./program.ts";

export interface Place {
  readonly folder: string;
  readonly did: string;
  readonly up: RunningProgram;
}

export interface Allowing {
  /** What lap may do at desk, and desk at lap: scopes, separated by commas. */
  readonly lapMay: string;
  readonly deskMay: string;
}

export class TwoPeers implements AsyncDisposable {
  readonly desk: Place;
  readonly lap: Place;
  readonly #above: string;

  private constructor(above: string, desk: Place, lap: Place) {
    this.#above = above;
    this.desk = desk;
    this.lap = lap;
  }

  static async meet({ lapMay, deskMay }: Allowing): Promise<TwoPeers> {
    const above = mkdtempSync(join(tmpdir(), "hikyaku-pair-"));
    const port = await freePort();
    const [desk, lap] = await Promise.all([settle(join(above, "desk"), "desk", port), settle(join(above, "lap"), "lap", 0)]);
    const peers = new TwoPeers(above, desk, lap);
    await peers.at(desk, ["trust", lap.did, "--name", "lap", "--allow", lapMay]);
    await peers.at(lap, ["trust", desk.did, "--name", "desk", "--allow", deskMay, "--at", `http://127.0.0.1:${port}`]);
    return peers;
  }

  /** A command in a peer's folder, as its person gives it. */
  async at({ folder }: Place, words: readonly string[], stdin?: string): Promise<Outcome> {
    return await hikyaku.run([...words, "--folder", folder], stdin === undefined ? {} : { stdin });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.desk.up[Symbol.asyncDispose](), this.lap.up[Symbol.asyncDispose]()]);
    rmSync(this.#above, { recursive: true });
  }
}

async function settle(folder: string, name: string, port: number): Promise<Place> {
  await hikyaku.run(["init", "--folder", folder, "--name", name]);
  const words = ["up", "--folder", folder, "--listen", `127.0.0.1:${port}`, "--control", "127.0.0.1:0", "--json"];
  const up = await hikyaku.start(words, /\n/);
  return { folder, up, did: (JSON.parse(up.stdout) as { readonly did: string }).did };
}
