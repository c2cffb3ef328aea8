/** An agent at lap, by a real MCP client over standard input and output, and desk, whose person and programs are at the other end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { McpAgent as Agent, hikyaku, type Json, type Place, type RunningProgram, TwoPeers } from "@hikyaku/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 60_000 });

/** With rests, since the client's library forgets progress that comes in one piece with the result. */
const deed = `read -r task; case "$task" in
  *'"do":"ask"'*) echo '{"progress":0.5}'; echo '{"ask":"Which language?"}'; read -r answer; echo '{"result":{"said":true}}' ;;
  *'"do":"steps"'*) echo '{"progress":0.25,"detail":"a quarter"}'; sleep 0.3; echo '{"progress":0.75}'; sleep 0.3; echo '{"artifact":{"name":"notes","content":"n"}}'; echo '{"result":{"ok":true}}' ;;
  *'"do":"fail"'*) echo '{"error":"it broke","code":"BROKEN"}' ;;
  *'"do":"hang"'*) sleep 60 ;;
esac`;

let peers: TwoPeers;
let desk: Place;
let lap: Place;
let serving: RunningProgram;
beforeAll(async () => {
  peers = await TwoPeers.meet({ lapMay: "message,task_delegate,wake_up", deskMay: "message,task_delegate" });
  ({ desk, lap } = peers);
  await peers.at(lap, ["policy", "agent", "--confirm", "never", "--calls-per-minute", "1000"]);
  const flags = ["--for", "lap", "--description", "does it", "--interactive", "--concurrency", "4"];
  serving = await hikyaku.start(["serve", "work", ...flags, "--folder", desk.folder, "--", "/bin/sh", "-c", deed], /Serving .*\n/);
}, 60_000);
afterAll(async () => {
  await serving[Symbol.asyncDispose]();
  await peers[Symbol.asyncDispose]();
});

const quotedFrom = (content: unknown, scope: string): object => ({
  origin: { did: desk.did, name: "desk" },
  trust: "trusted",
  scope,
  content,
});
const sendFromDesk = (text: string) => peers.at(desk, ["send", "lap", text, "--wait", "stored"]);

