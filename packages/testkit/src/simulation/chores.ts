/** What the people of a simulated world ask each other to do, and how it is done there. */

import type { AssignedTask, Peer, Task, TaskContext } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { Dice } from "./dice.ts";
import { canaryWord } from "./ledger.ts";
import type { Life } from "./life.ts";
import type { SimNode, Surroundings } from "./node.ts";
import { count } from "./tally.ts";
import { type Chore, idempotentChore } from "./task-ledger.ts";

const choresPerNodeMax = 4;
/** How often the people of a world have chores for each other. */
const worldsWithChores = 0.2;

export function planChores(around: Surroundings, nodes: readonly SimNode[]): void {
  const dice = new Dice(around.seed, "chores");
  if (!dice.chance(worldsWithChores)) return;
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node);
    for (let chores = dice.between(1, choresPerNodeMax); chores > 0; chores -= 1) planChore(around, dice, node, dice.pick(others));
  }
}

function planChore(around: Surroundings, dice: Dice, node: SimNode, to: SimNode): void {
  const { climate, timeline } = around;
  const chore: Chore = {
    canary: `${canaryWord} ${node.name} asks ${dice.between(0, 1e9).toString(36)}`,
    slowMs: dice.chance(0.5) ? dice.stretched(50, 20_000) : 0,
    fails: dice.chance(0.1),
    asks: dice.chance(0.3),
    parts: dice.between(0, 2),
  };
  const capability = dice.pick(["once", idempotentChore]);
  const cancelAfterMs = dice.chance(0.2) ? dice.stretched(10, 20_000) : undefined;
  timeline.whenAwakeFor(dice.between(0, climate.activeMs), () => ask(around, { node, to, chore, capability, cancelAfterMs }));
}

interface Asking {
  readonly node: SimNode;
  readonly to: SimNode;
  readonly chore: Chore;
  readonly capability: string;
  readonly cancelAfterMs: number | undefined;
}

function ask(around: Surroundings, asking: Asking): void {
  const { node, to, chore, capability, cancelAfterMs } = asking;
  const { peer, life } = node;
  // A program that is down asks nothing; its person tries again when it is up.
  if (peer === undefined || life === undefined) {
    around.timeline.after(5_000, () => ask(around, asking));
    return;
  }
  peer.delegate(to.name, capability, chore).then(
    (task) => {
      if (life.isOver) return;
      void follow(around, { node, life, task }, around.taskLedger.known(node, { id: task.id, peer: to.did, capability }));
      if (cancelAfterMs !== undefined) around.timeline.after(cancelAfterMs, () => cancel(around, life, task));
    },
    (error: unknown) => count(around.tally, `ask: ${codeOf(error)}`),
  );
}

function cancel({ tally }: Surroundings, life: Life, task: Task): void {
  if (life.isOver) return;
  task.cancel("not needed any more").then(
    () => count(tally, "fault: task canceled"),
    () => undefined,
  );
}

/** A program follows the tasks that it asked for in earlier lives, from the last event that it had. */
export async function followAll(around: Surroundings, node: SimNode, life: Life, peer: Peer): Promise<void> {
  for (const record of await peer.tasks({ role: "requester", limit: limits.inboxPageMax })) {
    const seen = around.taskLedger.known(node, record);
    const task = await peer.task(record.id);
    // Whoever ended between a question and its answer finds it asked still.
    if (record.state === "input_required" && record.cursor <= seen) answer(around, life, task);
    void follow(around, { node, life, task }, seen);
  }
}

interface Following {
  readonly node: SimNode;
  readonly life: Life;
  readonly task: Task;
}

async function follow(around: Surroundings, { node, life, task }: Following, after: number): Promise<void> {
  try {
    for await (const event of task.events({ after })) {
      if (life.isOver) return;
      around.taskLedger.heard(node, task.id, event);
      if (event.state === "input_required") answer(around, life, task);
    }
  } catch (error) {
    if (!life.isOver && codeOf(error) !== "CLOSED") around.report(error);
  }
}

/** An answer that cannot be kept now is given again later; one that comes too late is nobody's fault. */
function answer(around: Surroundings, life: Life, task: Task): void {
  if (life.isOver) return;
  task.answer("go on").catch((error: unknown) => {
    if (codeOf(error) !== "INVALID_ARGUMENT") around.timeline.after(1_000, () => answer(around, life, task));
  });
}

/** What is done with a task: it may take its time, ask back, hand over parts, fail, or die in the middle. */
export async function doChore(around: Surroundings, node: SimNode, life: Life, task: AssignedTask, context: TaskContext): Promise<unknown> {
  const { taskLedger, timeline, tally, report } = around;
  if (life.isOver) return await never();
  const chore = task.input as Chore;
  try {
    const runs = taskLedger.started(node, task.id, task.capability);
    node.dieSometimes();
    for (let part = 0; part < chore.parts; part += 1) await context.artifact(`part ${part}`, { of: chore.canary });
    if (chore.slowMs > 0) await new Promise<void>((resolve) => timeline.after(chore.slowMs, () => life.isOver || resolve()));
    if (chore.asks) await context.ask("Shall I go on?");
    runs.ends += 1;
  } catch (error) {
    if (!context.signal.aborted) report(error);
    throw error;
  }
  if (!chore.fails) return { done: chore.canary };
  count(tally, "fault: chore failed");
  throw new Error(`a chore that fails, with ${canaryWord} in its message`);
}

const never = (): Promise<never> => new Promise(() => undefined);

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : String(error));
