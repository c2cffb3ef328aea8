/** No question to the stores reads a whole table, and none sorts more than a page: SQLite itself says how it would answer each statement that they use. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Draft, InboxMessage, TaskDraft } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AgentStores } from "../agents/agent-ground.ts";
import { policyUnlessTold } from "../agents/policy.ts";
import { Database, openDatabase } from "./database.ts";
import { sqliteAgentStores } from "./sqlite-agent-stores.ts";
import { SqliteInbox } from "./sqlite-inbox.ts";
import { SqliteOfferStore } from "./sqlite-offer-store.ts";
import { SqliteOutbox } from "./sqlite-outbox.ts";
import { SqliteStatusHistory } from "./sqlite-status-history.ts";
import { SqliteTaskStore } from "./sqlite-task-store.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-plans-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The totals' one row; the few offers and policies; the queue and the result of a recursive query; ids that came as a JSON list; and partial indexes that are read in their order up to a LIMIT. */
const fine = [
  /^SEARCH /,
  /^SCAN (inbox|outbox|task)_totals$/,
  /^SCAN offers$/,
  /^SCAN agent_policies$/,
  /^SCAN (lanes|recipients|priorities|\d+ CONSTANT ROWS?|json_each VIRTUAL TABLE INDEX 1:)$/,
  /^MATERIALIZE priorities$/,
  /^SCAN (3 CONSTANT ROWS|CONSTANT ROW)$/,
  /^(RECURSIVE STEP|SETUP|CO-ROUTINE .*|SCAN \(subquery-\d+\)|LIST SUBQUERY \d+|(CORRELATED )?SCALAR SUBQUERY \d+|USING INDEX .* FOR IN-OPERATOR|CREATE BLOOM FILTER|REUSE LIST SUBQUERY \d+)$/,
];

const seconds = (count: number): number => count * 1000;
const lane = { to: "did:key:desk", priority: "normal" } as const;
const draft = (id: string): Draft => ({ id, ...lane, type: "message", body: "{}", sentAt: 1, exp: 10 });
const letter = (order: number, name = "a"): InboxMessage => ({
  id: `${name}${order}`,
  from: "did:key:lap",
  type: "message",
  body: "{}",
  sentAt: 1,
  exp: 10,
  receivedAt: seconds(order),
  place: { lane: name, order, floor: 1 },
});

/** Every statement that the stores ever use, as SQLite was asked to prepare it. */
async function statementsOf(): Promise<readonly string[]> {
  openDatabase(folder).close();
  const connection = new DatabaseSync(join(folder, "hikyaku.db"));
  const prepare = connection.prepare.bind(connection);
  const texts = new Set<string>();
  connection.prepare = (text) => {
    texts.add(text);
    return prepare(text);
  };
  using database = new Database(connection, "", () => {});
  await useInbox(new SqliteInbox(database, new Uint8Array(32), { ...limits, lanesPerSenderMax: 2, laneIdleMsMax: 1 }));
  await useStatuses(new SqliteStatusHistory(database, new Uint8Array(32)));
  await useOutbox(new SqliteOutbox(database, new Uint8Array(32), { ...limits, eventsPerMessageMax: 6 }));
  await useTasks(new SqliteTaskStore(database, new Uint8Array(32)));
  const room = { ...limits, taskBytesPerPeerMax: 4 * limits.taskEntryBytes };
  await fillTasks(new SqliteTaskStore(database, new Uint8Array(32), room));
  await useOffers(new SqliteOfferStore(database));
  await useAgents(sqliteAgentStores(database));
  return [...texts];
}

async function useInbox(inbox: SqliteInbox): Promise<void> {
  await inbox.append([letter(3), letter(1), letter(1), letter(2)]);
  await inbox.append([letter(5, "b"), letter(9, "c")]);
  for (const stage of ["delivered", "started", "handled"] as const) await inbox.advance("did:key:lap", ["a1"], stage);
  for (const query of [{}, { unread: true }, { from: "did:key:lap" }, { from: "did:key:lap", unread: true }])
    await inbox.list({ type: "message", ...query, limit: 9 });
  await inbox.lanesDue("message", 9);
  await inbox.due({ from: "did:key:lap", lane: "a" }, "message", 9);
  await inbox.stagesOf("did:key:lap", ["a1"]);
  await inbox.interrupted("message", 9);
  await inbox.sweep(seconds(99), { readBefore: seconds(50), graceMs: 0, limit: 9 });
}

async function useStatuses(statuses: SqliteStatusHistory): Promise<void> {
  await statuses.add({ from: "did:key:lap", id: "1", state: "busy", receivedAt: 1 });
  await statuses.list("did:key:lap", { after: 0, limit: 9 });
  await statuses.forget("did:key:lap");
}

async function useOutbox(outbox: SqliteOutbox): Promise<void> {
  for (const id of ["1", "2", "3", "4", "5"]) await outbox.add(draft(id));
  const step = (id: string, stage: "stored" | "delivered" | "handled" | "refused" | "expired") => ({ id, to: lane.to, stage, at: 2 });
  await outbox.advance([step("1", "stored"), step("2", "delivered"), step("3", "handled"), step("4", "refused"), step("5", "expired")]);
  await outbox.next(lane, 0, { count: 9, bytes: 9 });
  await outbox.floor(lane);
  await outbox.lanesQueued();
  for (const at of [1, 2, 3]) await outbox.remark([{ id: "1", to: lane.to, event: { at, kind: "failed" } }]);
  await outbox.unsettled(lane.to, undefined, 9);
  await outbox.expire(20, 9);
  await outbox.find("1");
  await outbox.findByPrefix("1", 9);
  await outbox.dead(undefined, 9);
  await outbox.deadLetter("4");
  await outbox.bury("4", draft("6"));
  await outbox.usage();
  await outbox.sweep(20, 9);
}