describe.each(["newest", "previous"] as const)("in the %s revision an agent", (revision) => {
  let agent: Agent;
  beforeAll(async () => {
    agent = await Agent.at(lap, revision);
  });
  afterAll(async () => await agent[Symbol.asyncDispose]());

  test("speaks the revision that its client asks for, and finds what there is", async () => {
    expect(agent.client.getNegotiatedProtocolVersion()).toBe(revision === "newest" ? "2026-07-28" : "2025-11-25");
    const { tools } = await agent.client.listTools();
    expect(tools.map(({ name }) => name)).toContain("delegate_task");
    for (const { description, annotations, inputSchema } of tools) {
      expect(description?.length).toBeGreaterThan(20);
      expect(annotations).toHaveProperty("readOnlyHint");
      expect(inputSchema).toMatchObject({ type: "object", additionalProperties: false });
    }
    const { resources } = await agent.client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(["hikyaku://inbox", "hikyaku://peers", "hikyaku://tasks"]);
  });

  test("sees who it is, its peers, how they are and what they can do", async () => {
    expect(await agent.call("who_am_i")).toMatchObject({ name: "lap", did: lap.did });
    expect(await agent.call("list_peers")).toMatchObject({ peers: [{ name: "desk", did: desk.did, trust: "trusted" }], more: false });
    expect(await agent.call("list_peers", { after: "desk" })).toEqual({ peers: [], more: false });
    const offered = await agent.call("list_capabilities", { peer: "desk", fresh: true });
    expect(offered).toMatchObject({ ...quotedFrom({ capabilities: [{ name: "work", description: "does it" }] }, "answer") });
    expect(await peers.at(desk, ["report", "lap", "busy", "counting"])).toMatchObject({ code: 0 });
    await vi.waitFor(async () => {
      const { reports } = await agent.call("peer_status", { peer: "desk" });
      expect((reports as readonly Json[]).at(-1)).toMatchObject(quotedFrom({ state: "busy", detail: "counting" }, "status_report"));
    }, 10_000);
  });

  test("sends, waits for an answer, reads it once by its cursor, and says that it is done", async () => {
    const sent = await agent.call("send_message", { to: "desk", json: { count: 1 }, until: "stored", wait_s: 2.01 });
    expect(sent["stage"]).toBe("stored");
    expect(await agent.call("explain_message", { id: sent["id"] })).toMatchObject({ id: sent["id"], stage: "stored" });
    const waiting = agent.call("read_messages", { wait_s: 30 });
    await sendFromDesk(`two\nlines for ${revision}`);
    const { messages, cursor } = await waiting;
    const [message] = messages as readonly Json[];
    expect(message).toMatchObject({ stage: "stored", ...quotedFrom(`two\nlines for ${revision}`, "message") });
    expect(await agent.call("read_messages", { after: cursor })).toEqual({ messages: [], cursor, more: false });
    expect(await agent.read("hikyaku://inbox")).toMatchObject({ messages: [{ id: message?.["id"] }] });
    const absent = "01996f2a-7c1e-7b02-9d55-0c3f6a1b2e4d";
    const marked = [message?.["id"], absent].map((id) => ({ from: desk.did, id }));
    expect(await agent.call("mark_messages", { messages: marked, as: "handled" })).toEqual({ as: "handled", asked: 2, unknown: [absent] });
    expect(await agent.call("read_messages")).toMatchObject({ messages: [] });
  });

  test("gets the beginning of what is long, is told its length, and may ask for all of it", async () => {
    const text = "long ".repeat(2_000);
    await sendFromDesk(text);
    const short = (await agent.call("read_messages", { from: "desk", characters: 100 }))["messages"] as readonly Json[];
    expect(short[0]).toMatchObject({ content: text.slice(0, 100), characters: text.length });
    const whole = (await agent.call("read_messages", { characters: text.length }))["messages"] as readonly Json[];
    expect(whole[0]).toMatchObject({ content: text });
    expect(whole[0]).not.toHaveProperty("characters");
    await agent.call("mark_messages", { messages: whole.map(({ id }) => ({ from: "desk", id })), as: "read" });
  });

  test("gives a task away and is told its progress as it comes", async () => {
    const told: unknown[] = [];
    const input = { do: "steps" };
    const task = await agent.call("delegate_task", { to: "desk", capability: "work", input, wait_s: 30 }, (progress) =>
      told.push(progress),
    );
    expect(told).toEqual([
      { progress: 0.25, total: 1, message: "desk (trusted)" },
      { progress: 0.75, total: 1, message: "desk (trusted)" },
    ]);
    expect(task).toMatchObject({ state: "completed", peer: "desk", role: "requester", more: false });
    const said = (task["events"] as readonly Json[]).map((event) => event["said"]).filter((one) => one !== undefined);
    expect(said).toEqual([
      quotedFrom({ detail: "a quarter" }, "answer"),
      quotedFrom({ artifact: { name: "notes", content: "n" } }, "answer"),
      quotedFrom({ output: { ok: true } }, "answer"),
    ]);
    expect(await agent.call("follow_task", { task: task["task"], after: task["cursor"] })).toMatchObject({
      state: "completed",
      events: [],
    });
    expect(await agent.read(`hikyaku://tasks/${String(task["task"])}`)).toMatchObject({ state: "completed" });
    expect(await agent.call("get_task", { task: task["task"] })).toMatchObject({ input });
    const listed = await agent.call("list_tasks", { role: "requester", limit: 1 });
    expect(listed).toMatchObject({ tasks: [{ task: task["task"] }], cursor: expect.any(Number) });
    const { tasks: older } = await agent.call("list_tasks", { role: "requester", before: listed["cursor"] });
    expect((older as readonly Json[]).map((one) => one["task"])).not.toContain(task["task"]);
  });

  test("answers what a task asks, and ends one that hangs", async () => {
    const asking = await agent.call("delegate_task", { to: "desk", capability: "work", input: { do: "ask" }, wait_s: 30 });
    expect(asking).toMatchObject({ state: "input_required", progress: 0.5 });
    expect((asking["events"] as readonly Json[]).at(-1)).toMatchObject({ said: quotedFrom({ detail: "Which language?" }, "answer") });
    await agent.call("answer_task", { task: asking["task"], input: "Japanese" });
    const done = await agent.call("follow_task", { task: asking["task"], after: asking["cursor"], wait_s: 30 });
    expect(done).toMatchObject({ state: "completed" });

    const hanging = await agent.call("delegate_task", { to: "desk", capability: "work", input: { do: "hang" }, wait_s: 0 });
    expect(await agent.call("list_tasks", { open: true })).toMatchObject({ tasks: [{ task: hanging["task"] }] });
    expect(await agent.call("cancel_task", { task: hanging["task"], reason: "enough" })).toMatchObject({ state: "canceled" });
    const failing = await agent.call("delegate_task", { to: "desk", capability: "work", input: { do: "fail" }, wait_s: 30 });
    expect(failing).toMatchObject({ state: "failed" });
    expect((failing["events"] as readonly Json[]).at(-1)).toMatchObject({
      said: quotedFrom({ code: "BROKEN", detail: "it broke" }, "answer"),
    });
  });

  test("is told that the inbox changed, where it asked to be told, and not otherwise", async () => {
    const uri = "hikyaku://inbox";
    agent.updated.length = 0;
    const subscription = revision === "newest" ? await agent.client.listen({ resourceSubscriptions: [uri] }) : undefined;
    if (revision === "previous") await agent.client.subscribeResource({ uri });
    await sendFromDesk("news");
    await vi.waitFor(() => expect(agent.updated).toContain(uri), 10_000);
    if (revision === "previous") await agent.client.unsubscribeResource({ uri });
    await subscription?.close();
    await new Promise((resolve) => setTimeout(resolve, 500));
    agent.updated.length = 0;
    await sendFromDesk("more news");
    await agent.call("read_messages", { wait_s: 5 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(agent.updated).toEqual([]);
    await agent.markAll();
  });

  test("asks wrongly and is told what is wrong, and nothing is sent", async () => {
    const wrong: readonly (readonly [string, Json, RegExp])[] = [
      ["send_message", { to: "nobody", text: "x" }, /^UNKNOWN_PEER: No peer is called "nobody"/],
      ["send_message", { to: "desk" }, /give either text or json/],
      ["send_message", { to: "desk", text: "x", json: 1 }, /give either text or json/],
      ["send_message", { to: "desk", text: "x", urgent: true }, /urgent/],
      ["send_message", { to: "desk", text: "x".repeat(65_537) }, /text/],
      ["read_messages", { limit: 100_000 }, /limit/],
      ["read_messages", { wait_s: 3_600 }, /wait_s/],
      ["follow_task", { task: "no-such" }, /^UNKNOWN_TASK: /],
      ["get_task", { task: "../peers" }, /^UNKNOWN_TASK: /],
      ["delegate_task", { to: "desk", capability: "work", input: "x".repeat(200_000) }, /^MESSAGE_TOO_LARGE: /],
      ["answer_task", { task: "no-such", input: 1 }, /^UNKNOWN_TASK: /],
    ];
    for (const [name, args, sentence] of wrong) await expect(agent.call(name, args)).rejects.toThrow(sentence);
    await expect(agent.client.callTool({ name: "no_such_tool", arguments: {} })).rejects.toThrow(/no_such_tool/);
    await expect(agent.client.readResource({ uri: "hikyaku://secrets" })).rejects.toThrow(/secrets/);
    await expect(agent.client.readResource({ uri: "file:///etc/passwd" })).rejects.toThrow(/passwd/);
  });
});

test("an agent of a peer that is down is told so, and goes on once it is up again", async () => {
  const alone = await TwoPeers.meet({ lapMay: "message", deskMay: "message" });
  await using _alone = alone;
  await using agent = await Agent.at(alone.lap, "newest");
  await agent.call("who_am_i");
  alone.lap.up.kill("SIGKILL");
  await alone.lap.up.outcome();
  await expect(agent.call("list_peers")).rejects.toThrow(/UNREACHABLE: The peer in .* start it with `hikyaku up`/);
  const words = ["up", "--folder", alone.lap.folder, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--json"];
  await using _again = await hikyaku.start(words, /\n/);
  expect(await agent.call("list_peers")).toMatchObject({ peers: [{ name: "desk" }] });
});

describe("what is no MCP", () => {
  const start = () => {
    const { command, words } = hikyaku.lineOf(["mcp", "--folder", lap.folder]);
    return spawn(command, [...words], { stdio: "pipe" });
  };
  const hello = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
  };

  test("is answered with an error or with nothing, and the next call is served", async () => {
    const child = start();
    const lines: Json[] = [];
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts.map((line) => JSON.parse(line) as Json));
    });
    const write = (text: string): void => void child.stdin.write(`${text}\n`);
    write(JSON.stringify(hello));
    for (const text of [
      "{",
      "null",
      "[]",
      '{"jsonrpc":"1.0"}',
      '{"jsonrpc":"2.0","id":{},"method":"ping"}',
      '"ping"',
      '{"jsonrpc":"2.0","id":7,"method":"no/such"}',
    ])
      write(text);
    write('{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"who_am_i","arguments":{"__proto__":{"x":1}}}}');
    write('{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"who_am_i"}}');
    await vi.waitFor(() => expect(lines.find(({ id }) => id === 9)).toBeDefined(), 20_000);
    expect(lines.find(({ id }) => id === 7)).toMatchObject({ error: { code: -32601 } });
    expect(lines.find(({ id }) => id === 9)).toMatchObject({ result: { structuredContent: { name: "lap" } } });
    child.stdin.end();
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("ends the connection where a line has no end", async () => {
    const child = start();
    child.stdin.on("error", () => undefined);
    child.stdin.write(`${JSON.stringify(hello)}\n`);
    await once(child.stdout, "data");
    const piece = "x".repeat(1 << 16);
    for (let sent = 0; sent < 64; sent += 1) child.stdin.write(piece);
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("ends when its client has gone, and cleanly when it is told to", async () => {
    for (const end of ["input", "SIGTERM", "SIGINT"] as const) {
      const child = start();
      child.stdin.write(`${JSON.stringify(hello)}\n`);
      await once(child.stdout, "data");
      if (end === "input") child.stdin.end();
      else child.kill(end);
      expect([end, ...(await once(child, "exit"))]).toEqual([end, 0, null]);
    }
  });

  test("a client that asks and never reads is cut off before its answers fill the memory", async () => {
    const child = start();
    child.stdin.on("error", () => undefined);
    child.stdin.write(`${JSON.stringify(hello)}\n`);
    await once(child.stdout, "data");
    child.stdout.pause();
    let isOver = false;
    const exited = once(child, "exit").then((how) => {
      isOver = true;
      return how;
    });
    for (let id = 10; id < 20_000 && !isOver; id += 1) {
      const isFull = !child.stdin.write(`{"jsonrpc":"2.0","id":${id},"method":"tools/list"}\n`);
      if (isFull) await Promise.race([new Promise((resolve) => child.stdin.once("drain", resolve)), exited]);
    }
    expect(await exited).toEqual([0, null]);
  });
});
