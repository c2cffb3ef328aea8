import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KnownPeer } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AgentStores } from "../agents/agent-ground.ts";
import type { AuditEntry } from "../agents/agent-record.ts";
import type { Use } from "../agents/approvals.ts";
import { policyUnlessTold } from "../agents/policy.ts";
import { type Database, openDatabase } from "./database.ts";
import { SqliteAgentRecord } from "./sqlite-agent-record.ts";
import { sqliteAgentStores } from "./sqlite-agent-stores.ts";
import { SqliteTrustStore } from "./sqlite-trust-store.ts";

let folder: string;
let database: Database;
let stores: AgentStores;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-agent-stores-"));
  database = openDatabase(folder);
  stores = sqliteAgentStores(database);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});
function reopen(): void {
  database.close();
  database = openDatabase(folder);
  stores = sqliteAgentStores(database);
}

const [lap, pad] = ["did:key:lap", "did:key:pad"] as const;
const use: Use = { agent: "a", kind: "send", did: lap };
const entry: AuditEntry = { at: 1, agent: "a", action: "send", verdict: "allowed" };
const known = (did: string, name: string): KnownPeer => ({
  did,
  publicKey: new Uint8Array(32),
  name,
  level: "trusted",
  scopes: [],
  addresses: [],
  minVersion: "1.0",
  pinnedAt: 1,
});

test("policies are kept as they were made, also over a restart [AGENT-2]", async () => {
  const policy = { ...policyUnlessTold, peers: [lap, pad], capabilities: [], messageBytesMax: 9, confirm: "owner" } as const;
  await stores.policies.change("a", { ...policy, peers: "all" });
  await stores.policies.change("a", policy);
  await stores.policies.change("b", policyUnlessTold);
  reopen();
  expect(await stores.policies.find("a")).toEqual(policy);
  expect(await stores.policies.find("c")).toBeUndefined();
  expect(await stores.policies.list()).toEqual(
    new Map([
      ["a", policy],
      ["b", policyUnlessTold],
    ]),
  );
  await stores.policies.forget("a");
  expect([...(await stores.policies.list()).keys()]).toEqual(["b"]);
});

test("of two changes of a policy at once both hold, on top of what held before [AGENT-2]", async () => {
  await stores.policies.change("default", { tasksPerDay: 7 });
  await Promise.all([stores.policies.change("a", { peers: [lap] }), stores.policies.change("a", { confirm: "owner" })]);
  const both = { ...policyUnlessTold, tasksPerDay: 7, peers: [lap], confirm: "owner" };
  expect(await stores.policies.find("a")).toEqual(both);
  expect(await stores.policies.holding("a")).toEqual(both);
  expect(await stores.policies.holding("b")).toEqual({ ...policyUnlessTold, tasksPerDay: 7 });
});

test("agents with a policy are bounded, and one that has a policy can always be given another [AGENT-6]", async () => {
  for (let count = 0; count < limits.agentPoliciesMax; count += 1) await stores.policies.change(`a${count}`, policyUnlessTold);
  await expect(stores.policies.change("more", policyUnlessTold)).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
  await stores.policies.change("a0", { ...policyUnlessTold, confirm: "never" });
  expect(await stores.policies.find("a0")).toMatchObject({ confirm: "never" });
});

test("one use has one approval, however often it is asked for, also over a restart [AGENT-4]", async () => {
  const first = await stores.approvals.ask(use, 5);
  expect(first).toEqual({ ...use, id: expect.stringMatching(/^[0-9a-f]{8}$/), state: "waiting", askedAt: 5 });
  reopen();
  expect(await stores.approvals.ask(use, 9)).toEqual(first);
  expect(await stores.approvals.find(use)).toEqual(first);
  const others: readonly Use[] = [
    { ...use, agent: "b" },
    { ...use, did: pad },
    { ...use, kind: "wake" },
    { ...use, kind: "delegate", capability: "c" },
    { ...use, kind: "delegate", capability: "c\0" },
    { ...use, kind: "delegate", capability: "C" },
    { ...use, kind: "delegate", capability: "c " },
  ];
  for (const other of others) expect(await stores.approvals.find(other)).toBeUndefined();
  const ids = [];
  for (const other of others) ids.push((await stores.approvals.ask(other, 9)).id);
  expect(new Set([...ids, first.id]).size).toBe(others.length + 1);
  for (const [index, other] of others.entries()) expect(await stores.approvals.find(other)).toMatchObject({ ...other, id: ids[index] });
});

