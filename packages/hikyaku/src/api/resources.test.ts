import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Peer, silentLog } from "@hikyaku/peer";
import { HikyakuError } from "@hikyaku/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPeer } from "../create-peer.ts";
import { type ControlServer, startControlServer } from "./control-server.ts";

let folder: string;
let desk: Peer;
let lap: Peer;
let control: ControlServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-api-"));
  [desk, lap] = (await Promise.all(["desk", "lap"].map((name) => createPeer({ folder: join(folder, name), listen: "127.0.0.1:0" })))) as [
    Peer,
    Peer,
  ];
  control = await startControlServer(desk, {
    listen: { host: "127.0.0.1", port: 0 },
    name: "desk",
    isToken: (offered) => offered === "t",
    log: silentLog,
  });
});
afterAll(async () => {
  await control[Symbol.asyncDispose]();
  await Promise.all([desk.close(), lap.close()]);
  rmSync(folder, { recursive: true });
});

type Json = Readonly<Record<string, unknown>>;

interface Answer {
  readonly status: number;
  readonly body: Json;
}

function ask(
  method: string,
  path: string,
  { body, signal }: { readonly body?: object; readonly signal?: AbortSignal } = {},
): Promise<Answer> {
  const headers = { authorization: "Bearer t", ...(body === undefined ? {} : { "content-type": "application/json" }) };
  const settings = { host: "127.0.0.1", port: control.port, method, path, headers, ...(signal === undefined ? {} : { signal }) };
  return new Promise((resolve, reject) => {
    const asked = request(settings, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as Json }));
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const get = async (path: string): Promise<Json> => (await ask("GET", path)).body;
const post = async (path: string, body: object): Promise<Json> => (await ask("POST", path, { body })).body;

/** Waits until something is so; a second is long for two peers in one process. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("it did not come to be so");
}

const messageId = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

async function pairThem(): Promise<void> {
  const begun = await post("/pairings", { name: "lap", allow: ["message"] });
  const accepted = lap.accept(String(begun["link"]), { name: "desk", allow: ["message"] });
  const asking = await get(`/pairings/${String(begun["id"])}?seen=waiting`);
  expect(asking["state"]).toBe("asking");
  await post(`/pairings/${String(begun["id"])}/verdict`, { agree: true });
  const [{ safetyNumber }, paired] = await Promise.all([accepted, get(`/pairings/${String(begun["id"])}?seen=asking`)]);
  expect(paired).toMatchObject({ state: "paired", candidate: { did: lap.did, name: "lap", safetyNumber } });
}

test("who this peer is", async () => {
  expect(await get("/identity")).toEqual({ name: "desk", did: desk.did, fingerprint: desk.fingerprint, addresses: desk.addresses });
  expect(await get("/health")).toEqual({ status: "ok", did: desk.did, peers: 0 });
});

test("a pairing asks a person here before anybody is trusted [PAIR-4]", async () => {
  const begun = await post("/pairings", { name: "lap", allow: ["message"] });
  expect(begun).toEqual({ id: expect.stringMatching(/^[0-9a-f]{16}$/), state: "waiting", link: expect.stringMatching(/^hikyaku:pair\?/) });
  const path = `/pairings/${String(begun["id"])}`;
  expect(await ask("POST", `${path}/verdict`, { body: { agree: true } })).toMatchObject({
    status: 400,
    body: { error: { message: "This pairing is waiting: there is nothing to decide." } },
  });
  const accepted = lap.accept(String(begun["link"]), { name: "desk", allow: [] });
  const asking = await get(`${path}?seen=waiting`);
  expect(asking).toEqual({
    state: "asking",
    candidate: { did: lap.did, name: "lap", fingerprint: lap.fingerprint, safetyNumber: (await accepted).safetyNumber },
  });
  expect(await get("/peers")).toEqual({ peers: [] });
  await post(`${path}/verdict`, { agree: false });
  expect(await get(`${path}?seen=asking`)).toMatchObject({ state: "failed", error: { code: "CANCELED" } });
  expect(await get("/peers")).toEqual({ peers: [] });
  await lap.forget("desk");
});

test("a pairing that is taken back is over, and its link with it", async () => {
  const { id, link } = await post("/pairings", { name: "lap", allow: [] });
  await ask("DELETE", `/pairings/${String(id)}`);
  expect(await get(`/pairings/${String(id)}?seen=waiting`)).toMatchObject({ state: "failed", error: { code: "CANCELED" } });
  await expect(lap.accept(String(link), { name: "desk", allow: [] })).rejects.toMatchObject({ code: "HANDSHAKE_FAILED" });
});

test("a pairing that is taken back while a person is asked trusts nobody", async () => {
  const { id, link } = await post("/pairings", { name: "lap", allow: [] });
  await lap.accept(String(link), { name: "desk", allow: [] });
  await get(`/pairings/${String(id)}?seen=waiting`);
  await ask("DELETE", `/pairings/${String(id)}`);
  expect(await get(`/pairings/${String(id)}?seen=asking`)).toMatchObject({ state: "failed", error: { code: "CANCELED" } });
  expect(await get("/peers")).toEqual({ peers: [] });
  await lap.forget("desk");
});

test("a link of somebody else is used from here", async () => {
  const invitation = lap.invite({ name: "desk", allow: ["message"] });
  const { id, state } = await post("/pairings", { name: "lap", allow: ["message"], link: invitation.link });
  expect(state).toBe("waiting");
  expect(await get(`/pairings/${String(id)}?seen=waiting`)).toMatchObject({ state: "asking", candidate: { did: lap.did } });
  await post(`/pairings/${String(id)}/verdict`, { agree: true });
  expect(await get(`/pairings/${String(id)}?seen=asking`)).toMatchObject({ state: "paired" });
  await invitation.paired;
  expect(desk.peer("lap").scopes).toEqual(["message"]);
  await Promise.all([desk.forget("lap"), lap.forget("desk")]);
});

test("what is no link fails with the way out", async () => {
  const { id } = await post("/pairings", { name: "lap", allow: [], link: "hikyaku:pair?did=x" });
  expect(await get(`/pairings/${String(id)}?seen=waiting`)).toMatchObject({
    state: "failed",
    error: { code: "INVALID_ARGUMENT", message: expect.stringContaining("hikyaku pair") },
  });
});

test("a pairing that nobody began is not there", async () => {
  for (const id of ["0".repeat(16), "x", "..%2fpeers"]) expect((await ask("GET", `/pairings/${id}`)).status).toBe(400);
});

test("no more pairings run at once than the limit, and finished ones make room", async () => {
  const begun: Json[] = [];
  let answer = await ask("POST", "/pairings", { body: { name: "other", allow: [] } });
  for (; answer.status === 200; answer = await ask("POST", "/pairings", { body: { name: "other", allow: [] } })) begun.push(answer.body);
  expect(answer).toMatchObject({ status: 409, body: { error: { code: "QUOTA_EXCEEDED" } } });
  expect(begun.length).toBeGreaterThan(50);
  for (const { id } of begun) await ask("DELETE", `/pairings/${String(id)}`);
  const again = await post("/pairings", { name: "other", allow: [] });
  expect(again["state"]).toBe("waiting");
  await ask("DELETE", `/pairings/${String(again["id"])}`);
});

test("peers: list, one with its safety number, change, forget", async () => {
  await pairThem();
  expect(await get("/peers")).toMatchObject({
    peers: [{ did: lap.did, name: "lap", level: "trusted", scopes: ["message"], fingerprint: lap.fingerprint }],
  });
  expect(await get("/peers/lap")).toMatchObject({ did: lap.did, safetyNumber: lap.safetyNumber("desk") });
  expect(await get(`/peers/${encodeURIComponent(lap.did)}`)).toMatchObject({ name: "lap" });
  expect(JSON.stringify(await get("/peers"))).not.toContain("publicKey");
  expect(await post("/peers", { peer: "lap", name: "laptop", level: "seen" })).toMatchObject({
    name: "laptop",
    level: "seen",
    scopes: ["message"],
  });
  expect(await ask("GET", "/peers/lap")).toMatchObject({ status: 404, body: { error: { code: "UNKNOWN_PEER" } } });
  expect(await ask("DELETE", "/peers/laptop")).toEqual({ status: 200, body: {} });
  expect((await ask("DELETE", "/peers/laptop")).status).toBe(404);
  await lap.forget("desk");
});

test("a peer is pinned by its did, and a did that is none is refused", async () => {
  expect(await post("/peers", { peer: lap.did, name: "lap", allow: ["message"], addresses: lap.addresses })).toMatchObject({
    level: "trusted",
    addresses: lap.addresses,
  });
  expect(await ask("POST", "/peers", { body: { peer: `${lap.did.slice(0, -4)}`, name: "x" } })).toMatchObject({ status: 404 });
  expect(await ask("POST", "/peers", { body: { peer: desk.did, name: "me" } })).toMatchObject({ status: 400 });
  await desk.forget("lap");
});

test("ping, capabilities, a message and a report come back with what the other side sealed", async () => {
  await pairThem();
  expect(await post("/peers/lap/ping", {})).toEqual({ ms: expect.any(Number) });
  expect(await post("/peers/lap/capabilities", {})).toMatchObject({
    capabilities: [],
    accepts: expect.arrayContaining(["message", "status_report"]),
  });
  expect(await post("/messages", { to: "lap", body: { text: "backup finished" } })).toMatchObject({
    stage: "stored",
    stages: [{ stage: "stored" }],
  });
  expect(await post("/messages", { to: "lap", body: { json: { done: [1, null] } } })).toMatchObject({ stage: "stored" });
  expect(await post("/messages", { to: "lap", body: { json: null } })).toMatchObject({ stage: "stored" });
  expect(await post("/reports", { to: "lap", body: { state: "busy", detail: "Page 4 of 10." } })).toMatchObject({ stage: "handled" });
  const arrived = await lap.inbox({ limit: 10 });
  expect(arrived.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    { text: "backup finished" },
    { json: { done: [1, null] } },
    { json: null },
  ]);
  expect(lap.peer("desk").status).toMatchObject({ state: "busy", detail: "Page 4 of 10." });
});

test("a message comes out as content with its origin, and never as more than that [TRUST-4]", async () => {
  const claim = { sender: { name: "admin", trust: "admin" }, stage: "handled", from: desk.did };
  await lap.send("desk", "message", { text: "you are admin now" });
  await lap.send("desk", "message", { json: claim });
  const { messages } = (await get("/inbox?unread=true")) as { readonly messages: readonly Json[] };
  const origin = { from: lap.did, sender: { name: "lap", trust: "trusted" }, stage: "stored", type: "message" };
  expect(messages).toMatchObject([
    { ...origin, body: { text: "you are admin now" } },
    { ...origin, body: { json: claim } },
  ]);
  expect(Object.keys(messages[1] ?? {}).sort()).toEqual([
    "body",
    "exp",
    "from",
    "id",
    "place",
    "position",
    "receivedAt",
    "sender",
    "sentAt",
    "stage",
    "type",
  ]);
  expect(desk.peer("lap").level).toBe("trusted");
});

test("the sender of a message who was forgotten since is unknown, by its did [TRUST-4]", async () => {
  const { messages } = (await get(`/inbox?limit=1`)) as { readonly messages: readonly Json[] };
  await post("/peers", { peer: "lap", level: "blocked" });
  expect(await get("/inbox?limit=1")).toMatchObject({ messages: [{ sender: { name: "lap", trust: "blocked" } }] });
  await desk.forget("lap");
  expect(await get("/inbox?limit=1")).toEqual({ messages: [{ ...messages[0], sender: { name: lap.did, trust: "unknown" } }] });
  await lap.forget("desk");
  await pairThem();
});

test("messages can be asked for by sender, position and number, and are read once", async () => {
  const all = ((await get("/inbox")) as { readonly messages: readonly Json[] }).messages;
  expect(all).toHaveLength(2);
  expect(await get("/inbox?limit=1")).toEqual({ messages: all.slice(0, 1) });
  expect(await get(`/inbox?after=${String(all[0]?.["position"])}&from=lap`)).toEqual({ messages: all.slice(1) });
  expect((await ask("GET", "/inbox?from=nobody")).status).toBe(404);
  expect(await post("/inbox/read", { messages: [{ from: lap.did, id: all[0]?.["id"] }] })).toEqual({ unknown: [] });
  expect(await get("/inbox?unread=true")).toEqual({ messages: all.slice(1) });
  expect(await get("/inbox?limit=1")).toMatchObject({ messages: [{ stage: "delivered" }] });
});

test("the sender is told what was read", async () => {
  const delivered = lap.send("desk", "message", { text: "read me" }, { until: "delivered" });
  await until(async () => (await desk.inbox({ unread: true, limit: 10 })).length === 2);
  const { messages } = (await get("/inbox?unread=true")) as { readonly messages: readonly Json[] };
  await post("/inbox/read", { messages: messages.map(({ from, id }) => ({ from, id })) });
  expect((await delivered).stages.map(({ stage }) => stage)).toEqual(["stored", "delivered"]);
});

test("no question changes anything: after all of them stats, peers and inbox are as before [CTL-5]", async () => {
  await lap.send("desk", "message", { text: "unread" });
  const before = [desk.stats(), desk.peers(), await desk.inbox({ limit: 10 })];
  const { id } = await post("/pairings", { name: "third", allow: [] });
  for (const path of [
    "/health",
    "/identity",
    "/stats",
    "/peers",
    "/peers/lap",
    "/inbox",
    "/inbox?unread=true",
    `/pairings/${String(id)}`,
    "/nowhere",
    "/messages",
    "/messages/01",
    "/dead",
  ]) {
    await ask("GET", path);
    await ask("GET", path);
  }
  expect([desk.stats(), desk.peers(), await desk.inbox({ limit: 10 })]).toEqual(before);
  expect(await get(`/pairings/${String(id)}`)).toMatchObject({ state: "waiting" });
  await ask("DELETE", `/pairings/${String(id)}`);
});

test("stats count what happened, and say how full each table is", async () => {
  const { counters, sizes } = await get("/stats");
  expect(counters).toMatchObject({ "message.stored": 4 });
  expect(sizes).toEqual(desk.sizes());
  expect(sizes).toMatchObject({ knownPeers: { held: 1, most: 10_000 } });
});

test.each([
  ["/messages", { to: "nobody", body: { text: "x" } }],
  ["/reports", { to: "nobody", body: { state: "x" } }],
  ["/peers/nobody/ping", {}],
  ["/peers/nobody/capabilities", {}],
])("%s to somebody unknown is 404 with the way out", async (path, body) => {
  const answer = await ask("POST", path, { body });
  expect(answer).toMatchObject({
    status: 404,
    body: { error: { code: "UNKNOWN_PEER", message: expect.stringContaining("hikyaku pair") } },
  });
});

test("what the other side does not allow is its refusal, not the guard's", async () => {
  await lap.trust({ peer: "desk", allow: [] });
  expect(await ask("POST", "/messages", { body: { to: "lap", body: { text: "x" } } })).toMatchObject({
    status: 409,
    body: { error: { code: "UNAUTHORIZED" } },
  });
  await lap.trust({ peer: "desk", allow: ["message"] });
});

/** Has the desk look for the lap where nobody listens, with no link to it left. */
async function loseLap(): Promise<void> {
  await desk.trust({ peer: "lap", level: "blocked" });
  await until(() => desk.sizes()["streams"]?.held === 0);
  await desk.trust({ peer: "lap", level: "trusted", addresses: ["http://127.0.0.1:1"] });
}

const findLap = async (): Promise<void> => void (await desk.trust({ peer: "lap", addresses: lap.addresses }));

test("a message to a peer that is not there is queued, with its address and the cause, and goes on when the peer is found", async () => {
  await loseLap();
  const answer = await ask("POST", "/messages", { body: { to: "lap", body: { text: "later" } } });
  expect(answer).toEqual({
    status: 200,
    body: {
      id: expect.stringMatching(messageId),
      stage: "queued",
      stages: [],
      problem: expect.stringMatching(/127\.0\.0\.1:1 .*refused/),
      exp: expect.any(Number),
    },
  });
  const path = `/messages/${String(answer.body["id"])}`;
  expect(await get(path)).toMatchObject({ stage: "queued", trouble: { reason: answer.body["problem"], retryInMs: expect.any(Number) } });
  await findLap();
  await until(async () => (await get(path))["stage"] === "stored");
  expect((await lap.inbox({ limit: 1000 })).at(-1)).toMatchObject({ id: answer.body["id"], body: '{"text":"later"}' });
});

test("a report and a ping are not kept: they fail, and nothing says sent", async () => {
  await loseLap();
  for (const [path, body] of [
    ["/reports", { to: "lap", body: { state: "x" } }],
    ["/peers/lap/ping", {}],
  ] as const)
    expect(await ask("POST", path, { body })).toMatchObject({
      status: 502,
      body: { error: { code: "UNREACHABLE", message: expect.stringMatching(/127\.0\.0\.1:1.*refused/) } },
    });
  await findLap();
});

test("what takes too long says how far it came; a report ends with its time", async () => {
  const answer = await ask("POST", "/messages", { body: { to: "lap", body: { text: "x" }, until: "handled", timeoutMs: 3000 } });
  expect(answer).toMatchObject({
    status: 200,
    body: { stage: "stored", stages: [{ stage: "stored" }], problem: "no receipt within 3 s" },
  });
  expect(await ask("POST", "/reports", { body: { to: "lap", body: { state: "x" }, timeoutMs: 1 } })).toMatchObject({
    status: 504,
    body: { error: { code: "TIMED_OUT" } },
  });
});

test("everything that happened to a message can be asked for, by its id or the beginning of it", async () => {
  const { id, exp } = await post("/messages", { to: "lap", body: { text: "explain me" } });
  const found = await get(`/messages/${String(id)}`);
  expect(found).toEqual({
    id,
    to: lap.did,
    name: "lap",
    type: "message",
    priority: "normal",
    order: expect.any(Number),
    sentAt: expect.any(Number),
    exp,
    stage: "stored",
    events: [
      { at: expect.any(Number), kind: "queued" },
      { at: expect.any(Number), kind: "sent", detail: expect.stringMatching(/^(?:ws:|http:|its call)/) },
      { at: expect.any(Number), kind: "stored" },
    ],
  });
  const { order } = found as { readonly order: number };
  expect(order).toBeGreaterThan(1);
  // The last digits of a UUIDv7 are random; the first tell the time, so messages of one test begin alike.
  expect(await get(`/messages/${String(id).slice(0, 30)}`)).toEqual(found);
  await lap.acknowledge([{ from: desk.did, id: String(id) }]);
  await until(async () => (await get(`/messages/${String(id)}`))["stage"] === "handled");
});

test.each([
  ["/messages/00000000-0000-7000-8000-000000000000", /No message of this peer has the id 0{8}-.*hikyaku send/],
  ["/messages/01", /No message of this peer has the id 01;/],
  ["/messages/%20", /No message/],
  ["/messages/0", /No message/],
  [`/messages/${"0".repeat(200)}`, /not well-formed/],
])("GET %s is refused in a sentence", async (path, sentence) => {
  expect(await ask("GET", path)).toEqual({
    status: 400,
    body: { error: { code: "INVALID_ARGUMENT", message: expect.stringMatching(sentence) } },
  });
});

test("the beginning of several ids is no name for one", async () => {
  const [first, second] = await Promise.all(
    ["one", "two"].map(async (words) => String((await post("/messages", { to: "lap", body: { text: words } }))["id"])),
  );
  expect(first?.slice(0, 6)).toBe(second?.slice(0, 6));
  expect(await ask("GET", `/messages/${first?.slice(0, 6)}`)).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringMatching(/^Several messages have ids that begin with [0-9a-f]{6}; give more of it\.$/) } },
  });
});

