/** What an agent may do over the control interface: desk's agents against desk's own peer, with lap and pad to talk to. */
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Clock, type Peer, silentLog, systemClock, type Task } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { AgentStores } from "../agents/agent-ground.ts";
import type { Use } from "../agents/approvals.ts";
import { createPeer, startPeer } from "../create-peer.ts";
import { ensureKeystore } from "../keystore/keystore.ts";
import { type ControlServer, createControlApp, startControlServer } from "./control-server.ts";

const listen = { host: "127.0.0.1", port: 0 };
/** Its hands are turned by the tests. */
const hands = { now: Date.UTC(2026, 0, 1, 12), elapsed: 0 };
const clock: Clock = {
  now: () => hands.now,
  elapsed: () => hands.elapsed,
  after: (delayMs, callback) => systemClock.after(delayMs, callback),
};

let folder: string;
let desk: { readonly peer: Peer; readonly agents: AgentStores };
let lap: Peer;
let pad: Peer;
let control: ControlServer;
const isToken = (offered: string): boolean => offered === "t";
const openDesk = async (): Promise<void> => {
  const keystore = await ensureKeystore(join(folder, "desk"), { passphrase: undefined });
  desk = await startPeer(keystore, { folder: join(folder, "desk"), listen });
  control = await startControlServer(desk.peer, { listen, name: "desk", isToken, agents: { ...desk.agents, clock }, log: silentLog });
};
const closeDesk = async (): Promise<void> => {
  await control[Symbol.asyncDispose]();
  await desk.peer.close();
};
const rights = ["message", "task_delegate", "wake_up"] as const;
async function befriend(other: Peer, name: string): Promise<void> {
  await desk.peer.trust({ peer: other.did, name, allow: rights, addresses: other.addresses });
  await other.trust({ peer: desk.peer.did, name: "desk", allow: rights, addresses: desk.peer.addresses });
}
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-agents-"));
  await openDesk();
  lap = await createPeer({ folder: join(folder, "lap"), listen: "127.0.0.1:0", wake: async () => undefined });
  pad = await createPeer({ folder: join(folder, "pad"), listen: "127.0.0.1:0", wake: async () => undefined });
  await befriend(lap, "lap");
  await befriend(pad, "pad");
  for (const other of [lap, pad]) await other.capability("sum", {}, () => 3);
  await lap.capability("quiz", { concurrency: 4 }, async (_input, context) => await context.ask("Which?"));
});
afterAll(async () => {
  await closeDesk();
  await Promise.all([lap.close(), pad.close()]);
  rmSync(folder, { recursive: true });
});