test("the owner decides and decides otherwise; a client only what waits, and never against the owner [AGENT-4]", async () => {
  const { id } = await stores.approvals.ask(use, 1);
  const decide = (state: "approved" | "denied", by: "owner" | "client") => stores.approvals.decide({ id, state, by, at: 3 });
  expect(await decide("denied", "owner")).toMatchObject({ state: "denied", by: "owner", decidedAt: 3 });
  expect(await decide("approved", "client")).toBeUndefined();
  expect(await stores.approvals.ask(use, 9)).toMatchObject({ id, state: "denied" });
  expect(await decide("approved", "owner")).toMatchObject({ state: "approved", by: "owner" });
  expect(await stores.approvals.ask(use, 9)).toMatchObject({ id, state: "approved" });
  await stores.approvals.forget(id);
  expect(await stores.approvals.find(use)).toBeUndefined();
  expect(await decide("approved", "owner")).toBeUndefined();
});

test("what a client approved waits anew when it is asked for anew [AGENT-4]", async () => {
  const { id } = await stores.approvals.ask(use, 1);
  await stores.approvals.decide({ id, state: "approved", by: "client", at: 2 });
  expect(await stores.approvals.ask(use, 3)).toEqual({ ...use, id, state: "waiting", askedAt: 3 });
});

test("what waits for a day is not listed, found or decided any more, and gets another id; what was decided stays [AGENT-4]", async () => {
  const { approvals } = stores;
  const decided = await approvals.ask({ ...use, did: pad }, 1);
  await approvals.decide({ id: decided.id, state: "denied", by: "owner", at: 1 });
  const { id } = await approvals.ask(use, 1);
  const late = 2 + limits.waitingApprovalMsMax;
  expect(await approvals.list({ state: "waiting", now: late - 1, limit: 9 })).toMatchObject([{ id }]);
  expect(await approvals.list({ state: "waiting", now: late, limit: 9 })).toEqual([]);
  expect(await approvals.byPrefix(id, late)).toEqual([]);
  expect((await approvals.ask(use, late)).id).not.toBe(id);
  expect(await approvals.list({ state: "denied", now: late, limit: 9 })).toMatchObject([{ id: decided.id }]);
});

test("approvals are listed oldest first, of one agent or of all, and found by the beginning of their id", async () => {
  const ids: string[] = [];
  for (const [index, agent] of ["a", "b", "a"].entries())
    ids.push((await stores.approvals.ask({ ...use, agent, did: `did:${index}` }, 9 - index)).id);
  const listed = async (query: object): Promise<readonly string[]> =>
    (await stores.approvals.list({ state: "waiting", now: 9, limit: 9, ...query })).map(({ id }) => id);
  expect(await listed({})).toEqual(ids.toReversed());
  expect(await listed({ limit: 1 })).toEqual([ids[2]]);
  expect(await listed({ agent: "a" })).toEqual([ids[2], ids[0]]);
  expect((await stores.approvals.byPrefix(ids[0] ?? "", 9)).map(({ id }) => id)).toEqual([ids[0]]);
  expect((await stores.approvals.byPrefix("", 9)).length).toBe(2);
});

