/** `hikyaku delegate`: asks a peer to do something, and follows it if told to. */
import { ownTask } from "../../config/program-environment.ts";
import { type Call, withPeer } from "../call.ts";
import { exitOk } from "../exit-code.ts";
import { readJsonFrom } from "../given-text.ts";
import { ProgressLine } from "../progress-line.ts";
import { follow, newsOf } from "../task-follower.ts";
import { failureOf, isOver, type ShownTask, stateOf } from "../task-view.ts";

export interface DelegateOptions {
  readonly to: string;
  readonly capability: string;
  /** JSON, `@path` or `-`. */
  readonly input: string | undefined;
  readonly follow: boolean;
  readonly timeoutMs?: number;
  readonly priority?: string;
  readonly idempotencyKey?: string;
  readonly budget?: number;
}

/** How long to wait for the worker's first word, which tells a task that is taken from one that is refused or waits for its way. */
const firstWordMs = 3_000;

/** Resolves with the exit code; rejects with one sentence where the task is known to have ended otherwise than well. */
export async function delegate(call: Call, { input, follow: isFollowing, ...asked }: DelegateOptions): Promise<number> {
  const given = input === undefined ? null : await readJsonFrom(input, "--input");
  // A program that serves a task hands a part of it on: within its budget and its deadline.
  const within = ownTask();
  return await withPeer(call, async (peer) => {
    const task = await peer.post<ShownTask>("/tasks", { ...asked, input: given, ...(within === undefined ? {} : { within }) });
    if (!isFollowing) return await showFirstWord(call, task, () => newsOf(peer, task.id, 0, firstWordMs));
    if (call.terminal.isJson) await call.terminal.show("", task);
    else new ProgressLine().say(`${task.id}  queued`);
    return await follow(call, peer, task, 0);
  });
}

async function showFirstWord({ terminal }: Call, task: ShownTask, firstWord: () => ReturnType<typeof newsOf>): Promise<number> {
  const { events, state, cursor } = await firstWord();
  const now = { ...task, state, cursor };
  const hasFailed = isOver(now) && state !== "completed";
  if (terminal.isJson || !hasFailed) await terminal.show(linesOf(now), now);
  if (hasFailed) throw failureOf(now, events.at(-1) ?? { state });
  return exitOk;
}

function linesOf(task: ShownTask): string {
  const { id, peer, cursor } = task;
  if (cursor > 0) return `${id}  ${stateOf(task)}`;
  return `${id}  queued: ${peer.name} has not taken it yet\n    It goes on being tried; what keeps it: hikyaku explain ${id}`;
}
