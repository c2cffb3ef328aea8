/** Agents at lap over HTTP, by real MCP clients of both revisions, and desk at the other end. What the server refuses and bounds is told in mcp/http-face.test.ts. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { McpAgent as Agent, hikyaku, type McpAddress, type Place, type RunningProgram, TwoPeers } from "@hikyaku/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 60_000 });

const deed = `read -r task; echo '{"progress":0.25,"detail":"a quarter"}'; sleep 0.2; echo '{"result":{"ok":true}}'`;

let peers: TwoPeers;
let desk: Place;
let lap: Place;
let serving: RunningProgram;
let server: RunningProgram;
let address: McpAddress;
beforeAll(async () => {
  peers = await TwoPeers.meet({ lapMay: "message,task_delegate", deskMay: "message" });
  ({ desk, lap } = peers);
  await peers.at(lap, ["policy", "agent", "--confirm", "never", "--calls-per-minute", "1000"]);
  const flags = ["--for", "lap", "--concurrency", "4", "--folder", desk.folder];
  [serving, server] = await Promise.all([
    hikyaku.start(["serve", "work", ...flags, "--", "/bin/sh", "-c", deed], /Serving .*\n/),
    hikyaku.start(["mcp", "--http", "127.0.0.1:0", "--show-token", "--json", "--folder", lap.folder], /\n/),
  ]);
  address = JSON.parse(server.stdout) as McpAddress;
}, 60_000);
afterAll(async () => {
  await Promise.all([serving[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]);
  await peers[Symbol.asyncDispose]();
});

const inbox = "hikyaku://inbox";
const sendFromDesk = (text: string) => peers.at(desk, ["send", "lap", text, "--wait", "stored"]);

describe.each(["newest", "previous"] as const)("in the %s revision an agent", (revision) => {
  let agent: Agent;
  beforeAll(async () => {
    agent = await Agent.over(address, revision);
  });
  afterAll(async () => await agent[Symbol.asyncDispose]());

  test("speaks the revision that its client asks for, and finds what there is", async () => {
    expect(agent.client.getNegotiatedProtocolVersion()).toBe(revision === "newest" ? "2026-07-28" : "2025-11-25");
    const { tools } = await agent.client.listTools();
    expect(tools.map(({ name }) => name)).toContain("delegate_task");
    const { resources } = await agent.client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual([inbox, "hikyaku://peers", "hikyaku://tasks"]);
  });

  test("sends, and gives a task away and is told its progress as it comes", async () => {
    expect(await agent.call("who_am_i")).toMatchObject({ name: "lap", did: lap.did });
    expect(await agent.call("send_message", { to: "desk", text: "hello" })).toMatchObject({ stage: "stored" });
    const told: unknown[] = [];
    const asked = { to: "desk", capability: "work", input: {}, wait_s: 30 };
    expect(await agent.call("delegate_task", asked, (progress) => told.push(progress))).toMatchObject({ state: "completed" });
    expect(told).toEqual([{ progress: 0.25, total: 1, message: "desk (trusted)" }]);
  });

  test("is told that the inbox changed, where it asked to be told, and not otherwise", async () => {
    agent.updated.length = 0;
    const subscription = revision === "newest" ? await agent.client.listen({ resourceSubscriptions: [inbox] }) : undefined;
    if (revision === "previous") await agent.client.subscribeResource({ uri: inbox });
    await sendFromDesk("news");
    await vi.waitFor(() => expect(agent.updated).toContain(inbox), 10_000);
    if (revision === "previous") await agent.client.unsubscribeResource({ uri: inbox });
    await subscription?.close();
    await new Promise((resolve) => setTimeout(resolve, 500));
    agent.updated.length = 0;
    await sendFromDesk("more news");
    await agent.call("read_messages", { wait_s: 5 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(agent.updated).toEqual([]);
    await agent.markAll();
  });

  test("asks wrongly and is told what is wrong", async () => {
    await expect(agent.call("send_message", { to: "nobody", text: "x" })).rejects.toThrow(/^UNKNOWN_PEER: /);
    await expect(agent.call("read_messages", { limit: 100_000 })).rejects.toThrow(/limit/);
    await expect(agent.client.callTool({ name: "no_such_tool", arguments: {} })).rejects.toThrow(/no_such_tool/);
    await expect(agent.client.readResource({ uri: "hikyaku://secrets" })).rejects.toThrow(/secrets/);
  });
});

test.each(["newest", "previous"] as const)(
  "in the %s revision the person at the client is asked, and what it allows is done",
  async (revision) => {
    const words = ["--agent", `asking-${revision}`, "--show-token", "--json", "--folder", lap.folder];
    await using own = await hikyaku.start(["mcp", "--http", "127.0.0.1:0", ...words], /\n/);
    const answers = ["decline", "accept"] as const;
    const questions: string[] = [];
    const person = (question: string) => answers[questions.push(question) - 1] ?? "cancel";
    await using agent = await Agent.over(JSON.parse(own.stdout) as McpAddress, revision, { person });
    await expect(agent.call("send_message", { to: "desk", text: "not allowed" })).rejects.toThrow(/^APPROVAL_REQUIRED: /);
    expect(await agent.call("send_message", { to: "desk", text: "allowed" })).toMatchObject({ stage: "stored" });
    expect(await agent.call("send_message", { to: "desk", text: "and again" })).toMatchObject({ stage: "stored" });
    expect(questions).toEqual([0, 1].map(() => expect.stringContaining("wants to send messages to desk")));
  },
);

test("several clients at once wait for the same news, and each is told", async () => {
  const agents = await Promise.all((["newest", "previous", "previous"] as const).map((revision) => Agent.over(address, revision)));
  const waiting = Promise.all(agents.map((agent) => agent.call("read_messages", { wait_s: 30 })));
  await new Promise((resolve) => setTimeout(resolve, 500));
  await sendFromDesk("for all of you");
  for (const { messages } of await waiting) expect(messages).toMatchObject([{ content: "for all of you" }]);
  await agents[0]?.markAll();
  for (const agent of agents) await agent[Symbol.asyncDispose]();
});

test.each(["", "00".repeat(32)])("a client with the token %j gets nothing", async (token) => {
  for (const revision of ["newest", "previous"] as const)
    await expect(Agent.over({ ...address, token }, revision)).rejects.toThrow(/wants the agent's token|Unauthorized|401/);
});

test("the server outlives its peer: agents of both revisions go on, and are told of changes again, once it is up", async () => {
  const alone = await TwoPeers.meet({ lapMay: "message", deskMay: "message" });
  await using _alone = alone;
  await using own = await hikyaku.start(["mcp", "--http", "127.0.0.1:0", "--show-token", "--json", "--folder", alone.lap.folder], /\n/);
  const there = JSON.parse(own.stdout) as McpAddress;
  await using newest = await Agent.over(there, "newest");
  await using previous = await Agent.over(there, "previous");
  const uri = "hikyaku://peers";
  await newest.client.listen({ resourceSubscriptions: [uri] });
  await previous.client.subscribeResource({ uri });
  alone.lap.up.kill("SIGKILL");
  await alone.lap.up.outcome();
  for (const agent of [newest, previous]) await expect(agent.call("list_peers")).rejects.toThrow(/UNREACHABLE: The peer in /);
  const words = ["up", "--folder", alone.lap.folder, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--json"];
  await using _again = await hikyaku.start(words, /\n/);
  for (const agent of [newest, previous]) expect(await agent.call("list_peers")).toMatchObject({ peers: [{ name: "desk" }] });
  await vi.waitFor(async () => {
    await peers.at(alone.lap, ["scopes", "desk", "message,wake_up"]);
    expect([newest.updated, previous.updated]).toEqual([expect.arrayContaining([uri]), expect.arrayContaining([uri])]);
  }, 30_000);
});

describe("the command", () => {
  let folder: string;
  beforeAll(() => {
    folder = join(mkdtempSync(join(tmpdir(), "hikyaku-mcp-")), "desk");
  });
  afterAll(() => rmSync(join(folder, ".."), { recursive: true }));
  const start = (...words: readonly string[]) =>
    hikyaku.start(["mcp", "--http", "127.0.0.1:0", ...words, "--folder", folder], /is what stands in .*\n/);

  test("prints what a client needs, but for the token, which stands in a private file and stays [KEY-6] [MCP-4]", async () => {
    await using running = await start("--agent", "helper");
    const path = join(folder, "mcp", "helper.token");
    const token = readFileSync(path, "utf8").trim();
    expect(running.stdout).toMatch(/^MCP for helper at http:\/\/127\.0\.0\.1:\d+\/mcp\n\{.*"Bearer TOKEN".*\}\nTOKEN is what stands in /);
    expect(running.stdout).toContain(path);
    expect(running.stdout + running.stderr).not.toContain(token);
    await using agent = await Agent.over({ url: /http:\S+/.exec(running.stdout)?.[0] ?? "", token }, "previous");
    await expect(agent.call("who_am_i")).rejects.toThrow(/UNREACHABLE/);
    await using again = await start("--agent", "helper");
    await using _same = await Agent.over({ url: /http:\S+/.exec(again.stdout)?.[0] ?? "", token }, "previous");
    await using fresh = await start("--agent", "helper", "--new-token");
    await expect(Agent.over({ url: /http:\S+/.exec(fresh.stdout)?.[0] ?? "", token }, "previous")).rejects.toThrow(
      /wants the agent's token|Unauthorized|401/,
    );
  });

  test("names a port that is taken, and an address that others could reach", async () => {
    await using running = await start();
    const [, port = ""] = /:(\d+)\/mcp/.exec(running.stdout) ?? [];
    const taken = await hikyaku.run(["mcp", "--http", `127.0.0.1:${port}`, "--folder", folder]);
    expect(taken).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(/^hikyaku: Cannot listen for agents at .* use --http to choose another port\.\n$/),
    });
    const open = await hikyaku.run(["mcp", "--http", "0.0.0.0:0", "--folder", folder]);
    expect(open).toMatchObject({ code: 2, stderr: expect.stringContaining("loopback address") });
    const confused = await hikyaku.run(["mcp", "--new-token", "--folder", folder]);
    expect(confused).toMatchObject({ code: 2, stderr: expect.stringContaining("only with --http") });
  });

  test.each(["SIGTERM", "SIGINT"] as const)("ends within two seconds of a %s, whoever still listens or waits", async (signal) => {
    await using running = await hikyaku.start(["mcp", "--http", "127.0.0.1:0", "--show-token", "--json", "--folder", lap.folder], /\n/);
    const there = JSON.parse(running.stdout) as McpAddress;
    const agents = await Promise.all((["newest", "previous"] as const).map((revision) => Agent.over(there, revision)));
    await agents[0]?.client.listen({ resourceSubscriptions: [inbox] });
    const calls = agents.map((agent) => agent.call("read_messages", { wait_s: 30 }).catch(() => "ended"));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const start = performance.now();
    running.kill(signal);
    expect(await running.outcome()).toMatchObject({ code: 0, stderr: "" });
    expect(performance.now() - start).toBeLessThan(2_000);
    for (const agent of agents) await agent[Symbol.asyncDispose]();
    expect(await Promise.all(calls)).toEqual(["ended", "ended"]);
  });
});