interface Dead {
  readonly messages: readonly Json[];
}
const deadLetters = async (): Promise<readonly Json[]> => ((await get("/dead")) as unknown as Dead).messages;

/** The id of a message that the lap refused for good. */
async function beRefused(words: string): Promise<string> {
  await lap.trust({ peer: "desk", allow: [] });
  const before = new Set((await deadLetters()).map(({ id }) => id));
  expect(await ask("POST", "/messages", { body: { to: "lap", body: { text: words } } })).toMatchObject({ status: 409 });
  await lap.trust({ peer: "desk", allow: ["message"] });
  await until(async () => (await deadLetters()).length > before.size);
  return String((await deadLetters()).find(({ id }) => !before.has(id))?.["id"]);
}

test("a refused message is a dead letter until a person sends it anew, as another message, or drops it", async () => {
  const before = await deadLetters();
  const id = await beRefused("once more");
  const letter = (await deadLetters()).find((one) => one["id"] === id);
  expect(letter).toMatchObject({ id, to: lap.did, type: "message", stage: "refused", reason: "UNAUTHORIZED" });
  expect(letter).not.toHaveProperty("body");
  expect(await get("/dead?limit=1")).toEqual({ messages: [...before, letter].slice(0, 1) });
  expect(await get(`/dead?after=${id}`)).toEqual({ messages: [] });

  const retried = await post(`/dead/${id}/retry`, {});
  expect(retried).toEqual({ id: expect.stringMatching(messageId) });
  expect(retried["id"]).not.toBe(id);
  await until(async () => (await get(`/messages/${String(retried["id"])}`))["stage"] === "stored");
  expect((await lap.inbox({ limit: 1000 })).filter(({ body }) => body.includes("once more")).map((one) => one.id)).toEqual([retried["id"]]);
  expect(await deadLetters()).toEqual(before);
  expect((await ask("POST", `/dead/${id}/retry`, { body: {} })).status).toBe(400);

  const dropped = await beRefused("never mind");
  expect(await ask("DELETE", `/dead/${dropped}`)).toEqual({ status: 200, body: {} });
  expect(await deadLetters()).toEqual(before);
  expect((await ask("DELETE", `/dead/${dropped}`)).status).toBe(400);
});

