/**
 * Each step of a message or a task, killed for real on either side of its commit: afterwards the step has not been taken, or it has, and asking for it again, as a peer does that
 * was not told, takes it once. What comes when a process dies in the middle of many is in `kill-points.test.ts`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CrashPoint, openDatabase } from "./database.ts";
import { SqliteInbox } from "./sqlite-inbox.ts";
import { SqliteOutbox } from "./sqlite-outbox.ts";
import { SqliteTaskStore } from "./sqlite-task-store.ts";

interface Stores {
  readonly inbox: SqliteInbox;
  readonly outbox: SqliteOutbox;
  readonly tasks: SqliteTaskStore;
}

interface Step {
  readonly name: string;
  /** Steps that were taken before, each durable. */
  readonly after: readonly string[];
  /** Runs in the process that dies, and again where it is looked at what it left. */
  readonly take: (stores: Stores) => Promise<unknown>;
  readonly look: (stores: Stores) => Promise<unknown>;
  /** What is seen where the step has not been taken, and where it has. */
  readonly seen: readonly [unknown, unknown];
  /** What asking for it again answers in either case. */
  readonly answers: readonly [unknown, unknown];
}

// These run as text in another process, so they lean on nothing but their arguments.
const taken: Readonly<Record<string, Step["take"]>> = {
  add: async ({ outbox }) => {
    const draft = { id: "a", to: "did:key:desk", type: "message", priority: "normal", body: "{}", sentAt: 1, exp: 9 } as const;
    return (await outbox.add(draft).catch(({ code }: { code: string }) => ({ order: code }))).order;
  },
  stored: async ({ outbox }) => (await outbox.advance([{ id: "a", to: "did:key:desk", stage: "stored", at: 3 }])).length,
  handled: async ({ outbox }) => (await outbox.advance([{ id: "a", to: "did:key:desk", stage: "handled", at: 4 }])).length,
  refused: async ({ outbox }) =>
    (await outbox.advance([{ id: "a", to: "did:key:desk", stage: "refused", reason: "INTERRUPTED", at: 4 }])).length,
  expire: async ({ outbox }) => (await outbox.expire(10, 10)).length,
  retry: async ({ outbox }) => {
    const draft = { id: "b", to: "did:key:desk", type: "message", priority: "normal", body: "{}", sentAt: 5, exp: 99 } as const;
    return typeof (await outbox.bury("a", draft));
  },
  append: async ({ inbox }) => {
    const place = { lane: "00000000000000aa/normal", order: 1, floor: 1 };
    const message = { id: "a", from: "did:key:lap", type: "message", body: "{}", sentAt: 1, exp: 9, receivedAt: 2, place } as const;
    return (await inbox.append([message]))[0]?.kind;
  },
  start: async ({ inbox }) => (await inbox.advance("did:key:lap", ["a"], "started")).length,
  finish: async ({ inbox }) => (await inbox.advance("did:key:lap", ["a"], "handled")).length,
  delegate: async ({ tasks }) => {
    const key = { role: "requester", peer: "did:key:desk", id: "a" } as const;
    const draft = {
      ...key,
      capability: "a",
      input: "1",
      priority: "normal",
      createdAt: 1,
      deadline: 9,
      chain: { depth: 0, budget: 9 },
    } as const;
    return (await tasks.add(draft)).kind;
  },
  hand: async ({ tasks }) => typeof (await tasks.said({ role: "requester", peer: "did:key:desk", id: "a" }, 1)),
  take: async ({ tasks }) => {
    const key = { role: "worker", peer: "did:key:desk", id: "b" } as const;
    const draft = {
      ...key,
      capability: "a",
      input: "1",
      priority: "normal",
      createdAt: 1,
      deadline: 9,
      chain: { depth: 0, budget: 0 },
    } as const;
    const within = { role: "requester", peer: "did:key:desk", id: "a" } as const;
    return (await tasks.add(draft, { first: { state: "working", at: 1 }, within })).kind;
  },
  complete: async ({ tasks }) => {
    const key = { role: "requester", peer: "did:key:desk", id: "a" } as const;
    return (await tasks.append(key, { state: "completed", at: 5, output: "2" }, 5, 1)).kind;
  },
  forget: async ({ tasks }) => await tasks.sweep(9, 9),
  interrupt: async ({ inbox }) => (await inbox.advance("did:key:lap", ["a"], "refused", "INTERRUPTED")).length,
};