test("waiting approvals of one agent are bounded: the oldest goes, and what was decided is not counted [AGENT-6]", async () => {
  const { approvals } = stores;
  const ask = (count: number, agent = "a") => approvals.ask({ ...use, agent, did: `did:${count}` }, count);
  const denied = await ask(0);
  await approvals.decide({ id: denied.id, state: "denied", by: "owner", at: 1 });
  const other = await ask(0, "b");
  const max = limits.waitingApprovalsPerAgentMax;
  const asked = await Promise.all(Array.from({ length: max + 1 }, (_, index) => ask(index + 1)));
  const left = (await approvals.list({ state: "waiting", agent: "a", now: 1, limit: 1000 })).map(({ id }) => id);
  expect(left).toEqual(asked.slice(1).map(({ id }) => id));
  expect(await approvals.list({ state: "denied", now: 1, limit: 9 })).toMatchObject([{ id: denied.id }]);
  expect(await approvals.list({ state: "waiting", agent: "b", now: 1, limit: 9 })).toMatchObject([{ id: other.id }]);
});

test("waiting approvals of all agents are bounded as well [AGENT-6]", async () => {
  const asks = Array.from({ length: limits.waitingApprovalsMax + 1 }, (_, index) =>
    stores.approvals.ask({ ...use, agent: `a${index}` }, index),
  );
  await Promise.all(asks);
  expect(database.read((sql) => sql.get`SELECT count(*) AS all_of_them, min(asked_at) AS oldest FROM agent_approvals`)).toEqual({
    all_of_them: limits.waitingApprovalsMax,
    oldest: 1,
  });
});

test("what clients approved is bounded and the oldest goes, and nothing that the owner decided [AGENT-6]", async () => {
  const { approvals } = stores;
  const owned = await approvals.ask({ ...use, agent: "owned" }, 0);
  await approvals.decide({ id: owned.id, state: "denied", by: "owner", at: 0 });
  const max = limits.clientApprovalsMax;
  await database.change((sql) => {
    for (let count = 1; count <= max; count += 1)
      sql.run`
        INSERT INTO agent_approvals (id, agent, kind, did, capability, state, asked_at, decided_at, decided_by)
        VALUES (${String(count)}, ${`a${count}`}, 'send', ${lap}, '', 1, ${count}, ${count}, 'client')`;
  });
  const { id } = await approvals.ask(use, 9);
  await approvals.decide({ id, state: "approved", by: "client", at: max + 1 });
  expect(await approvals.find({ ...use, agent: "a1" })).toBeUndefined();
  expect(await approvals.find({ ...use, agent: "a2" })).toBeDefined();
  expect(await approvals.find(use)).toMatchObject({ state: "approved" });
  expect(await approvals.find({ ...use, agent: "owned" })).toMatchObject({ state: "denied" });
});

test("a peer that is forgotten takes along what was approved of it, and its place in policies [AGENT-5]", async () => {
  const trust = new SqliteTrustStore(database);
  for (const [did, name] of [
    [lap, "lap"],
    [pad, "pad"],
  ] as const) {
    await trust.put(known(did, name));
    const { id } = await stores.approvals.ask({ ...use, did }, 1);
    await stores.approvals.decide({ id, state: "approved", by: "owner", at: 1 });
  }
  await stores.policies.change("a", { ...policyUnlessTold, peers: [lap, pad] });
  await stores.policies.change("b", { ...policyUnlessTold, peers: [lap] });
  await stores.policies.change("c", policyUnlessTold);
  await trust.put(known(lap, "renamed"));
  expect(await stores.approvals.find(use)).toMatchObject({ state: "approved" });
  await trust.remove(lap);
  expect(await stores.approvals.find(use)).toBeUndefined();
  expect(await stores.approvals.find({ ...use, did: pad })).toMatchObject({ state: "approved" });
  const lists = [...(await stores.policies.list()).values()].map(({ peers }) => peers);
  expect(lists).toEqual([[pad], [], "all"]);
});

