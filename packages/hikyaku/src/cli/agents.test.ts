/** What the owner of desk decides about an agent that talks to desk's peer, which is up, for lap's ears. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, hikyaku, type RunningProgram, runHere, type Said } from "@hikyaku/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ApprovalRequired } from "../agents/approval-required.ts";
import { resolveConfig } from "../config/config.ts";
import { ControlClient } from "./control-client.ts";
import { run } from "./program.ts";

vi.setConfig({ testTimeout: 60_000 });

let above: string;
let desk: string;
const ups: RunningProgram[] = [];
const dids: string[] = [];
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-owner-"));
  desk = join(above, "desk");
  const port = await freePort();
  for (const [name, listen] of [
    ["desk", 0],
    ["lap", port],
  ] as const) {
    await hikyaku.run(["init", "--folder", join(above, name), "--name", name]);
    const words = ["up", "--folder", join(above, name), "--listen", `127.0.0.1:${listen}`, "--control", "127.0.0.1:0", "--json"];
    const up = await hikyaku.start(words, /\n/);
    ups.push(up);
    dids.push((JSON.parse(up.stdout) as { readonly did: string }).did);
  }
  await here(["trust", dids[1] ?? "", "--name", "lap", "--allow", "message", "--at", `http://127.0.0.1:${port}`]);
  await sayHere(["trust", dids[0] ?? "", "--name", "desk", "--allow", "message", "--folder", join(above, "lap")]);
}, 60_000);
afterAll(async () => {
  await Promise.all(ups.map((up) => up[Symbol.asyncDispose]()));
  rmSync(above, { recursive: true });
});

const sayHere = runHere(run);
const here = (words: readonly string[]): Promise<Said> => sayHere([...words, "--folder", desk]);
const say = (words: string): Promise<Said> => here(words.split(" "));
const linesOf = ({ stdout }: Said): readonly string[] => stdout.trimEnd().split("\n");

async function withAgent<Value>(agent: string, work: (client: ControlClient) => Promise<Value>): Promise<Value> {
  const config = await resolveConfig({ flags: { folder: desk } });
  const client = await ControlClient.connect(config, { connections: 1, answerMsMax: 30_000, agent });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
const send = (agent: string): Promise<object> =>
  withAgent(agent, (client) => client.post<object>("/messages", { to: "lap", body: { text: "canary" } }));
const delegate = (agent: string, capability: string): Promise<object> =>
  withAgent(agent, (client) => client.post<object>("/tasks", { to: "lap", capability }));
async function waitingFor(asked: Promise<unknown>): Promise<string> {
  const refusal: unknown = await asked.catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ApprovalRequired);
  return (refusal as ApprovalRequired).approval;
}

test("what an agent asked for is listed, approved, taken back and denied by its id", async () => {
  expect((await say("approve")).stdout).toBe("Nothing waits for an approval.\n");
  const id = await waitingFor(send("claude"));
  const [line = "", wayOut] = linesOf(await say("approve"));
  expect(line).toMatch(new RegExp(`^${id}  \\w{3} [\\d:]{8}  claude may send messages to lap$`));
  expect(wayOut).toBe("Each: hikyaku approve ID, or hikyaku approve ID --deny");
  expect((await say(`approve ${id.slice(0, 7)}`)).stdout).toBe(
    `Approved: claude may send messages to lap. To take it back: hikyaku approve ${id} --revoke\n`,
  );
  expect(await send("claude")).toMatchObject({ stage: "stored" });
  expect(await say(`approve ${id} --revoke`)).toMatchObject({ code: 0, stdout: `Took back ${id}: it will be asked for anew.\n` });
  const again = await waitingFor(send("claude"));
  expect((await say(`approve ${again} --deny`)).stdout).toMatch(/^Denied: claude may send messages to lap\. /);
  await expect(send("claude")).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  const unknown = await say(`approve ${id}`);
  expect([unknown.code, unknown.stderr]).toEqual([
    2,
    `hikyaku: No approval has the id ${id}; \`hikyaku approve\` lists what waits, for a day at most.\n`,
  ]);
});

test("a list of what waits that is longer than a page says so", async () => {
  const agents = Array.from({ length: 5 }, (_, index) => `eager-${index}`);
  for (const agent of agents) await say(`policy ${agent} --calls-per-minute 6000`);
  const asks = (agent: string): Promise<unknown> =>
    withAgent(agent, async (client) => {
      for (let count = 0; count < 201; count += 1)
        await client.post("/tasks", { to: "lap", capability: `c${count}` }).catch(() => undefined);
    });
  await Promise.all(agents.map(asks));
  const lines = linesOf(await say("approve"));
  expect(lines).toHaveLength(1002);
  expect(lines[1000]).toBe("These are the oldest 1000; more wait, and show once some of these are decided.");
  for (const agent of agents) await say(`policy ${agent} --remove`);
  expect((await say("approve")).stdout).toBe("Nothing waits for an approval.\n");
});

test("a policy is shown, set in parts, listed and forgotten", async () => {
  expect((await say("policy")).stdout).toBe("No agent has a policy of its own. To make one: hikyaku policy NAME --peers NAMES\n");
  const shown = linesOf(await say("policy bot"));
  expect(shown).toEqual([
    "bot has no policy of its own; this one is for all",
    "  peers: all",
    "  capabilities: all",
    "  at most 65536 bytes at once, 60 calls a minute, 13000 tasks a day (0 today)",
    "  a first use is approved by hikyaku approve, or by the agent's own client (first-use)",
  ]);
  const set = "policy bot --peers lap --capabilities sum,count --message-bytes 1000 --calls-per-minute 5 --tasks-per-day 9 --confirm owner";
  const described = [
    "bot",
    "  peers: lap",
    "  capabilities: sum, count",
    "  at most 1000 bytes at once, 5 calls a minute, 9 tasks a day (0 today)",
    "  a first use is approved by hikyaku approve alone (owner)",
  ];
  expect(linesOf(await say(set))).toEqual(described);
  expect(linesOf(await say("policy"))).toEqual(described);
  expect(linesOf(await say("policy bot --peers none --capabilities all")).slice(1, 3)).toEqual(["  peers: none", "  capabilities: all"]);
  expect(JSON.parse((await say("policy bot --json")).stdout)).toMatchObject({ agent: "bot", policy: { peers: [], confirm: "owner" } });
  await expect(send("bot")).rejects.toMatchObject({ code: "UNAUTHORIZED", message: expect.stringContaining("hikyaku policy bot --peers") });
  expect((await say("policy bot --peers nobody")).code).toBe(2);
  expect((await say("policy bot --remove")).stdout).toBe("Forgot the policy of bot.\n");
  expect((await say("policy --json")).stdout).toBe('{"agents":[]}\n');
});

test("the audit says who did what, with how much and why not, and never what was said", async () => {
  const id = await waitingFor(send("audited"));
  await say(`approve ${id}`);
  await send("audited");
  await say("policy audited --peers none");
  await send("audited").catch(() => undefined);
  const lines = linesOf(await say("audit --agent audited")).map((line) => line.replace(/^\w{3} [\d:]{8} {2}/, ""));
  expect(lines).toEqual([
    `audited  send lap  17 bytes  waiting APPROVAL_REQUIRED  ${id}`,
    `audited  send lap  approved by the owner  ${id}`,
    expect.stringMatching(/^audited {2}send lap {2}17 bytes {2}allowed {2}[0-9a-f-]{36}$/),
    "audited  policy  changed by the owner",
    "audited  send lap  17 bytes  refused UNAUTHORIZED",
  ]);
  const { entries } = JSON.parse((await say("audit --agent audited --json")).stdout) as {
    readonly entries: readonly { position: number }[];
  };
  expect(linesOf(await say(`audit --agent audited --after ${entries[2]?.position} --limit 1`))).toHaveLength(1);
  expect(linesOf(await say("audit --limit 1"))[0]).toContain("refused UNAUTHORIZED");
  expect((await say("audit --agent nobody")).stdout).toBe("No agent did anything yet.\n");
});

test("a capability that an agent names reaches the terminal with its control characters made visible [CLI-3]", async () => {
  const id = await waitingFor(delegate("rude", "a\u001b[2Jb\u202e"));
  const shown = [await say("approve"), await say("audit --agent rude"), await say(`approve ${id} --deny`)];
  for (const { stdout } of shown) {
    for (const character of ["\u001b", "\u202e"]) expect(stdout).not.toContain(character);
    expect(stdout).toContain("[2Jb");
  }
  const json = await say("audit --agent rude --json");
  for (const character of ["\u001b", "\u202e"]) expect(json.stdout).not.toContain(character);
  expect(JSON.parse(json.stdout)).toMatchObject({ entries: [{ capability: "a\u001b[2Jb\u202e" }, {}] });
});