/** So far that ended tasks have to go. */
async function fillTasks(tasks: SqliteTaskStore): Promise<void> {
  const party = { role: "worker", peer: "did:key:full" } as const;
  const task = {
    ...party,
    capability: "c",
    input: "1",
    priority: "normal",
    createdAt: 1,
    deadline: 9,
    chain: { depth: 0, budget: 0 },
  } as const;
  for (const id of ["1", "2"]) {
    expect(await tasks.add({ ...task, id }, { first: { state: "completed", at: 1 } })).toEqual({ kind: "added" });
    await tasks.said({ ...party, id }, 1);
  }
}

async function useTasks(tasks: SqliteTaskStore): Promise<void> {
  const task: TaskDraft = {
    role: "worker",
    peer: lane.to,
    id: "1",
    capability: "a",
    input: "1",
    priority: "normal",
    createdAt: 1,
    deadline: 9,
    chain: { depth: 0, budget: 9 },
  };
  await tasks.add(task, { first: { state: "working", at: 1 } });
  await tasks.add({ ...task, role: "requester", idempotencyKey: "k" }, { within: task });
  await tasks.append(task, { state: "completed", at: 2 }, 2);
  await tasks.find(task);
  await tasks.findByPrefix("1", 9);
  await tasks.input(task);
  await tasks.events(task, 0, 9);
  for (const query of [{}, { isOpen: true }, { peer: lane.to }, { peer: lane.to, isOpen: true }]) await tasks.list({ ...query, limit: 9 });
  await tasks.open("worker", 0, 9);
  await tasks.unsaid(0, 9);
  await tasks.said(task, 2);
  await tasks.overdue("worker", 9, 9);
  await tasks.openCount("worker");
  await tasks.openCount("worker", lane.to);
  await tasks.sweep(9, 9);
}

async function useOffers(offers: SqliteOfferStore): Promise<void> {
  await offers.put({ name: "a", version: "1", isIdempotent: false, concurrency: 1, offeredAt: 1 });
  await offers.load();
  await offers.remove("a");
}

async function useAgents({ policies, approvals, record }: AgentStores): Promise<void> {
  await policies.change("a", policyUnlessTold);
  await policies.holding("a");
  await policies.find("a");
  await policies.list();
  const use = { agent: "a", kind: "send", did: lane.to } as const;
  const { id } = await approvals.ask(use, 1);
  await approvals.find(use);
  await approvals.byPrefix(id, 1);
  for (const query of [{}, { agent: "a" }]) await approvals.list({ ...query, state: "waiting", now: 1, limit: 9 });
  await approvals.decide({ id, state: "approved", by: "client", at: 1 });
  await approvals.forget(id);
  const entry = { at: 1, agent: "a", action: "send", verdict: "allowed" } as const;
  const position = await record.add(entry, { day: 1, cost: 1, max: 1 });
  await record.conclude(position ?? 0, { ref: "1" });
  for (const query of [{}, { agent: "a" }, { after: 0 }, { agent: "a", after: 0 }]) await record.list({ ...query, limit: 9 });
  await record.spent("a", 1);
  await policies.forget("a");
}

test("each statement finds its rows by an index", async () => {
  const statements = (await statementsOf()).filter((text) => /^\s*(SELECT|UPDATE|DELETE|INSERT|WITH)/.test(text));
  expect(statements.length).toBeGreaterThan(40);
  using file = new DatabaseSync(join(folder, "hikyaku.db"));
  const wrong = statements.flatMap((text) => {
    const plan = file
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all()
      .map(({ detail }) => String(detail));
    const isSorted = plan.some((detail) => detail.includes("USE TEMP B-TREE"));
    // The unread messages of one sender lie in its few lanes; they are bounded by what it may leave unread.
    const maySort =
      text.includes("FROM inbox_senders JOIN inbox_lanes USING (sender_id) JOIN inbox USING (lane_id)") &&
      text.includes("ORDER BY position");
    const scans = plan.filter((detail) => !detail.includes("USE TEMP B-TREE") && !fine.some((pattern) => pattern.test(detail)));
    return scans.length === 0 && (!isSorted || maySort) ? [] : [{ text, plan }];
  });
  expect(wrong).toEqual([]);
});

test("who asks for messages of one type passes by none of another", async () => {
  const statements = (await statementsOf()).filter((text) => text.includes("type = ?"));
  expect(statements).toHaveLength(7);
  using file = new DatabaseSync(join(folder, "hikyaku.db"));
  const wrong = statements.flatMap((text) => {
    const plan = file
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all()
      .map(({ detail }) => String(detail));
    const searches = plan.filter((detail) => / inbox USING/.test(detail));
    return searches.length > 0 && searches.every((detail) => detail.includes("type=?")) ? [] : [{ text, plan }];
  });
  expect(wrong).toEqual([]);
});

test("the stores' own indexes answer, each its question", async () => {
  const statements = await statementsOf();
  using file = new DatabaseSync(join(folder, "hikyaku.db"));
  const plans = statements
    .filter((text) => /^\s*(SELECT|UPDATE|DELETE|WITH)/.test(text))
    .flatMap((text) =>
      file
        .prepare(`EXPLAIN QUERY PLAN ${text}`)
        .all()
        .map(({ detail }) => String(detail)),
    );
  const indexes = file
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
    .all()
    .map(({ name }) => String(name));
  const unused = indexes.filter((name) => !plans.some((detail) => new RegExp(`INDEX ${name}\\b`).test(detail)));
  expect(unused).toEqual([]);
});