test("forgetting an agent forgets what was approved and waits, of no other, and what was denied stays denied [AGENT-4]", async () => {
  const { approvals } = stores;
  await stores.policies.change("a", policyUnlessTold);
  for (const agent of ["a", "b"])
    for (const state of ["approved", "denied"] as const) {
      const { id } = await approvals.ask({ ...use, agent, did: `did:${state}` }, 1);
      await approvals.decide({ id, state, by: "owner", at: 1 });
    }
  await approvals.ask(use, 1);
  await stores.policies.forget("a");
  expect(await approvals.find(use)).toBeUndefined();
  expect(await approvals.find({ ...use, did: "did:approved" })).toBeUndefined();
  expect(await approvals.find({ ...use, did: "did:denied" })).toMatchObject({ state: "denied" });
  expect(await approvals.find({ ...use, agent: "b", did: "did:approved" })).toBeDefined();
});

test("entries are kept whole, in their order, with how they ended [AGENT-6]", async () => {
  const whole: AuditEntry = {
    ...entry,
    did: lap,
    capability: "c",
    bytes: 7,
    verdict: "refused",
    code: "UNAUTHORIZED",
    by: "owner",
    ref: "r",
  };
  const positions = [await stores.record.add(entry), await stores.record.add({ ...whole, agent: "b" }), await stores.record.add(entry)];
  await stores.record.conclude(positions[0] ?? 0, { ref: "id" });
  await stores.record.conclude(positions[2] ?? 0, { code: "UNREACHABLE" });
  reopen();
  const first = { ...entry, position: 1, ref: "id" };
  const last = { ...entry, position: 3, code: "UNREACHABLE" };
  expect(await stores.record.list({ limit: 9 })).toEqual([first, { ...whole, agent: "b", position: 2 }, last]);
  expect(await stores.record.list({ limit: 2 })).toMatchObject([{ position: 2 }, { position: 3 }]);
  expect(await stores.record.list({ after: 1, limit: 1 })).toMatchObject([{ position: 2 }]);
  expect(await stores.record.list({ agent: "a", limit: 1 })).toEqual([last]);
  expect(await stores.record.list({ agent: "a", after: 0, limit: 1 })).toEqual([first]);
});

test("the newest entries are kept, and a position is never given twice [AGENT-6]", async () => {
  const record = new SqliteAgentRecord(database, { agentAuditMax: 3 });
  for (let count = 0; count < 5; count += 1) await record.add({ ...entry, at: count });
  expect((await record.list({ limit: 9 })).map(({ position }) => position)).toEqual([3, 4, 5]);
});

test("tasks of a day are counted to the last one, each agent and each day by itself, also over a restart [AGENT-3]", async () => {
  const spend = (cost: number, day = 5, agent = "a") => stores.record.add({ ...entry, agent }, { day, cost, max: 10 });
  expect(await spend(9)).toBe(1);
  expect(await spend(2)).toBeUndefined();
  reopen();
  expect(await stores.record.spent("a", 5)).toBe(9);
  expect(await spend(1)).toBe(2);
  expect(await spend(1)).toBeUndefined();
  expect(await spend(11, 6)).toBeUndefined();
  expect(await spend(10, 6)).toBe(3);
  expect(await spend(10, 5, "b")).toBe(4);
  expect(await stores.record.list({ limit: 9 })).toHaveLength(4);
});

test("of two delegations at once that the day allows one of, one is let through [AGENT-3]", async () => {
  const spending = { day: 5, cost: 6, max: 10 };
  const positions = await Promise.all([stores.record.add(entry, spending), stores.record.add(entry, spending)]);
  expect(positions.filter((position) => position !== undefined)).toHaveLength(1);
});

test("a clock that is set back a few days gives nothing anew, and old days are forgotten [AGENT-3]", async () => {
  const spend = (day: number) => stores.record.add(entry, { day, cost: 10, max: 10 });
  await spend(100);
  await spend(100 + limits.agentSpendingDaysKept - 1);
  expect(await spend(100)).toBeUndefined();
  await spend(100 + limits.agentSpendingDaysKept);
  expect(await stores.record.spent("a", 100)).toBe(0);
});
