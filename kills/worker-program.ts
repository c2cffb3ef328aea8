/** The one that works: does the tasks of the other, and writes down when it begins and ends one. It survives being killed at any moment. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { AssignedTask, TaskContext } from "@hikyaku/peer";
import { createPeer } from "hikyaku";
import { Journal } from "./journal.ts";
import { live } from "./life.ts";
import { capabilities, concurrency, handlings, type TaskInput, type TaskOutput } from "./words.ts";

const [folder = "", listen = ""] = process.argv.slice(2);

const handled = new Journal(join(folder, handlings));
const peer = await createPeer({ folder, listen });

async function work({ id, input: { n, ms, asks } }: AssignedTask<TaskInput>, context: TaskContext): Promise<TaskOutput> {
  handled.keep(`start ${id} ${n}`);
  await context.progress(0.5, "half of it");
  await pause(ms / 2);
  await context.artifact("half", { n });
  const answer = asks ? ((await context.ask("What is twice the number?")) as number) : 2 * n;
  await pause(ms / 2);
  handled.keep(`end ${id}`);
  return { n, answer };
}

for (const name of capabilities) await peer.capability(name, { idempotent: name === "again", concurrency }, work);
live<never, null>(peer, { allow: ["task_delegate"], obey: () => undefined, view: () => null });
