/** P11: from starting `hikyaku up` to its saying that it is ready, less what Node itself takes. The built program, the key in a file without a passphrase. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atMostBeyond } from "../goal.ts";
import { medianOf } from "../measure.ts";
import type { Row } from "../row.ts";
import { WorkFolder } from "../work-folder.ts";

const main = fileURLToPath(new URL("../../packages/hikyaku/dist/cli/main.js", import.meta.url));

export const row: Row = {
  id: "P11",
  name: "hikyaku up to ready, beyond node -e 0",
  unit: "ms",
  goal: atMostBeyond(500, "ms"),
  async run({ nodeMs }, effort) {
    using work = new WorkFolder();
    const folder = join(work.path, "peer");
    await initialise(folder);
    const upMs = await medianOf(effort, () => upToReady(folder));
    return { value: upMs - nodeMs, floor: nodeMs, peers: [] };
  },
};

async function initialise(folder: string): Promise<void> {
  const [code] = (await once(hikyaku("init", folder), "close")) as [number | null];
  if (code !== 0) throw new Error(`hikyaku init ended with ${code}`);
}

/** Its first line says that it is up. Then it is asked to end, and waited for. */
async function upToReady(folder: string): Promise<number> {
  const beganAt = performance.now();
  const child = hikyaku("up", folder, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0");
  const closed = once(child, "close");
  try {
    const isReady = await Promise.race([once(child.stdout ?? child, "data").then(() => true), closed.then(() => false)]);
    if (!isReady) throw new Error(`hikyaku up ended with ${child.exitCode} before it was ready`);
    return performance.now() - beganAt;
  } finally {
    child.kill("SIGTERM");
    await closed;
  }
}

/** Nothing of the user's: no settings, and a home where nothing is. */
function hikyaku(command: string, folder: string, ...words: readonly string[]): ChildProcess {
  return spawn(process.execPath, [main, command, "--folder", folder, "--json", ...words], {
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" },
    stdio: ["ignore", "pipe", "inherit"],
  });
}