const sent: Step["look"] = async ({ outbox }) => {
  const [a, b] = [await outbox.find("a"), await outbox.find("b")];
  return [a?.stage, b?.stage, (await outbox.usage()).count, await outbox.floor({ to: "did:key:desk", priority: "normal" })];
};
const received: Step["look"] = async ({ inbox }) => {
  const [stage] = await inbox.stagesOf("did:key:lap", ["a"]);
  const due = await inbox.due({ from: "did:key:lap", lane: "00000000000000aa/normal" }, "message", 10);
  return [stage?.stage, due.length, (await inbox.interrupted("message", 10)).length];
};

const given: Step["look"] = async ({ tasks }) => {
  const key = { role: "requester", peer: "did:key:desk", id: "a" } as const;
  const [a, b] = [await tasks.find(key), await tasks.find({ ...key, role: "worker", id: "b" })];
  const events = await tasks.events(key, 0, 10);
  return [a?.state, a?.spent, b?.cursor, events.length, await tasks.openCount("requester"), (await tasks.unsaid(0, 10)).length];
};

const outgoing = (name: string, after: readonly string[], seen: Step["seen"], answers: Step["answers"] = [1, 0]): Step => ({
  name,
  after,
  take: taken[name] as Step["take"],
  look: sent,
  seen,
  answers,
});
const incoming = (name: string, after: readonly string[], seen: Step["seen"], answers: Step["answers"] = [1, 0]): Step => ({
  ...outgoing(name, after, seen, answers),
  look: received,
});
const working = (name: string, after: readonly string[], seen: Step["seen"], answers: Step["answers"]): Step => ({
  ...outgoing(name, after, seen, answers),
  look: given,
});
const [nothing, queued] = [
  [undefined, undefined, 0, 1],
  ["queued", undefined, 1, 1],
];

const [noTask, delegated, handed, completed] = [
  [undefined, undefined, undefined, 0, 0, 0],
  ["submitted", 0, undefined, 0, 1, 1],
  ["submitted", 0, undefined, 0, 1, 0],
  ["completed", 0, undefined, 1, 0, 0],
];

const steps: readonly Step[] = [
  outgoing("add", [], [nothing, queued], [1, "INVALID_ARGUMENT"]),
  outgoing("stored", ["add"], [queued, ["stored", undefined, 1, 2]]),
  outgoing(
    "handled",
    ["add", "stored"],
    [
      ["stored", undefined, 1, 2],
      ["handled", undefined, 0, 2],
    ],
  ),
  outgoing("refused", ["add"], [queued, ["refused", undefined, 0, 2]]),
  outgoing("expire", ["add"], [queued, ["expired", undefined, 0, 2]]),
  outgoing(
    "retry",
    ["add", "refused"],
    [
      ["refused", undefined, 0, 2],
      [undefined, "queued", 1, 2],
    ],
    ["object", "undefined"],
  ),
  incoming(
    "append",
    [],
    [
      [undefined, 0, 0],
      ["stored", 1, 0],
    ],
    ["stored", "duplicate"],
  ),
  incoming(
    "start",
    ["append"],
    [
      ["stored", 1, 0],
      ["started", 0, 1],
    ],
  ),
  incoming(
    "finish",
    ["append", "start"],
    [
      ["started", 0, 1],
      ["handled", 0, 0],
    ],
  ),
  incoming(
    "interrupt",
    ["append", "start"],
    [
      ["started", 0, 1],
      ["refused", 0, 0],
    ],
  ),
  working("delegate", [], [noTask, delegated], ["added", "known"]),
  working("hand", ["delegate"], [delegated, handed], ["undefined", "undefined"]),
  working("take", ["delegate", "hand"], [handed, ["submitted", 1, 1, 0, 1, 1]], ["added", "known"]),
  working("complete", ["delegate", "hand"], [handed, completed], ["appended", "known"]),
  working("forget", ["delegate", "hand", "complete"], [completed, noTask], [1, 0]),
];