test("only dead letters can be sent anew or dropped, and no number or field is taken that has no sense", async () => {
  const { id } = await post("/messages", { to: "lap", body: { text: "alive" } });
  const none = { code: "INVALID_ARGUMENT", message: `${String(id)} is no dead letter; \`hikyaku dead\` lists them.` };
  expect(await ask("POST", `/dead/${String(id)}/retry`, { body: {} })).toEqual({ status: 400, body: { error: none } });
  expect(await ask("DELETE", `/dead/${String(id)}`)).toEqual({ status: 400, body: { error: none } });
  expect(await get(`/messages/${String(id)}`)).toMatchObject({ stage: "stored" });
  for (const [path, sentence] of [
    ["/dead?limit=0", /limit wants at least 1/],
    ["/dead?limit=1001", /limit wants at most 1000/],
    ["/dead?limit=x", /limit wants/],
    [`/dead?after=${"0".repeat(200)}`, /after wants at most 128 characters/],
    ["/dead?before=1", /no field "before"/],
  ] as const)
    expect(await ask("GET", path)).toMatchObject({ status: 400, body: { error: { message: expect.stringMatching(sentence) } } });
});

test("who says that it is done with a message tells its sender so, once, and only of messages that are here", async () => {
  const sent = lap.send("desk", "message", { text: "do me" }, { until: "handled" });
  await until(async () => (await desk.inbox({ unread: true, limit: 1000 })).some(({ body }) => body.includes("do me")));
  const { messages } = (await get("/inbox?unread=true&limit=1000")) as { readonly messages: readonly Json[] };
  const done = messages.filter(({ body }) => JSON.stringify(body).includes("do me")).map(({ from, id }) => ({ from, id }));
  const unknown = { from: lap.did, id: "01996f2a-7c1e-7b02-9d55-0c3f6a1b2e4d" };
  expect(await ask("POST", "/inbox/handled", { body: { messages: [unknown, ...done] } })).toEqual({
    status: 200,
    body: { unknown: [unknown] },
  });
  expect((await sent).stage).toBe("handled");
  expect((await desk.inbox({ limit: 1000 })).find(({ body }) => body.includes("do me"))).toMatchObject({ stage: "handled" });
  expect(await ask("POST", "/inbox/handled", { body: { messages: done } })).toEqual({ status: 200, body: { unknown: [] } });
});

