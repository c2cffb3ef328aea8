/** What a process costs before it does anything. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Effort } from "../effort.ts";
import { medianOf } from "../measure.ts";

export interface StartUpFloors {
  /** `node -e 0`, from its start to its end. */
  readonly nodeMs: number;
}

export async function measureStartUp(effort: Effort): Promise<StartUpFloors> {
  return { nodeMs: await medianOf(effort, startNode) };
}

async function startNode(): Promise<number> {
  const beganAt = performance.now();
  await once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "close");
  return performance.now() - beganAt;
}
