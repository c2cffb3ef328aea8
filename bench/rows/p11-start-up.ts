/** P11: from starting `hikyaku up` to its saying that it is ready, less what Node itself takes. The built program, the key in a file without a passphrase. */
import { once } from "node:events";
import { join } from "node:path";
import { atMostBeyond } from "../goal.ts";
import { medianOf } from "../measure.ts";
import { runCommand, startCommand } from "../process/command.ts";
import type { Row } from "../row.ts";
import { WorkFolder } from "../work-folder.ts";

export const row: Row = {
  id: "P11",
  name: "hikyaku up to ready, beyond node -e 0",
  unit: "ms",
  goal: atMostBeyond(500, "ms"),
  async run({ nodeMs }, effort) {
    using work = new WorkFolder();
    const folder = join(work.path, "peer");
    await runCommand(["init", "--folder", folder]);
    const upMs = await medianOf(effort, () => upToReady(folder));
    return { value: upMs - nodeMs, floor: nodeMs, peers: [] };
  },
};

/** Its first line says that it is up. Then it is asked to end, and waited for. */
async function upToReady(folder: string): Promise<number> {
  const beganAt = performance.now();
  const child = startCommand(["up", "--folder", folder, "--json", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
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