test.each([
  [{}, /messages wants array/],
  [{ messages: "x" }, /messages wants array/],
  [{ messages: [{ from: "lap" }] }, /messages\.0\.id wants string/],
  [{ messages: [{ from: "lap", id: "x" }] }, /messages\.0\.id wants the id of a message/],
  [{ messages: [{ from: "lap", id: "01996f2a-7c1e-7b02-9d55-0c3f6a1b2e4d", stage: "handled" }] }, /no field "stage"/],
  [{ messages: [], from: "lap" }, /no field "from"/],
])("%j is nothing to be done with", async (body, sentence) => {
  for (const path of ["/inbox/handled", "/inbox/read"])
    expect(await ask("POST", path, { body })).toMatchObject({
      status: 400,
      body: { error: { code: "INVALID_ARGUMENT", message: expect.stringMatching(sentence) } },
    });
});

test("when whoever asked has gone, the work for it ends", async () => {
  let reason: unknown;
  const watched = new Proxy(desk, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== "send") return typeof value === "function" ? value.bind(target) : value;
      return async (...parts: Parameters<Peer["send"]>) => {
        try {
          return await desk.send(...parts);
        } catch (error) {
          reason = error;
          throw error;
        }
      };
    },
  });
  await using server = await startControlServer(watched, {
    listen: { host: "127.0.0.1", port: 0 },
    name: "desk",
    isToken: () => true,
    log: silentLog,
  });
  const gone = new AbortController();
  const path = { host: "127.0.0.1", port: server.port, method: "POST", path: "/messages" };
  const asked = request({ ...path, headers: { authorization: "Bearer x", "content-type": "application/json" }, signal: gone.signal });
  asked.on("error", () => undefined);
  asked.end(JSON.stringify({ to: "lap", body: { text: "nobody reads this" }, until: "handled" }));
  await until(async () => (await lap.inbox({ limit: 1000 })).some(({ body }) => body.includes("nobody reads this")));
  expect(reason).toBeUndefined();
  gone.abort();
  await until(() => reason !== undefined);
  expect(reason).toBeInstanceOf(HikyakuError);
  expect(reason).toMatchObject({ code: "CANCELED" });
});
