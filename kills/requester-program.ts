/**
 * The one that gives work: delegates numbered tasks when it is told to, follows each, answers what it asks, and writes down every event that it gets. Killed at any moment,
 * it goes on behind the last event that it wrote down. A task's number is its idempotency key, so that whatever a kill left open may be asked for again.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Task, TaskProgress } from "@hikyaku/peer";
import { createPeer, HikyakuError } from "hikyaku";
import { Journal, readJournal } from "./journal.ts";
import { live } from "./life.ts";
import { capabilities, type Delegating, database, happenings, type Standing, type TaskInput, type TaskOutput } from "./words.ts";

const [folder = "", listen = ""] = process.argv.slice(2);
const msMin = 5;
const msSteps = 60;
/** Every fifth one asks. */
const askEvery = 5;
/** After a restart so many are asked for again, and must be the ones that they were. */
const askedAgain = 5;
const pageMax = 1000;

const journal = readJournal(join(folder, happenings));
const happened = new Journal(join(folder, happenings));
const peer = await createPeer({ folder, listen });
/** A reader beside the peer's own connection, in the same process: it is gone with it. */
const tasks = new DatabaseSync(join(folder, database), { readOnly: true });
const counted = tasks.prepare("SELECT count(*) AS durable, coalesce(sum(state < 4), 0) AS open FROM tasks WHERE role = 0");
const view = (): Standing => ({ ...(counted.get() as unknown as Standing) });

/** What has been written down of each task. */
const noted = new Map<string, { readonly cursor: number; readonly state: string }>();
for (const [word, id = "", cursor, state = ""] of journal) if (word === "event") noted.set(id, { cursor: Number(cursor), state });

const followings = new Map<string, Promise<void>>();
const asked = new Set<number>();

const inputOf = (n: number): TaskInput => ({ n, ms: msMin + ((n * 37) % msSteps), asks: n % askEvery === 0 });

async function delegate(n: number): Promise<string> {
  asked.add(n);
  const task = await peer.delegate("other", capabilities[(n + 1) % 2] as string, inputOf(n), { idempotencyKey: String(n) });
  follow(task, n);
  return task.id;
}

function follow(task: Task, n: number): void {
  if (followings.has(task.id)) return;
  followings.set(task.id, noteAll(task, n).catch(life.failed));
}

async function noteAll(task: Task, n: number): Promise<void> {
  const last = noted.get(task.id);
  // A kill may have come between the question and its answer.
  if (last?.state === "input_required") await answer(task, n);
  for await (const event of task.events({ after: last?.cursor ?? 0 })) {
    happened.note(lineOf(task.id, event));
    if (event.state === "input_required") await answer(task, n);
  }
}

async function answer(task: Task, n: number): Promise<void> {
  try {
    await task.answer(2 * n);
  } catch (error) {
    // It asks no more: it was answered before the kill, or its worker was killed meanwhile.
    if (!(error instanceof HikyakuError && error.code === "INVALID_ARGUMENT")) throw error;
  }
}

function lineOf(id: string, { cursor, state, code = "-", output }: TaskProgress): string {
  const { n, answer: said } = (output ?? {}) as Partial<TaskOutput>;
  return `event ${id} ${cursor} ${state} ${code} ${output === undefined ? "-" : `${n}:${said}`}`;
}

/** One after the other, so that a kill in the middle finds one that is durable and not in the outbox yet as often as not. */
async function delegateUpTo(upTo: number): Promise<void> {
  for (let n = 1; n <= upTo; n += 1) if (!asked.has(n)) await delegate(n);
}

/** What an earlier life gave away is followed again. */
async function resume(): Promise<void> {
  const before = await peer.tasks({ role: "requester", limit: pageMax });
  for (const { id, idempotencyKey } of before) {
    const n = Number(idempotencyKey);
    asked.add(n);
    follow(await peer.task(id), n);
  }
  for (const { id, idempotencyKey } of before.slice(0, askedAgain))
    if ((await delegate(Number(idempotencyKey))) !== id) throw new Error(`task ${idempotencyKey} was given away twice`);
}

const life = live<Delegating, Standing>(peer, {
  allow: ["message"],
  obey: ({ upTo }) => {
    giving = giving.then(() => delegateUpTo(upTo)).catch(life.failed);
  },
  view,
  atEnd: () => Promise.all(followings.values()),
});
let giving = resume().catch(life.failed);
