import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TaskDraft, TaskKey, TaskStore } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { type ArrangeTaskStore, taskStoreContract, taskStorePropertyContract } from "@hikyaku/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { SqliteTaskStore } from "./sqlite-task-store.ts";

const storageKey = new Uint8Array(32).fill(7);

const arrange: ArrangeTaskStore = async (bounds) => {
  const place = mkdtempSync(join(tmpdir(), "hikyaku-tasks-"));
  let database = openDatabase(place);
  return {
    store: new SqliteTaskStore(database, storageKey, bounds),
    reopen: async (): Promise<TaskStore> => {
      database.close();
      database = openDatabase(place);
      return new SqliteTaskStore(database, storageKey, bounds);
    },
    [Symbol.asyncDispose]: async () => {
      database.close();
      rmSync(place, { recursive: true });
    },
  };
};

taskStoreContract("SQLite", arrange);
taskStorePropertyContract("SQLite", arrange, 20);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-tasks-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const peer = "did:key:desk";
const draft = (id: string, changes: Partial<TaskDraft> = {}): TaskDraft => ({
  role: "worker",
  peer,
  id,
  capability: "translate",
  input: '"canary input"',
  priority: "normal",
  createdAt: 1,
  deadline: 9,
  chain: { depth: 0, budget: 0 },
  ...changes,
});
const keyOf = (id: string, role: TaskKey["role"] = "worker"): TaskKey => ({ role, peer, id });

test("input, detail, output and artifact are sealed in the file, and open with no other key [KEY-4]", async () => {
  using database = openDatabase(folder);
  const store = new SqliteTaskStore(database, storageKey);
  await store.add(draft("1"), { first: { state: "working", at: 1, detail: "canary detail" } });
  await store.append(keyOf("1"), { state: "working", at: 2, artifact: { name: "canary name", content: '"canary content"' } }, 2);
  await store.append(keyOf("1"), { state: "completed", at: 3, output: '"canary output"' }, 3);
  for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name)).includes("canary")).toBe(false);
  const other = new SqliteTaskStore(database, new Uint8Array(32).fill(8));
  const refused = (part: string) => ({
    code: "STORAGE_FAILED",
    message: expect.stringContaining(`${part} of task 1 from ${peer} in ${database.path} does not open under this folder's storage key`),
  });
  await expect(other.input(keyOf("1"))).rejects.toMatchObject(refused("The input"));
  for (const after of [0, 1, 2]) await expect(other.events(keyOf("1"), after, 1)).rejects.toMatchObject(refused(`Event ${after + 1}`));
  // How far it has come is no secret.
  expect(await other.find(keyOf("1"))).toMatchObject({ state: "completed", cursor: 3 });
  expect(await store.input(keyOf("1"))).toBe('"canary input"');
});

test("what was exchanged between two tasks, two roles or two events is refused and named; others are not concerned [KEY-4]", async () => {
  using database = openDatabase(folder);
  const store = new SqliteTaskStore(database, storageKey);
  for (const [id, role] of [
    ["1", "worker"],
    ["2", "worker"],
    ["3", "worker"],
    ["3", "requester"],
    ["4", "worker"],
  ] as const)
    await store.add(draft(id, { role, input: `"${id} ${role}"` }), { first: { state: "working", at: 1, detail: "first" } });
  await store.append(keyOf("4"), { state: "working", at: 2, detail: "second" }, 2);
  const refused = (text: string) => ({ code: "STORAGE_FAILED", message: expect.stringContaining(text) });
  await database.change((sql) => {
    const sealed = sql.all`SELECT sealed_input FROM task_inputs ORDER BY position`.map(({ sealed_input }) => sealed_input as Uint8Array);
    const exchange = (position: number, from: number): unknown =>
      sql.run`UPDATE task_inputs SET sealed_input = ${sealed[from - 1] ?? null} WHERE position = ${position}`;
    for (const [position, from] of [
      [1, 2],
      [2, 1],
      [3, 4],
      [4, 3],
    ] as const)
      exchange(position, from);
    sql.run`UPDATE task_events SET sealed_words = (SELECT sealed_words FROM task_events WHERE position = 5 AND cursor = 1) WHERE position = 5`;
  });
  await expect(store.input(keyOf("1"))).rejects.toMatchObject(refused(`The input of task 1 from ${peer}`));
  await expect(store.input(keyOf("2"))).rejects.toMatchObject(refused(`The input of task 2 from ${peer}`));
  await expect(store.input(keyOf("3"))).rejects.toMatchObject(refused(`The input of task 3 from ${peer}`));
  await expect(store.input(keyOf("3", "requester"))).rejects.toMatchObject(refused(`The input of task 3 to ${peer}`));
  expect(await store.input(keyOf("4"))).toBe('"4 worker"');
  expect(await store.events(keyOf("4"), 0, 1)).toMatchObject([{ detail: "first" }]);
  await expect(store.events(keyOf("4"), 1, 1)).rejects.toMatchObject(refused(`Event 2 of task 4 from ${peer}`));
});

test("forgetting is bounded by events as well: what has many goes by itself, and the rest the next time", async () => {
  using database = openDatabase(folder);
  const store = new SqliteTaskStore(database, storageKey);
  for (const id of ["1", "2", "3"]) await store.add(draft(id), { first: { state: "completed", at: 1 } });
  await database.change((sql) => sql.run`UPDATE tasks SET cursor = ${limits.taskEventsMax} WHERE id = '2'`);
  for (let left = 2; left >= 0; left -= 1) {
    expect(await store.sweep(9, 10)).toBe(1);
    expect(await store.list({ limit: 10 })).toHaveLength(left);
  }
  expect(database.read((sql) => sql.get`SELECT (SELECT count(*) FROM task_inputs) + (SELECT count(*) FROM task_events) AS rows`)).toEqual({
    rows: 0,
  });
});
