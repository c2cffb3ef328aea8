/** Work over the control interface: lap's person gives tasks to desk, whose programs do them over desk's interface. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Peer, silentLog } from "@hikyaku/peer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPeer } from "../create-peer.ts";
import { type ControlServer, startControlServer } from "./control-server.ts";

let folder: string;
let desk: Peer;
let lap: Peer;
let controls: { readonly desk: ControlServer; readonly lap: ControlServer };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-tasks-"));
  [desk, lap] = await Promise.all([settle("desk"), settle("lap")]);
  const invitation = desk.invite({ name: "lap", allow: ["message", "task_delegate"] });
  await lap.accept(invitation.link, { name: "desk", allow: ["message", "task_delegate"] });
  await invitation.paired;
  controls = { desk: await control(desk, "desk"), lap: await control(lap, "lap") };
});
afterAll(async () => {
  await Promise.all([controls.desk[Symbol.asyncDispose](), controls.lap[Symbol.asyncDispose]()]);
  await Promise.all([desk.close(), lap.close()]);
  rmSync(folder, { recursive: true });
});

const settle = (name: string): Promise<Peer> => createPeer({ folder: join(folder, name), listen: "127.0.0.1:0" });
const control = (peer: Peer, name: string): Promise<ControlServer> =>
  startControlServer(peer, { listen: { host: "127.0.0.1", port: 0 }, name, isToken: (offered) => offered === "t", log: silentLog });

type Json = Readonly<Record<string, unknown>>;
interface Asked {
  readonly body?: object;
  readonly signal?: AbortSignal;
}

async function ask(side: "desk" | "lap", method: string, path: string, { body, signal }: Asked = {}): Promise<Json> {
  const answer = await fetch(`http://127.0.0.1:${controls[side].port}${path}`, {
    method,
    headers: { authorization: "Bearer t", ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const said = (await answer.json()) as Json;
  return answer.ok ? said : { status: answer.status, ...said };
}
const refusal = (status: number, code: string, message: unknown = expect.any(String)): Json => ({ status, error: { code, message } });

const lapGet = (path: string): Promise<Json> => ask("lap", "GET", path);
const lapPost = (path: string, body: object): Promise<Json> => ask("lap", "POST", path, { body });
const delegate = async (capability: string, rest: object = {}): Promise<string> =>
  String((await lapPost("/tasks", { to: "desk", capability, ...rest }))["id"]);

/** Follows a task to its end, as a client does. */
async function follow(id: string): Promise<readonly Json[]> {
  const events: Json[] = [];
  for (let turns = 0; turns < 100; turns += 1) {
    const after = events.length;
    const news = await lapGet(`/tasks/${id}/events?after=${after}&waitMs=5000`);
    events.push(...(news["events"] as readonly Json[]));
    if (["completed", "failed", "canceled", "rejected"].includes(String(events.at(-1)?.["state"]))) return events;
  }
  throw new Error("it did not end");
}
const lastOf = async (id: string): Promise<Json | undefined> => (await follow(id)).at(-1);

interface Handed {
  readonly errand: string;
  readonly task: Json;
}

/** A program outside desk. */
class Program {
  readonly #path: string;

  private constructor(id: unknown) {
    this.#path = `/servings/${String(id)}`;
  }

  static async serve(capability: string, settings: object = {}): Promise<Program> {
    const opened = await ask("desk", "POST", "/servings", { body: { capability, ...settings } });
    if (opened["id"] === undefined) throw new Error(JSON.stringify(opened));
    return new Program(opened["id"]);
  }

  news(signal?: AbortSignal): Promise<Json> {
    return ask("desk", "POST", `${this.#path}/news`, { body: {}, ...(signal === undefined ? {} : { signal }) });
  }

  async next(): Promise<Handed> {
    for (let turns = 0; turns < 10; turns += 1) {
      const [first] = (await this.news())["tasks"] as readonly Handed[];
      if (first !== undefined) return first;
    }
    throw new Error("no task came");
  }

  say({ errand }: Handed, body: object): Promise<Json> {
    return ask("desk", "POST", `${this.#path}/errands/${errand}`, { body });
  }

  release({ errand }: Handed): Promise<Json> {
    return ask("desk", "DELETE", `${this.#path}/errands/${errand}`);
  }