type Json = Readonly<Record<string, unknown>>;
interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** An empty list of headers is the owner's. */
async function ask(headers: Readonly<Record<string, string | string[]>>, method: string, path: string, body?: object): Promise<Answer> {
  const json = body === undefined ? {} : { "content-type": "application/json" };
  const settings = { host: "127.0.0.1", port: control.port, method, path, headers: { authorization: "Bearer t", ...json, ...headers } };
  return await new Promise((resolve, reject) => {
    const asked = request(settings, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text === "" ? {} : (JSON.parse(text) as Json) }));
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
const owner = (method: string, path: string, body?: object): Promise<Answer> => ask({}, method, path, body);
const as = (agent: string, method: string, path: string, body?: object): Promise<Answer> =>
  ask({ "x-hikyaku-agent": agent }, method, path, body);
const send = (agent: string, to: string, text = "hello"): Promise<Answer> => as(agent, "POST", "/messages", { to, body: { text } });
const delegate = (agent: string, rest: object = {}): Promise<Answer> =>
  as(agent, "POST", "/tasks", { to: "lap", capability: "sum", budget: 0, ...rest });
const errorIn = ({ body }: Answer): Json => (body["error"] ?? {}) as Json;
const codeOf = (answer: Answer): unknown => errorIn(answer)["code"];
const messageOf = (answer: Answer): string => String(errorIn(answer)["message"]);
const approvalIn = (answer: Answer): string => String(errorIn(answer)["approval"]);
const idIn = ({ body }: Answer): string => String(body["id"]);
const decide = (id: string, decision: "approve" | "deny"): Promise<Answer> => owner("POST", `/approvals/${id}`, { decision });
const setPolicy = (agent: string, change: object): Promise<Answer> => owner("POST", `/agents/${agent}`, change);
const auditOf = async (agent: string): Promise<readonly Json[]> =>
  (await owner("GET", `/audit?agent=${agent}&limit=1000`)).body["entries"] as readonly Json[];
const lastOf = async (agent: string): Promise<Json | undefined> => (await auditOf(agent)).at(-1);

const absentDid = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
/** Desk's peer, of which one thing is done otherwise. */
const proxied = (what: string, otherwise: unknown): Peer =>
  new Proxy(desk.peer, {
    get: (target, name) => {
      const value: unknown = name === what ? otherwise : Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

/** Each test has an agent of its own. */
let count = 0;
let agent: string;
beforeEach(() => {
  count += 1;
  agent = `agent-${count}`;
});

const openToAgents = [
  "GET /health",
  "GET /identity",
  "GET /capabilities",
  "GET /changes",
  "GET /peers",
  "GET /peers/:peer",
  "POST /peers/:peer/ping",
  "POST /peers/:peer/capabilities",
  "GET /peers/:peer/status",
  "POST /peers/:peer/wake",
  "POST /messages",
  "GET /messages/:id",
  "POST /reports",
  "GET /inbox",
  "POST /inbox/read",
  "POST /inbox/handled",
  "POST /tasks",
  "GET /tasks",
  "GET /tasks/:id",
  "GET /tasks/:id/events",
  "POST /tasks/:id/cancel",
  "POST /tasks/:id/answer",
  "POST /approvals/:id/confirmed",
];

test("these routes are open to agents, and every other one is closed to them [AGENT-1]", async () => {
  const seen: { readonly place: string; readonly method: string; readonly url: string; readonly isOpen: boolean }[] = [];
  const app = createControlApp(desk.peer, { name: "desk", isToken, agents: { ...desk.agents, clock }, log: silentLog }, (route) => {
    for (const method of [route.method].flat())
      if (method !== "HEAD")
        seen.push({ place: `${method} ${route.url}`, method, url: route.url, isOpen: route.config?.agent !== undefined });
  });
  await app.close();
  expect(seen.filter(({ isOpen }) => isOpen).map(({ place }) => place)).toEqual(openToAgents);
  const closed = seen.filter(({ isOpen }) => !isOpen);
  expect(closed.length).toBeGreaterThan(20);
  for (const { place, method, url } of closed) {
    hands.elapsed += 10_000;
    const body = method === "POST" ? {} : undefined;
    const answer = await as(agent, method, url.replace(/:\w+/g, "lap"), body);
    expect([place, codeOf(answer)]).toEqual([place, "UNAUTHORIZED"]);
    expect(await lastOf(agent)).toMatchObject({ action: place, verdict: "refused", code: "UNAUTHORIZED" });
  }
  expect(desk.peer.peers().map(({ name }) => name)).toEqual(["lap", "pad"]);
});

test("what is not there is closed as well, also by HEAD [AGENT-1]", async () => {
  expect(codeOf(await as(agent, "GET", "/nothing"))).toBe("UNAUTHORIZED");
  expect((await as(agent, "HEAD", "/stats")).status).toBe(409);
  expect((await as(agent, "HEAD", "/health")).status).toBe(200);
});

test.each([
  ["an empty name", ""],
  ["a name that begins with a dash", "-a"],
  ["a name with a space", "a b"],
  ["a name with a letter of another script", "ä"],
  ["a name that is too long", "a".repeat(65)],
  ["two names in two headers", ["a", "b"]],
  ["the same name twice", ["a", "a"]],
])("%s is refused, and nobody is let in as the owner by it [AGENT-1]", async (_, name) => {
  const answer = await ask({ "x-hikyaku-agent": name }, "GET", "/stats");
  expect([answer.status, codeOf(answer)]).toEqual([400, "INVALID_ARGUMENT"]);
});

test("a control interface that knows nothing of agents lets none in [AGENT-1]", async () => {
  await using bare = await startControlServer(desk.peer, { listen, name: "desk", isToken, log: silentLog });
  const headers = { authorization: "Bearer t", "x-hikyaku-agent": "a" };
  const answer = await fetch(`http://127.0.0.1:${bare.port}/health`, { headers });
  expect(await answer.json()).toMatchObject({ error: { code: "UNAUTHORIZED" } });
});

test("the first message to a peer waits for the owner, and goes once it is approved [AGENT-4]", async () => {
  const first = await send(agent, "lap", "canary");
  expect([first.status, codeOf(first)]).toEqual([409, "APPROVAL_REQUIRED"]);
  const id = approvalIn(first);
  expect(id).toMatch(/^[0-9a-f]{8}$/);
  expect(messageOf(first)).toBe(
    `Agent ${agent} wants to send messages to lap, or to say why it cancels a task, which nobody has approved yet: \`hikyaku approve ${id}\` allows it.`,
  );
  expect(approvalIn(await send(agent, lap.did))).toBe(id);
  expect(approvalIn(await as(agent, "POST", "/reports", { to: "lap", body: { state: "busy" } }))).toBe(id);
  expect(approvalIn(await send(agent, "pad"))).not.toBe(id);
  const { body } = await owner("GET", `/approvals?agent=${agent}`);
  expect(body["approvals"]).toMatchObject([{ id, agent, kind: "send", peer: { did: lap.did, name: "lap" }, state: "waiting" }, {}]);
  const page = await owner("GET", `/approvals?agent=${agent}&limit=1`);
  expect(page.body).toMatchObject({ approvals: [{ id }], more: true });
  expect((await decide(id.slice(0, 6), "approve")).body).toMatchObject({ id, state: "approved", by: "owner" });
  const sent = await send(agent, "lap", "canary");
  expect(sent).toMatchObject({ status: 200, body: { stage: "stored" } });
  expect(await auditOf(agent)).toMatchObject([
    { action: "send", peer: { name: "lap" }, bytes: 17, verdict: "waiting", ref: id },
    { verdict: "waiting", ref: id },
    { verdict: "waiting", ref: id },
    { verdict: "waiting", peer: { name: "pad" } },
    { action: "send", verdict: "approved", by: "owner", ref: id },
    { action: "send", verdict: "allowed", bytes: 17, ref: sent.body["id"] },
  ]);
  expect(JSON.stringify(await auditOf(agent))).not.toContain("canary");
});

test("each capability of each peer, and each waking, is a first use of its own [AGENT-4]", async () => {
  const ids = [
    approvalIn(await delegate(agent)),
    approvalIn(await delegate(agent, { capability: "other" })),
    approvalIn(await delegate(agent, { to: "pad" })),
    approvalIn(await as(agent, "POST", "/peers/lap/wake", {})),
    approvalIn(await send(agent, "lap")),
  ];
  expect(new Set(ids).size).toBe(5);
  await decide(ids[0] ?? "", "approve");
  const task = await delegate(agent, { input: { a: 1 } });
  expect(task).toMatchObject({ status: 200, body: { capability: "sum" } });
  expect(await lastOf(agent)).toMatchObject({ action: "delegate", capability: "sum", bytes: 7, verdict: "allowed", ref: task.body["id"] });
  expect(codeOf(await delegate(agent, { capability: "other" }))).toBe("APPROVAL_REQUIRED");
  expect(codeOf(await delegate("another-agent"))).toBe("APPROVAL_REQUIRED");
  await decide(ids[3] ?? "", "approve");
  expect(await as(agent, "POST", "/peers/lap/wake", { reason: "up" })).toMatchObject({ status: 200 });
});

test("what was denied stays denied, whatever the policy says, until the owner takes it back [AGENT-4]", async () => {
  const id = approvalIn(await send(agent, "lap"));
  await decide(id, "deny");
  const refused = await send(agent, "lap");
  expect(codeOf(refused)).toBe("UNAUTHORIZED");
  expect(messageOf(refused)).toContain(`hikyaku approve ${id}`);
  expect(codeOf(await as(agent, "POST", `/approvals/${id}/confirmed`, {}))).toBe("UNAUTHORIZED");
  await setPolicy(agent, { confirm: "never" });
  expect(codeOf(await send(agent, "lap"))).toBe("UNAUTHORIZED");
  expect((await send(agent, "pad")).status).toBe(200);
  await setPolicy(agent, { confirm: "first-use" });
  expect((await owner("DELETE", `/approvals/${id}`)).status).toBe(200);
  expect(approvalIn(await send(agent, "lap"))).not.toBe(id);
});

test("an agent's own client may confirm what its agent waits for, and nothing else [AGENT-4]", async () => {
  const id = approvalIn(await send(agent, "lap"));
  expect(codeOf(await as("thief", "POST", `/approvals/${id}/confirmed`, {}))).toBe("INVALID_ARGUMENT");
  expect(codeOf(await owner("POST", `/approvals/${id}/confirmed`, {}))).toBe("INVALID_ARGUMENT");
  expect(codeOf(await as(agent, "POST", `/approvals/${id}`, { decision: "approve" }))).toBe("UNAUTHORIZED");
  expect((await as(agent, "POST", `/approvals/${id.slice(0, 7)}/confirmed`, {})).status).toBe(400);
  expect((await as(agent, "POST", "/approvals/00000000/confirmed", {})).status).toBe(400);
  expect(codeOf(await send(agent, "lap"))).toBe("APPROVAL_REQUIRED");
  expect((await as(agent, "POST", `/approvals/${id}/confirmed`, {})).body).toMatchObject({ id, state: "approved", by: "client" });
  expect((await as(agent, "POST", `/approvals/${id}/confirmed`, {})).status).toBe(200);
  expect((await send(agent, "lap")).status).toBe(200);
  expect((await auditOf(agent)).filter(({ verdict }) => verdict === "approved")).toMatchObject([{ by: "client", ref: id }]);
});

test("where only the owner may approve, a client's word counts for nothing, not even an earlier one [AGENT-4]", async () => {
  const id = approvalIn(await send(agent, "lap"));
  await as(agent, "POST", `/approvals/${id}/confirmed`, {});
  await setPolicy(agent, { confirm: "owner" });
  const waiting = await send(agent, "lap");
  expect([codeOf(waiting), messageOf(waiting)]).toEqual(["APPROVAL_REQUIRED", expect.stringContaining(`hikyaku approve ${id}`)]);
  expect(errorIn(waiting)).not.toHaveProperty("approval");
  const refused = await as(agent, "POST", `/approvals/${id}/confirmed`, {});
  expect([codeOf(refused), messageOf(refused)]).toEqual(["UNAUTHORIZED", expect.stringContaining(`hikyaku approve ${id}`)]);
  await decide(id, "approve");
  expect((await send(agent, "lap")).status).toBe(200);
});

test("what nobody approved within a day is over [AGENT-4]", async () => {
  const id = approvalIn(await send(agent, "lap"));
  hands.now += limits.waitingApprovalMsMax + 1;
  expect((await owner("GET", `/approvals?agent=${agent}`)).body).toEqual({ approvals: [], more: false });
  expect(codeOf(await decide(id, "approve"))).toBe("INVALID_ARGUMENT");
  expect(approvalIn(await send(agent, "lap"))).not.toBe(id);
});

test("an agent that may reach one peer is told of no other, and whoever is absent is refused alike [AGENT-2]", async () => {
  await pad.send("desk", "message", { text: "hidden" });
  await lap.send("desk", "message", { text: "shown" });
  const hiddenTask = await desk.peer.delegate("pad", "sum", 1);
  await desk.peer.delegate("lap", "sum", 1);
  const sent = await desk.peer.send("pad", "message", { text: "out" });
  await setPolicy(agent, { peers: ["lap"], confirm: "never" });
  const get = (path: string): Promise<Answer> => as(agent, "GET", path);
  const { body: peers } = await get("/peers");
  expect(peers["peers"]).toMatchObject([{ name: "lap" }]);
  expect((await get("/health")).body).toMatchObject({ peers: 1 });
  const { body: inbox } = await get("/inbox?limit=1");
  expect(inbox["messages"]).toMatchObject([{ sender: { name: "lap" } }]);
  const { body: tasks } = await get("/tasks?limit=1");
  expect(tasks["tasks"]).toMatchObject([{ peer: { name: "lap" } }]);
  const { body: all } = await get("/tasks");
  expect((all["tasks"] as readonly { readonly peer: Json }[]).every(({ peer }) => peer["name"] === "lap")).toBe(true);
  const alike = async (path: (name: string) => string, hidden: string, absent: string, ...rest: [method?: string, body?: object]) => {
    const [method = "GET", body] = rest;
    const [one, other] = [await as(agent, method, path(hidden), body), await as(agent, method, path(absent), body)];
    expect(JSON.stringify(one).replaceAll(hidden, "X")).toBe(JSON.stringify(other).replaceAll(absent, "X"));
    return codeOf(one);
  };
  for (const [hidden, nobody] of [
    ["pad", "pod"],
    [pad.did, absentDid],
  ] as const) {
    expect(await alike((name) => `/peers/${name}`, hidden, nobody)).toBe("UNKNOWN_PEER");
    expect(await alike((name) => `/peers/${name}/status`, hidden, nobody)).toBe("UNKNOWN_PEER");
    expect(await alike((name) => `/inbox?from=${name}`, hidden, nobody)).toBe("UNKNOWN_PEER");
    expect(await alike((name) => `/tasks?peer=${name}`, hidden, nobody)).toBe("UNKNOWN_PEER");
    expect(await alike((name) => `/peers/${name}/ping`, hidden, nobody, "POST", {})).toBe("UNAUTHORIZED");
    expect(await alike((name) => `/peers/${name}/wake`, hidden, nobody, "POST", {})).toBe("UNAUTHORIZED");
    const answers = await Promise.all([send(agent, hidden), send(agent, nobody)]);
    expect(answers.map(codeOf)).toEqual(["UNAUTHORIZED", "UNAUTHORIZED"]);
  }
  const other = "01996f44-5a0e-7c11-8f20-2b9d4c6e8a01";
  for (const [hidden, nobody] of [
    [hiddenTask.id, other],
    [hiddenTask.id.slice(0, 35), other.slice(0, 35)],
  ] as const) {
    expect(await alike((id) => `/tasks/${id}`, hidden, nobody)).toBe("UNKNOWN_TASK");
    expect(await alike((id) => `/tasks/${id}/events`, hidden, nobody)).toBe("UNKNOWN_TASK");
    expect(await alike((id) => `/tasks/${id}/cancel`, hidden, nobody, "POST", {})).toBe("UNKNOWN_TASK");
    expect(await alike((id) => `/tasks/${id}/answer`, hidden, nobody, "POST", { input: 1 })).toBe("UNKNOWN_TASK");
  }
  expect(codeOf(await delegate(agent, { within: hiddenTask.id }))).toBe("UNKNOWN_TASK");
  expect(await alike((id) => `/messages/${id}`, sent.id, other)).toBe("INVALID_ARGUMENT");
  expect(await alike((id) => `/messages/${id}`, sent.id.slice(0, 35), other.slice(0, 35))).toBe("INVALID_ARGUMENT");
});

/** Two tasks whose ids begin alike, as those of one millisecond do. */
async function twins(): Promise<readonly [shown: string, beginning: string]> {
  for (let tries = 0; tries < 100; tries += 1) {
    const [shown, hidden] = await Promise.all([desk.peer.delegate("lap", "sum", 1), desk.peer.delegate("pad", "sum", 1)]);
    const beginning = shown.id.slice(0, 13);
    if (hidden.id.startsWith(beginning)) return [shown.id, beginning];
  }
  throw new Error("no two tasks were of one millisecond");
}

test("a hidden task neither makes the beginning of an id doubtful nor answers to it [AGENT-2]", async () => {
  const [shown, beginning] = await twins();
  await setPolicy(agent, { peers: ["lap"] });
  expect(codeOf(await owner("GET", `/tasks/${beginning}`))).toBe("INVALID_ARGUMENT");
  expect((await as(agent, "GET", `/tasks/${beginning}`)).body).toMatchObject({ id: shown });
});

const letterOf = async (from: Peer): Promise<{ readonly from: string; readonly id: string }> => {
  const { id } = await from.send("desk", "message", { text: "unread" });
  return { from: from.did, id };
};
const mark = (what: "read" | "handled", messages: readonly object[]): Promise<Answer> => as(agent, "POST", `/inbox/${what}`, { messages });
const unreadOf = async (from: Peer): Promise<readonly string[]> =>
  (await desk.peer.inbox({ unread: true, from: from.did, limit: 1000 })).map(({ id }) => id);

test("messages of a hidden peer are not marked by an agent, nor those that it names beside them, and it learns nothing by trying [AGENT-2]", async () => {
  const [shown, hidden] = [await letterOf(lap), await letterOf(pad)];
  await setPolicy(agent, { peers: ["lap"] });
  for (const what of ["read", "handled"] as const) {
    const answers = [await mark(what, [shown, hidden]), await mark(what, [shown, { ...hidden, from: absentDid }])];
    expect(answers.map(codeOf)).toEqual(["UNAUTHORIZED", "UNAUTHORIZED"]);
    expect(messageOf(answers[0] as Answer).replace(pad.did, "X")).toBe(messageOf(answers[1] as Answer).replace(absentDid, "X"));
    const named = [await mark(what, [{ ...hidden, from: "pad" }]), await mark(what, [{ ...hidden, from: "pod" }])];
    expect(named.map(codeOf)).toEqual(["UNAUTHORIZED", "UNAUTHORIZED"]);
    expect(messageOf(named[0] as Answer).replace("pad", "X")).toBe(messageOf(named[1] as Answer).replace("pod", "X"));
  }
  expect(await unreadOf(lap)).toContain(shown.id);
  expect(await unreadOf(pad)).toContain(hidden.id);
});

test("marking is written down with how far, how many and which of whom, and needs no approval [AGENT-6]", async () => {
  const letters = [await letterOf(lap), await letterOf(lap), await letterOf(pad)];
  const [one, two, three] = letters.map(({ id }) => id);
  expect(await mark("read", letters)).toEqual({ status: 200, body: { unknown: [] } });
  expect(await lastOf(agent)).toMatchObject({
    action: "mark",
    verdict: "allowed",
    marked: `read 2 of ${lap.did}: ${one}, ${two}; 1 of ${pad.did}: ${three}`,
  });
  expect(await unreadOf(lap)).not.toContain(one);
  expect((await mark("handled", letters.slice(2))).status).toBe(200);
  expect(await lastOf(agent)).toMatchObject({ peer: { name: "pad" }, marked: `handled 1 of ${pad.did}: ${three}` });
  const many = Array.from({ length: 6 }, () => letters[0] ?? {});
  await mark("read", many);
  expect(await lastOf(agent)).toMatchObject({ marked: `read 6 of ${lap.did}: ${one}, ${one}, ${one}, ${one}, …` });
  expect(codeOf(await mark("read", [{ from: "canary", id: one }]))).toBe("UNKNOWN_PEER");
  expect(await lastOf(agent)).toMatchObject({ verdict: "refused", marked: `read 1 of nobody: ${one}` });
});

test("messages are marked by the name of their sender as by its did, each of whom the gate judged [AGENT-5]", async () => {
  const [one, two] = [await letterOf(lap), await letterOf(lap)];
  expect((await mark("read", [{ ...one, from: "lap" }])).status).toBe(200);
  expect(await lastOf(agent)).toMatchObject({ peer: { name: "lap" }, marked: `read 1 of ${lap.did}: ${one.id}` });
  expect(await unreadOf(lap)).not.toContain(one.id);
  const { record } = desk.agents;
  const swapping = {
    conclude: record.conclude.bind(record),
    list: record.list.bind(record),
    spent: record.spent.bind(record),
    add: async (...parts: Parameters<typeof record.add>) => {
      await desk.peer.trust({ peer: lap.did, name: "old" });
      await desk.peer.trust({ peer: pad.did, name: "lap" });
      return await record.add(...parts);
    },
  };
  const agents = { ...desk.agents, record: swapping, clock };
  await using server = await startControlServer(desk.peer, { listen, name: "desk", isToken, agents, log: silentLog });
  await fetch(`http://127.0.0.1:${server.port}/inbox/read`, {
    method: "POST",
    headers: { authorization: "Bearer t", "x-hikyaku-agent": agent, "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ ...two, from: "lap" }] }),
  });
  expect(await unreadOf(lap)).not.toContain(two.id);
  await desk.peer.trust({ peer: pad.did, name: "pad" });
  await desk.peer.trust({ peer: lap.did, name: "lap" });
});

test("marking is counted like any other deed [AGENT-3]", async () => {
  const letter = await letterOf(lap);
  await setPolicy(agent, { callsPerMinute: 1 });
  expect((await mark("read", [letter])).status).toBe(200);
  expect(codeOf(await mark("handled", [letter]))).toBe("RATE_LIMITED");
});

test("whoever is nobody counts as a call and is written down, also where every peer may be reached [AGENT-3]", async () => {
  await setPolicy(agent, { callsPerMinute: 1 });
  const refused = await send(agent, "nobody");
  expect([refused.status, codeOf(refused)]).toEqual([404, "UNKNOWN_PEER"]);
  expect(await lastOf(agent)).toMatchObject({ action: "send", verdict: "refused", code: "UNKNOWN_PEER" });
  expect(codeOf(await send(agent, "lap"))).toBe("RATE_LIMITED");
});

/** A task of desk's for lap that waits for an answer. */
async function questioned(): Promise<Task> {
  const task = await desk.peer.delegate("lap", "quiz", null);
  await vi.waitUntil(async () => (await task.status()).state === "input_required");
  return task;
}

test("an answer needs the approval of a delegation like the one it is for, whoever delegated that [AGENT-4]", async () => {
  const task = await questioned();
  const answer = (): Promise<Answer> => as(agent, "POST", `/tasks/${task.id}/answer`, { input: "this" });
  const first = await answer();
  expect([codeOf(first), messageOf(first)]).toEqual(["APPROVAL_REQUIRED", expect.stringContaining('"quiz" to lap')]);
  expect(approvalIn(await delegate(agent, { capability: "quiz" }))).toBe(approvalIn(first));
  await decide(approvalIn(first), "deny");
  expect(codeOf(await answer())).toBe("UNAUTHORIZED");
  await decide(approvalIn(first), "approve");
  expect((await answer()).status).toBe(200);
  expect(await lastOf(agent)).toMatchObject({
    action: "steer",
    capability: "quiz",
    peer: { name: "lap" },
    verdict: "allowed",
    ref: task.id,
  });
  expect(await task.result()).toBe("this");
});

test("a task of a capability that is not listed is neither answered nor canceled [AGENT-2]", async () => {
  const task = await questioned();
  await setPolicy(agent, { capabilities: ["sum"], confirm: "never" });
  for (const [what, body] of [
    ["answer", { input: 1 }],
    ["cancel", {}],
  ] as const)
    expect(codeOf(await as(agent, "POST", `/tasks/${task.id}/${what}`, body))).toBe("UNAUTHORIZED");
  await setPolicy(agent, { capabilities: ["quiz"], confirm: "owner" });
  expect((await as(agent, "POST", `/tasks/${task.id}/cancel`, {})).status).toBe(200);
  expect(await lastOf(agent)).toMatchObject({ action: "steer", capability: "quiz", bytes: 0, verdict: "allowed" });
});

test("who says why it cancels needs the approval of a message to that peer, on either side of the task; who says nothing needs none [AGENT-4]", async () => {
  await desk.peer.capability(
    "chore",
    {},
    async (_input, { signal }) => await new Promise((resolve) => signal.addEventListener("abort", resolve)),
  );
  const { id: given } = await lap.delegate("desk", "chore", null);
  await vi.waitUntil(async () => (await desk.peer.tasks({ role: "worker", limit: 9 })).some((task) => task.id === given));
  await setPolicy(agent, { confirm: "owner" });
  const asked = await questioned();
  const cancel = (id: string, body: object): Promise<Answer> => as(agent, "POST", `/tasks/${id}/cancel`, body);
  for (const id of [given, asked.id]) {
    const refused = await cancel(id, { reason: "a secret" });
    expect([codeOf(refused), messageOf(refused)]).toEqual(["APPROVAL_REQUIRED", expect.stringContaining("say why it cancels")]);
  }
  const [waiting, another] = (await owner("GET", `/approvals?agent=${agent}`)).body["approvals"] as readonly Json[];
  expect([waiting, another]).toEqual([expect.objectContaining({ kind: "send", peer: { did: lap.did, name: "lap" } }), undefined]);
  expect((await cancel(given, { reason: "" })).body).toMatchObject({ state: "canceled" });
  await decide(String(waiting?.["id"]), "approve");
  expect((await cancel(asked.id, { reason: "late" })).status).toBe(200);
  expect(await lastOf(agent)).toMatchObject({ action: "steer", capability: "quiz", bytes: 6, verdict: "allowed" });
  await desk.peer.withdraw("chore");
});

test("what others gave this peer to do may be canceled by who may reach them, whatever it may delegate [AGENT-2]", async () => {
  await desk.peer.capability(
    "chore",
    {},
    async (_input, { signal }) => await new Promise((resolve) => signal.addEventListener("abort", resolve)),
  );
  const { id } = await lap.delegate("desk", "chore", null);
  await vi.waitUntil(async () => (await desk.peer.tasks({ role: "worker", limit: 9 })).some((task) => task.id === id));
  await setPolicy(agent, { capabilities: [], confirm: "owner" });
  expect((await as(agent, "POST", `/tasks/${id}/cancel`, {})).body).toMatchObject({ role: "worker", state: "canceled" });
  expect(await lastOf(agent)).toMatchObject({ action: "steer", capability: "chore", peer: { name: "lap" } });
  await desk.peer.withdraw("chore");
});

test("what is steered is the task that was judged, though what was said means another by then [AGENT-5]", async () => {
  await setPolicy(agent, { confirm: "never" });
  const [judged, another] = [await questioned(), await questioned()];
  let looks = 0;
  const shifty = proxied("task", async () => {
    looks += 1;
    return looks === 1 ? judged : another;
  });
  await using server = await startControlServer(shifty, {
    listen,
    name: "desk",
    isToken,
    agents: { ...desk.agents, clock },
    log: silentLog,
  });
  await fetch(`http://127.0.0.1:${server.port}/tasks/01/answer`, {
    method: "POST",
    headers: { authorization: "Bearer t", "x-hikyaku-agent": agent, "content-type": "application/json" },
    body: JSON.stringify({ input: "this" }),
  });
  const answered = [judged, another].map(async (task) => {
    await task.result();
    return task.id;
  });
  expect(await Promise.race(answered)).toBe(judged.id);
  await another.cancel();
});

test("a task is given away for the sake of the one that was judged, though what was said means another by then [AGENT-5]", async () => {
  await setPolicy(agent, { confirm: "never" });
  const [judged, another] = [
    await desk.peer.delegate("lap", "sum", 1, { budget: 3 }),
    await desk.peer.delegate("lap", "sum", 1, { budget: 60 }),
  ];
  const shifty = proxied(
    "task",
    vi.fn(async () => another).mockImplementationOnce(async () => judged),
  );
  const agents = { ...desk.agents, clock };
  await using server = await startControlServer(shifty, { listen, name: "desk", isToken, agents, log: silentLog });
  const given = await fetch(`http://127.0.0.1:${server.port}/tasks`, {
    method: "POST",
    headers: { authorization: "Bearer t", "x-hikyaku-agent": agent, "content-type": "application/json" },
    body: JSON.stringify({ to: "lap", capability: "sum", within: "01" }),
  });
  expect(await given.json()).toMatchObject({ chain: { budget: 1 } });
  expect((await owner("GET", `/agents/${agent}`)).body).toMatchObject({ tasksToday: 2 });
});

test("what one's own programs offer is shown without the names of hidden peers, and not at all where it is for those alone [AGENT-2]", async () => {
  await desk.peer.capability("own", { for: ["lap", "pad"] }, () => 0);
  await desk.peer.capability("hidden", { for: ["pad"] }, () => 0);
  await desk.peer.capability("for-all", {}, () => 0);
  await setPolicy(agent, { peers: ["lap"] });
  const shown = (await as(agent, "GET", "/capabilities")).body["capabilities"];
  expect(shown).toMatchObject([{ name: "own", for: ["lap"] }, { name: "for-all" }]);
  expect((await owner("GET", "/capabilities")).body["capabilities"]).toHaveLength(3);
  for (const name of ["own", "hidden", "for-all"]) await desk.peer.withdraw(name);
});

test("a capability that is not listed is refused with the way out, before anybody is asked [AGENT-2]", async () => {
  await setPolicy(agent, { capabilities: ["sum"], confirm: "never" });
  expect((await delegate(agent)).status).toBe(200);
  const refused = await delegate(agent, { capability: "shell" });
  expect([codeOf(refused), messageOf(refused)]).toEqual([
    "UNAUTHORIZED",
    `Agent ${agent} may not delegate "shell": the owner allows capabilities with \`hikyaku policy ${agent} --capabilities NAMES\`.`,
  ]);
  expect(await lastOf(agent)).toMatchObject({ action: "delegate", capability: "shell", verdict: "refused", code: "UNAUTHORIZED" });
  expect((await delegate(agent, { capability: "sum\ud800" })).status).toBe(400);
});

test("what an agent says is bounded to the byte, in messages, inputs, answers and reasons [AGENT-3]", async () => {
  await setPolicy(agent, { messageBytesMax: 100, confirm: "never" });
  const text = "x".repeat(100 - '{"text":""}'.length);
  expect((await send(agent, "lap", text)).status).toBe(200);
  const refused = await send(agent, "lap", `${text}x`);
  expect([refused.status, codeOf(refused)]).toEqual([413, "MESSAGE_TOO_LARGE"]);
  expect(codeOf(await send(agent, "lap", `${text.slice(1)}é`))).toBe("MESSAGE_TOO_LARGE");
  const input = "x".repeat(98);
  const task = await delegate(agent, { input });
  expect(task.status).toBe(200);
  expect(codeOf(await delegate(agent, { input: `${input}x` }))).toBe("MESSAGE_TOO_LARGE");
  expect(codeOf(await as(agent, "POST", `/tasks/${idIn(task)}/answer`, { input: `${input}x` }))).toBe("MESSAGE_TOO_LARGE");
  expect(codeOf(await as(agent, "POST", `/tasks/${idIn(task)}/cancel`, { reason: `${input}x` }))).toBe("MESSAGE_TOO_LARGE");
  expect(codeOf(await as(agent, "POST", "/peers/lap/wake", { reason: `${input}x` }))).toBe("MESSAGE_TOO_LARGE");
  expect(codeOf(await as(agent, "POST", `/tasks/${idIn(task)}/answer`, { input }))).toBe("INVALID_ARGUMENT");
  expect(await lastOf(agent)).toMatchObject({ action: "steer", verdict: "allowed", code: "INVALID_ARGUMENT", ref: task.body["id"] });
});

test("what is nested too deeply to be measured is refused [AGENT-3]", async () => {
  const depth = 60_000;
  const answer = await fetch(`http://127.0.0.1:${control.port}/tasks`, {
    method: "POST",
    headers: { authorization: "Bearer t", "x-hikyaku-agent": agent, "content-type": "application/json" },
    body: `{"to":"lap","capability":"sum","input":${"[".repeat(depth)}${"]".repeat(depth)}}`,
  });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
});

test("calls are counted by the minute, refused ones too, and reading is free; a flood is written down once [AGENT-3]", async () => {
  await setPolicy(agent, { callsPerMinute: 2, confirm: "never" });
  const ping = (): Promise<Answer> => as(agent, "POST", "/peers/lap/ping", {});
  expect((await ping()).status).toBe(200);
  expect(codeOf(await as(agent, "GET", "/stats"))).toBe("UNAUTHORIZED");
  const refused = await ping();
  expect([codeOf(refused), messageOf(refused)]).toEqual(["RATE_LIMITED", expect.stringContaining("come again in 30 s")]);
  const rows = (await auditOf(agent)).length;
  for (let turn = 0; turn < 5; turn += 1) expect(codeOf(await (turn % 2 === 0 ? ping() : as(agent, "GET", "/stats")))).toBe("RATE_LIMITED");
  expect(codeOf(await as(agent, "POST", "/approvals/00000000/confirmed", {}))).toBe("RATE_LIMITED");
  expect((await auditOf(agent)).length).toBe(rows);
  expect((await as(agent, "GET", "/peers")).status).toBe(200);
  hands.elapsed += 30_000;
  expect((await ping()).status).toBe(200);
  expect(codeOf(await ping())).toBe("RATE_LIMITED");
  expect((await auditOf(agent)).length).toBe(rows + 2);
});

test("tasks of a day are counted with what workers may hand on, over a restart, until midnight UTC [AGENT-3]", async () => {
  await setPolicy(agent, { tasksPerDay: 70, confirm: "never" });
  expect((await delegate(agent, { budget: undefined })).status).toBe(200);
  expect((await owner("GET", `/agents/${agent}`)).body).toMatchObject({ tasksToday: 1 + limits.taskBudgetDefault });
  expect(codeOf(await delegate(agent, { budget: 5 }))).toBe("QUOTA_EXCEEDED");
  expect((await delegate(agent, { budget: 3 })).status).toBe(200);
  await closeDesk();
  await openDesk();
  expect((await delegate(agent)).status).toBe(200);
  const refused = await delegate(agent);
  expect([codeOf(refused), messageOf(refused)]).toEqual(["QUOTA_EXCEEDED", expect.stringContaining("until midnight UTC")]);
  hands.now = Math.ceil(hands.now / 86_400_000) * 86_400_000 - 1;
  expect(codeOf(await delegate(agent))).toBe("QUOTA_EXCEEDED");
  hands.now += 1;
  expect((await delegate(agent)).status).toBe(200);
  hands.now -= 1;
  expect(codeOf(await delegate(agent))).toBe("QUOTA_EXCEEDED");
  hands.now += 1;
});

test("an approval is the peer's, whatever it is called, and goes when it is forgotten [AGENT-5]", async () => {
  const id = approvalIn(await send(agent, "lap"));
  await decide(id, "approve");
  await setPolicy(agent, { peers: ["lap", "pad"] });
  await owner("POST", "/peers", { peer: "lap", name: "old" });
  await owner("POST", "/peers", { peer: "pad", name: "lap" });
  expect((await send(agent, "old")).status).toBe(200);
  expect(codeOf(await send(agent, "lap"))).toBe("APPROVAL_REQUIRED");
  await owner("POST", "/peers", { peer: "lap", name: "pad" });
  await owner("DELETE", "/peers/old");
  expect((await owner("GET", `/agents/${agent}`)).body).toMatchObject({ policy: { peers: ["pad"] } });
  await befriend(lap, "lap");
  expect(codeOf(await send(agent, "lap"))).toBe("UNAUTHORIZED");
  await setPolicy(agent, { peers: "all" });
  expect(approvalIn(await send(agent, "lap"))).not.toBe(id);
});

test("nothing is approved of a peer that is forgotten, not by way of a task that it still has [AGENT-5]", async () => {
  const task = await questioned();
  await owner("DELETE", "/peers/lap");
  expect(codeOf(await as(agent, "POST", `/tasks/${task.id}/answer`, { input: 1 }))).toBe("UNKNOWN_PEER");
  expect((await owner("GET", `/approvals?agent=${agent}`)).body["approvals"]).toEqual([]);
  expect(codeOf(await as(agent, "POST", `/tasks/${task.id}/cancel`, { reason: "gone" }))).toBe("UNKNOWN_PEER");
  await befriend(lap, "lap");
  expect((await as(agent, "POST", `/tasks/${task.id}/cancel`, {})).status).toBe(200);
});

test("the owner sets parts of a policy, sees it with names, and forgets it with what was approved", async () => {
  const unset = await owner("GET", `/agents/${agent}`);
  expect(unset.body).toEqual({
    agent,
    isOwn: false,
    tasksToday: 0,
    policy: {
      peers: "all",
      capabilities: "all",
      messageBytesMax: 65_536,
      callsPerMinute: 60,
      tasksPerDay: limits.agentTasksPerDayDefault,
      confirm: "first-use",
    },
  });
  await setPolicy(agent, { peers: ["lap", lap.did], tasksPerDay: 0 });
  const { body } = await setPolicy(agent, { capabilities: [] });
  expect(body).toMatchObject({ isOwn: true, policy: { peers: ["lap"], capabilities: [], tasksPerDay: 0, callsPerMinute: 60 } });
  expect((await owner("GET", "/agents")).body["agents"]).toContainEqual(body);
  const id = approvalIn(await send(agent, "lap"));
  await decide(id, "approve");
  await owner("DELETE", `/agents/${agent}`);
  expect((await owner("GET", `/agents/${agent}`)).body).toMatchObject({ isOwn: false, policy: { peers: "all" } });
  expect(codeOf(await send(agent, "lap"))).toBe("APPROVAL_REQUIRED");
  const changes = (await auditOf(agent)).filter(({ verdict }) => verdict === "changed");
  expect(changes).toMatchObject([{ action: "policy", by: "owner" }, {}, {}]);
});

test("the policy of the name default holds for every agent without one of its own [AGENT-2]", async () => {
  await setPolicy("default", { peers: [] });
  expect(codeOf(await send(agent, "lap"))).toBe("UNAUTHORIZED");
  await setPolicy(agent, { peers: "all" });
  expect(codeOf(await send(agent, "lap"))).toBe("APPROVAL_REQUIRED");
  await owner("DELETE", "/agents/default");
});

test.each([
  ["GET", "/agents/a%20b", undefined, 400],
  ["POST", "/agents/a", { peers: ["nobody"] }, 404],
  ["POST", "/agents/a", { peers: "some" }, 400],
  ["POST", "/agents/a", { messageBytesMax: 0 }, 400],
  ["POST", "/agents/a", { messageBytesMax: limits.bodyBytesMax + 1 }, 400],
  ["POST", "/agents/a", { callsPerMinute: 0 }, 400],
  ["POST", "/agents/a", { tasksPerDay: -1 }, 400],
  ["POST", "/agents/a", { confirm: "sometimes" }, 400],
  ["POST", "/agents/a", { capabilities: Array.from({ length: 257 }, String) }, 400],
  ["POST", "/approvals/zz", { decision: "approve" }, 400],
  ["POST", "/approvals/00", { decision: "perhaps" }, 400],
  ["POST", "/approvals/00000000", { decision: "approve" }, 400],
  ["DELETE", "/approvals/00000000", undefined, 400],
  ["GET", "/approvals?state=open", undefined, 400],
  ["GET", "/audit?limit=0", undefined, 400],
] as const)("%s %s with %j has status %i", async (method, path, body, status) => {
  expect((await owner(method, path, body)).status).toBe(status);
});

test("what cannot be written down is not done, and what was done stays done where its end cannot be written down [AGENT-6]", async () => {
  await setPolicy(agent, { confirm: "never" });
  const full = (): Promise<never> => Promise.reject(new HikyakuError("STORAGE_FAILED", "The disk is full."));
  const { record } = desk.agents;
  const served = async (parts: Partial<AgentStores["record"]>): Promise<Json> => {
    const kept = {
      add: record.add.bind(record),
      conclude: record.conclude.bind(record),
      list: record.list.bind(record),
      spent: record.spent.bind(record),
    };
    const agents = { ...desk.agents, record: { ...kept, ...parts }, clock };
    await using server = await startControlServer(desk.peer, { listen, name: "desk", isToken, agents, log: silentLog });
    const answer = await fetch(`http://127.0.0.1:${server.port}/messages`, {
      method: "POST",
      headers: { authorization: "Bearer t", "x-hikyaku-agent": agent, "content-type": "application/json" },
      body: JSON.stringify({ to: "lap", body: { text: agent } }),
    });
    return (await answer.json()) as Json;
  };
  const arrived = async (): Promise<number> =>
    (await lap.inbox({ limit: 1000 })).filter(({ body }) => body === JSON.stringify({ text: agent })).length;
  expect(await served({ add: full })).toMatchObject({ error: { code: "STORAGE_FAILED" } });
  expect(await arrived()).toBe(0);
  expect(await served({ conclude: full })).toMatchObject({ stage: "stored" });
  expect(await arrived()).toBe(1);
});

test("what another peer answers is not written down as the end of a deed, whatever its fields are called [AGENT-6]", async () => {
  const asked = async (statement: object): Promise<unknown> => {
    const speaking = proxied("capabilities", async () => ({ capabilities: [], accepts: [], ...statement }));
    const agents = { ...desk.agents, clock };
    await using server = await startControlServer(speaking, { listen, name: "desk", isToken, agents, log: silentLog });
    const answer = await fetch(`http://127.0.0.1:${server.port}/peers/lap/capabilities`, {
      method: "POST",
      headers: { authorization: "Bearer t", "x-hikyaku-agent": agent, "content-type": "application/json" },
      body: "{}",
    });
    return [answer.status, await answer.json()];
  };
  for (const statement of [{ id: "canary", error: { code: "canary" } }, { id: "canary".repeat(10_000) }, { error: null }]) {
    expect(await asked(statement)).toEqual([200, expect.objectContaining(statement)]);
    const entry = await lastOf(agent);
    expect(entry).toMatchObject({ action: "ask", verdict: "allowed" });
    expect(entry).not.toHaveProperty("ref");
    expect(entry).not.toHaveProperty("code");
  }
});

test("a deed goes to the peer that was judged, though its name is another's by then [AGENT-5]", async () => {
  await setPolicy(agent, { confirm: "never" });
  const { approvals } = desk.agents;
  const swapped = {
    ask: approvals.ask.bind(approvals),
    byPrefix: approvals.byPrefix.bind(approvals),
    list: approvals.list.bind(approvals),
    decide: approvals.decide.bind(approvals),
    forget: approvals.forget.bind(approvals),
    find: async (use: Use) => {
      await desk.peer.trust({ peer: lap.did, name: "old" });
      await desk.peer.trust({ peer: pad.did, name: "lap" });
      return await approvals.find(use);
    },
  };
  await using server = await startControlServer(desk.peer, {
    listen,
    name: "desk",
    isToken,
    agents: { ...desk.agents, approvals: swapped, clock },
    log: silentLog,
  });
  const answer = await fetch(`http://127.0.0.1:${server.port}/tasks`, {
    method: "POST",
    headers: { authorization: "Bearer t", "x-hikyaku-agent": agent, "content-type": "application/json" },
    body: JSON.stringify({ to: "lap", capability: "sum" }),
  });
  expect(await answer.json()).toMatchObject({ peer: { did: lap.did, name: "old" } });
  await desk.peer.trust({ peer: pad.did, name: "pad" });
  await desk.peer.trust({ peer: lap.did, name: "lap" });
});

test("work for an agent that went while it was judged ends like any other's", async () => {
  await setPolicy(agent, { confirm: "never" });
  let reason: unknown;
  const watched = proxied("send", async (...parts: Parameters<Peer["send"]>) => {
    reason = parts[3]?.signal?.reason;
    return await desk.peer.send(...parts);
  });
  const { record } = desk.agents;
  const judging = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const slow = {
    conclude: record.conclude.bind(record),
    list: record.list.bind(record),
    spent: record.spent.bind(record),
    add: async (...parts: Parameters<typeof record.add>) => {
      judging.resolve();
      await left.promise;
      return await record.add(...parts);
    },
  };
  const agents = { ...desk.agents, record: slow, clock };
  await using server = await startControlServer(watched, { listen, name: "desk", isToken, agents, log: silentLog });
  const headers = { authorization: "Bearer t", "x-hikyaku-agent": agent, "content-type": "application/json" };
  const asked = request({ host: "127.0.0.1", port: server.port, method: "POST", path: "/messages", headers });
  asked.on("error", () => undefined);
  asked.end(JSON.stringify({ to: "lap", body: { text: "gone" } }));
  await judging.promise;
  asked.destroy();
  await pause(100);
  left.resolve();
  await vi.waitUntil(() => reason !== undefined);
  expect(reason).toMatchObject({ code: "CANCELED" });
});

test("the audit is read on from a position, or from its end [AGENT-6]", async () => {
  for (let turn = 0; turn < 3; turn += 1) await as(agent, "POST", "/peers/lap/ping", {});
  const all = await auditOf(agent);
  expect(all).toHaveLength(3);
  const { body: newest } = await owner("GET", `/audit?agent=${agent}&limit=2`);
  expect(newest["entries"]).toEqual(all.slice(1));
  const { body: next } = await owner("GET", `/audit?agent=${agent}&after=${String(all[0]?.["position"])}&limit=1`);
  expect(next["entries"]).toEqual(all.slice(1, 2));
});