const sourceOf = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

/**
 * Takes each step in a folder of its own, up to the point. A process can be killed only once, and costs a while: so the database that comes by the point first lets
 * the next one come to it, while it stands there itself, and so on; the last one kills them all.
 */
const programOf = (point: CrashPoint): string => `
  const { openDatabase } = await import(${sourceOf("database.ts")});
  const { SqliteInbox } = await import(${sourceOf("sqlite-inbox.ts")});
  const { SqliteOutbox } = await import(${sourceOf("sqlite-outbox.ts")});
  const { SqliteTaskStore } = await import(${sourceOf("sqlite-task-store.ts")});
  const key = new Uint8Array(32).fill(7);
  const others = [];
  let isLast = false;
  const at = (point) => {
    if (!isLast || point !== ${JSON.stringify(point)}) return;
    const next = others.shift();
    // Closing commits what waits, at once.
    if (next === undefined) process.kill(process.pid, "SIGKILL");
    else next.close();
  };
  const open = (name) => {
    const database = openDatabase(process.argv[1] + "/" + name, { at });
    others.push(database);
    return { inbox: new SqliteInbox(database, key), outbox: new SqliteOutbox(database, key), tasks: new SqliteTaskStore(database, key) };
  };
  const steps = [${steps.map(({ name, after, take }) => `[${JSON.stringify(name)}, [${after.map((before) => String(taken[before])).join(", ")}], ${String(take)}]`).join(", ")}];
  const lasts = [];
  for (const [name, before, last] of steps) {
    const stores = open(name);
    for (const take of before) await take(stores);
    lasts.push(() => last(stores));
  }
  isLast = true;
  others.shift();
  await Promise.race(lasts.map((take) => take()));
  console.error("a step was answered");`;

async function runUntilKilled(folder: string, point: CrashPoint): Promise<void> {
  for (const { name } of steps) mkdirSync(join(folder, name), { recursive: true });
  const child = spawn(process.execPath, ["--conditions=@hikyaku/source", "--input-type=module", "-e", programOf(point), folder]);
  const [errors, [, signal]] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect([errors, signal]).toEqual(["", "SIGKILL"]);
}

let above: string;
const folderOf = (point: CrashPoint, name = ""): string => join(above, point, name);
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-crash-"));
  await Promise.all((["before-commit", "committed"] as const).map((point) => runUntilKilled(folderOf(point), point)));
});
afterAll(() => rmSync(above, { recursive: true }));

const points = [
  { point: "before-commit", where: "before", what: "has not been taken", index: 0 },
  { point: "committed", where: "after", what: "has been taken", index: 1 },
] as const;

describe.each(points)(
  "killed $where its commit, a step $what, and asked for again it has been taken once [BOX-1] [BOX-2]",
  ({ point, index }) => {
    test.each(steps)("$name", async ({ name, take, look, seen, answers }) => {
      using database = openDatabase(folderOf(point, name));
      const key = new Uint8Array(32).fill(7);
      const stores = {
        inbox: new SqliteInbox(database, key),
        outbox: new SqliteOutbox(database, key),
        tasks: new SqliteTaskStore(database, key),
      };
      expect(await look(stores)).toEqual(seen[index]);
      expect(await take(stores)).toBe(answers[index]);
      expect(await look(stores)).toEqual(seen[1]);
    });
  },
);