  leave(): Promise<Json> {
    return ask("desk", "DELETE", this.#path);
  }

  suspend(): Promise<Json> {
    return ask("desk", "POST", `${this.#path}/suspension`, { body: {} });
  }

  /** As a process does that is killed: its connection breaks. */
  async die(): Promise<void> {
    const end = new AbortController();
    const asked = this.news(end.signal);
    await new Promise((resolve) => setTimeout(resolve, 100));
    end.abort();
    await asked.catch(() => undefined);
  }
}

describe("tasks", () => {
  test("a task is given, listed, looked at and followed, each with whom it is from or for", async () => {
    const { id, ...given } = await lapPost("/tasks", { to: "desk", capability: "sum", input: [1, 2], priority: "high", timeoutMs: 60_000 });
    const origin = { did: desk.did, name: "desk", trust: "trusted" };
    expect(given).toMatchObject({ role: "requester", capability: "sum", priority: "high", peer: origin });
    expect(await lastOf(String(id))).toMatchObject({ state: "rejected", code: "UNAUTHORIZED" });
    expect(await lapGet(`/tasks/${String(id)}`)).toMatchObject({ id, state: "rejected", input: [1, 2], peer: origin });
    const listed = async (query: string): Promise<unknown> =>
      ((await lapGet(`/tasks?${query}`))["tasks"] as readonly Json[]).map((task) => task["id"]);
    expect(await listed("role=requester&peer=desk&limit=1")).toEqual([id]);
    expect(await listed("open=true")).toEqual([]);
    expect(await listed("role=worker")).toEqual([]);
    expect(await listed("before=0")).toEqual([]);
    expect(await lapGet(`/tasks/${String(id)}/events?after=1`)).toEqual({ events: [], state: "rejected", cursor: 1 });
  });

  test("asked again with its idempotency key it is the same task", async () => {
    const body = { input: 1, idempotencyKey: "monday" };
    const first = await delegate("none", body);
    expect(await delegate("none", body)).toBe(first);
    expect(await lapPost("/tasks", { to: "desk", capability: "none", ...body, input: 2 })).toEqual(refusal(400, "INVALID_ARGUMENT"));
  });

  test.each([
    ["a peer that nobody knows", { to: "moon" }, 404, "UNKNOWN_PEER"],
    ["two ends", { deadline: 1, timeoutMs: 1 }, 400, "INVALID_ARGUMENT"],
    ["a deadline that has passed", { deadline: 1 }, 400, "INVALID_ARGUMENT"],
    ["a task that is not there to stand within", { within: "ffff" }, 404, "UNKNOWN_TASK"],
    ["a field that is none", { color: 1 }, 400, "INVALID_ARGUMENT"],
    ["a priority that is none", { priority: "now" }, 400, "INVALID_ARGUMENT"],
    ["an input above the limit", { input: "x".repeat(200_000) }, 413, "MESSAGE_TOO_LARGE"],
  ])("%s is refused, and nothing is kept", async (_, wrong, status, code) => {
    const before = await lapGet("/tasks");
    expect(await lapPost("/tasks", { to: "desk", capability: "sum", ...wrong })).toEqual(refusal(status, code));
    expect(await lapGet("/tasks")).toEqual(before);
  });

  test("a task that is not there is not there, under any question", async () => {
    const no = refusal(404, "UNKNOWN_TASK");
    expect(await lapGet("/tasks/0000")).toEqual(no);
    expect(await lapGet("/tasks/0000/events")).toEqual(no);
    expect(await lapPost("/tasks/0000/cancel", {})).toEqual(no);
    expect(await lapPost("/tasks/0000/answer", { input: 1 })).toEqual(no);
    expect(await lapGet("/tasks/0000/events?waitMs=3600000")).toEqual(refusal(400, "INVALID_ARGUMENT"));
  });
});

describe("servings", () => {
  test("a program is handed a task, says how it goes, asks, and its result is the output; then it leaves and the capability with it", async () => {
    const program = await Program.serve("report", { for: ["lap"], description: "writes reports" });
    const id = await delegate("report", { input: { pages: 3 } });
    const handed = await program.next();
    expect(handed.task).toMatchObject({ id, capability: "report", input: { pages: 3 }, from: { did: lap.did, name: "lap" } });
    await program.say(handed, { progress: 0.5, detail: "reading" });
    await program.say(handed, { artifact: { name: "notes", content: [1] } });
    await program.say(handed, { partial: "half" });
    await program.say(handed, { ask: "Which language?" });
    expect(await program.say(handed, { partial: "more" })).toEqual(
      refusal(400, "INVALID_ARGUMENT", "A question of the task is not answered yet."),
    );
    expect(await program.say(handed, { progress: 0.6 })).toEqual({});
    await expect.poll(async () => (await lapGet(`/tasks/${id}`))["state"]).toBe("input_required");
    expect(await lapPost(`/tasks/${id}/answer`, { input: "Dutch" })).toEqual({});
    expect(await program.news()).toEqual({ tasks: [], answers: [{ errand: handed.errand, answer: "Dutch" }], ended: [] });
    await program.say(handed, { result: { summary: "short" } });
    expect(await follow(id)).toMatchObject([
      { state: "submitted" },
      { state: "working" },
      { state: "working", progress: 0.5, detail: "reading" },
      { state: "working", artifact: { name: "notes", content: [1] } },
      { state: "working", output: "half" },
      { state: "input_required", detail: "Which language?" },
      { state: "working" },
      { state: "completed", output: { summary: "short" } },
    ]);
    expect(await lapPost(`/tasks/${id}/answer`, { input: "late" })).toEqual(refusal(400, "INVALID_ARGUMENT"));
    expect(await program.say(handed, { result: 2 })).toEqual(refusal(404, "UNKNOWN_TASK"));
    await program.leave();
    expect(await program.news()).toEqual(refusal(409, "CLOSED"));
    expect(await lastOf(await delegate("report"))).toMatchObject({ state: "rejected", code: "UNAUTHORIZED" });
  });

  test("only as many tasks are handed out as were asked for, and a program that leaves finishes what it has", async () => {
    const program = await Program.serve("pair", { concurrency: 2 });
    const ids = [await delegate("pair", { input: 0 }), await delegate("pair", { input: 1 }), await delegate("pair", { input: 2 })];
    const handed: Handed[] = [];
    while (handed.length < 2) handed.push(...((await program.news())["tasks"] as readonly Handed[]));
    await program.leave();
    for (const one of handed) await program.say(one, { result: one.task["input"] });
    for (const id of ids.slice(0, 2)) expect(await lastOf(id)).toMatchObject({ state: "completed" });
    expect(await lapGet(`/tasks/${ids[2]}`)).toMatchObject({ state: "submitted" });
    const next = await Program.serve("pair");
    await next.say(await next.next(), { result: "late" });
    expect(await lastOf(String(ids[2]))).toMatchObject({ state: "completed", output: "late" });
    await next.leave();
  });

  test("a program that dies: its task has failed as interrupted, work that comes meanwhile waits, and the next program gets it", async () => {
    const first = await Program.serve("fragile");
    const id = await delegate("fragile");
    const handed = await first.next();
    await first.die();
    expect(await lastOf(id)).toMatchObject({ state: "failed", code: "INTERRUPTED" });
    expect(await first.say(handed, { result: 1 })).toEqual(refusal(409, "CLOSED"));
    const waiting = await delegate("fragile");
    const next = await Program.serve("fragile");
    await next.say(await next.next(), { result: 2 });
    expect(await lastOf(waiting)).toMatchObject({ state: "completed", output: 2 });
    await next.leave();
  });

  test("where running it twice does no harm, the task of a program that died goes to the next one, and its question goes with it", async () => {
    const first = await Program.serve("sturdy", { idempotent: true });
    const id = await delegate("sturdy");
    await first.say(await first.next(), { ask: "Really?" });
    await expect.poll(async () => (await lapGet(`/tasks/${id}`))["state"]).toBe("input_required");
    await first.die();
    await expect.poll(async () => (await lapGet(`/tasks/${id}`))["state"]).toBe("working");
    const next = await Program.serve("sturdy", { idempotent: true });
    const handed = await next.next();
    expect(handed.task).toMatchObject({ id });
    await next.say(handed, { ask: "Really?" });
    await expect.poll(async () => (await lapGet(`/tasks/${id}`))["state"]).toBe("input_required");
    await lapPost(`/tasks/${id}/answer`, { input: "yes" });
    expect((await next.news())["answers"]).toMatchObject([{ answer: "yes" }]);
    await next.say(handed, { result: 3 });
    expect(await lastOf(id)).toMatchObject({ state: "completed", output: 3 });
    await next.leave();
  });

  test.each([
    [false, { state: "failed", code: "INTERRUPTED" }],
    [true, { state: "completed", output: 4 }],
  ])("a program that says that it is away for a while keeps its capability, and no task: idempotent %s", async (idempotent, last) => {
    const first = await Program.serve("away", { idempotent, concurrency: 2 });
    const id = await delegate("away");
    await first.next();
    const asked = first.news();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await first.suspend()).toEqual({});
    expect((await asked)["tasks"] ?? []).toEqual([]);
    expect(await first.suspend()).toEqual(refusal(409, "CLOSED"));
    const waiting = await delegate("away");
    const next = await Program.serve("away", { idempotent });
    if (idempotent) await next.say(await next.next(), { result: 4 });
    await next.say(await next.next(), { result: 5 });
    expect(await lastOf(id)).toMatchObject(last);
    expect(await lastOf(waiting)).toMatchObject({ state: "completed", output: 5 });
    await next.leave();
  });

  test("what a program offered that is away is withdrawn without a task of it beginning; what a program offers is not [TOOL-4]", async () => {
    const withdraw = (): Promise<Json> => ask("desk", "POST", "/withdrawals", { body: { capability: "left" } });
    const isOffered = async (): Promise<boolean> =>
      ((await ask("desk", "GET", "/capabilities"))["capabilities"] as readonly Json[]).some(({ name }) => name === "left");
    const first = await Program.serve("left");
    expect([await withdraw(), await isOffered()]).toEqual([{}, true]);
    await first.suspend();
    const id = await delegate("left");
    await lapGet(`/tasks/${id}/events?after=0&waitMs=5000`);
    expect([await withdraw(), await isOffered()]).toEqual([{}, false]);
    expect((await desk.tasks({ limit: 1 }))[0]).toMatchObject({ id, state: "submitted" });
    const next = await Program.serve("left");
    await next.say(await next.next(), { result: 6 });
    expect(await lastOf(id)).toMatchObject({ state: "completed", output: 6 });
    await next.leave();
  });

  test("a task in the middle of which three programs went has failed", async () => {
    let program = await Program.serve("deadly", { idempotent: true });
    const id = await delegate("deadly");
    for (let programs = 1; programs <= 3; programs += 1) {
      await program.next();
      await program.die();
      if (programs < 3) program = await Program.serve("deadly", { idempotent: true });
    }
    expect(await lastOf(id)).toMatchObject({ state: "failed", code: "INTERRUPTED" });
  });

  test("a program hands a part of its task on, within the task's deadline and budget [TASK-10]", async () => {
    const program = await Program.serve("manage");
    const id = await delegate("manage", { budget: 5, timeoutMs: 60_000 });
    const handed = await program.next();
    const part = await ask("desk", "POST", "/tasks", { body: { to: "lap", capability: "print", within: id } });
    expect(part).toMatchObject({ chain: { depth: 1, budget: 2 }, deadline: handed.task["deadline"] });
    expect(await ask("desk", "POST", "/tasks", { body: { to: "lap", capability: "print", within: id, budget: 3 } })).toEqual(
      refusal(409, "QUOTA_EXCEEDED"),
    );
    await program.say(handed, { result: null });
    await program.leave();
  });

  test("a program learns that its task was canceled, and lets go of it", async () => {
    const program = await Program.serve("slow");
    const id = await delegate("slow");
    const handed = await program.next();
    expect(await lapPost(`/tasks/${id}/cancel`, { reason: "not needed" })).toMatchObject({ id });
    expect(await program.news()).toEqual({ tasks: [], answers: [], ended: [handed.errand] });
    expect(await program.release(handed)).toEqual({});
    expect(await lastOf(id)).toMatchObject({ state: "canceled", detail: "not needed" });
    expect(await lapPost(`/tasks/${id}/cancel`, {})).toEqual(
      refusal(400, "INVALID_ARGUMENT", "The task has ended already: it is canceled."),
    );
    await program.leave();
  });

  test("a program fails a task in its own words, or with a code of its own", async () => {
    const program = await Program.serve("fail");
    const [first, second] = [await delegate("fail"), await delegate("fail")];
    await program.say(await program.next(), { error: "no paper left" });
    await program.say(await program.next(), { error: "no ink left", code: "NO_INK" });
    expect(await lastOf(first)).toMatchObject({ state: "failed", code: "HANDLER_FAILED", detail: "no paper left" });
    expect(await lastOf(second)).toMatchObject({ state: "failed", code: "NO_INK", detail: "no ink left" });
    await program.leave();
  });

  test("what means nothing is refused with what is wrong, and the task goes on", async () => {
    const program = await Program.serve("strict");
    const id = await delegate("strict");
    const handed = await program.next();
    const wrong = [
      [[], "It says none of"],
      [{}, "It says none of"],
      [{ progress: 2 }, "progress wants at most 1."],
      [{ progress: "half" }, "progress wants number."],
      [{ artifact: { content: 1 } }, "artifact.name wants string."],
      [{ ask: 1 }, "ask wants string."],
      [{ result: 1, color: 2 }, 'There is no field "color"'],
      [{ error: "x", code: "no code" }, "code wants 1 to 64 capital letters and underscores."],
    ] as const;
    for (const [said, why] of wrong)
      expect(await program.say(handed, said)).toEqual(refusal(400, "INVALID_ARGUMENT", expect.stringContaining(why)));
    await program.say(handed, { result: null });
    expect(await lastOf(id)).toMatchObject({ state: "completed", output: null });
    await program.leave();
  });

  test("inputs and outputs are judged by the JSON Schemas that were given", async () => {
    const textOf = (name: string): object => ({ type: "object", properties: { [name]: { type: "string" } }, required: [name] });
    const program = await Program.serve("summarize", { inputSchema: textOf("text"), outputSchema: textOf("summary") });
    expect(await lastOf(await delegate("summarize", { input: {} }))).toMatchObject({
      state: "rejected",
      code: "INVALID_INPUT",
      detail: expect.stringContaining("text"),
    });
    const id = await delegate("summarize", { input: { text: "long", more: 1 } });
    const handed = await program.next();
    expect(handed.task["input"]).toEqual({ text: "long", more: 1 });
    await program.say(handed, { result: { summary: 1 } });
    expect(await lastOf(id)).toMatchObject({ state: "failed", code: "INVALID_OUTPUT" });
    await program.leave();
  });

  test.each([
    ["a schema that is none", { inputSchema: { type: "wat" } }, 400, "INVALID_ARGUMENT"],
    ["a pattern that is none", { outputSchema: { type: "string", pattern: "(" } }, 400, "INVALID_ARGUMENT"],
    ["a peer that nobody knows", { for: ["moon"] }, 404, "UNKNOWN_PEER"],
    ["no place to work at", { concurrency: 0 }, 400, "INVALID_ARGUMENT"],
  ])("a capability with %s is not offered", async (_, wrong, status, code) => {
    const served = await ask("desk", "POST", "/servings", { body: { capability: "odd", ...wrong } });
    expect(served).toEqual(refusal(status, code));
  });

  test("who serves is told its id and how long it may be silent", async () => {
    const opened = await ask("desk", "POST", "/servings", { body: { capability: "short" } });
    expect(opened).toEqual({ id: expect.stringMatching(/^[0-9a-f]{16}$/), leaseMs: 15_000 });
    expect(await ask("desk", "DELETE", `/servings/${opened["id"] as string}`)).toEqual({});
    expect(await ask("desk", "DELETE", `/servings/${opened["id"] as string}`)).toEqual(refusal(409, "CLOSED"));
    expect(await ask("desk", "DELETE", "/servings/..%2ftasks")).toEqual(refusal(400, "INVALID_ARGUMENT"));
  });

  test("a capability that a program offers is not offered by a second one", async () => {
    const program = await Program.serve("mine");
    const waiting = program.news();
    expect(await ask("desk", "POST", "/servings", { body: { capability: "mine" } })).toEqual(refusal(400, "INVALID_ARGUMENT"));
    await program.leave();
    await waiting;
  });
});
