/** What an agent has not been allowed yet: asked of the person at its client, or of the owner at a terminal. */
import { hikyaku, type Json, McpAgent, type McpAgentOptions, type Revision, type RunningProgram, TwoPeers } from "@hikyaku/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let peers: TwoPeers;
let serving: RunningProgram;
beforeAll(async () => {
  peers = await TwoPeers.meet({ lapMay: "message,task_delegate", deskMay: "message" });
  const words = ["serve", "nod", "--folder", peers.desk.folder, "--", "/bin/sh", "-c", `echo '{"result":"yes"}'`];
  serving = await hikyaku.start(words, /Serving .*\n/);
});
afterAll(async () => {
  await serving[Symbol.asyncDispose]();
  await peers[Symbol.asyncDispose]();
});

const owner = async (...words: readonly string[]): Promise<string> => (await peers.at(peers.lap, words)).stdout;
const agentCalled = (revision: Revision, options: McpAgentOptions): Promise<McpAgent> => McpAgent.at(peers.lap, revision, options);
const letter = { to: "desk", text: "hello" };
const task = { to: "desk", capability: "nod", wait_s: 30 };

/** A person with one opinion, who remembers what they were asked. */
function personWho(says: "accept" | "decline" | "cancel") {
  const asked: string[] = [];
  return {
    asked,
    person: (question: string) => {
      asked.push(question);
      return says;
    },
  };
}

describe.each(["newest", "previous"] as const)("in the %s revision", (revision) => {
  test("the person at the client is asked once for each use of a peer, and their yes is written down", async () => {
    const agent = `asked-${revision}`;
    const { asked, person } = personWho("accept");
    await using client = await agentCalled(revision, { agent, person });
    expect(await client.call("send_message", letter)).toMatchObject({ stage: "stored" });
    expect(await client.call("send_message", letter)).toMatchObject({ stage: "stored" });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain("desk");
    expect(await client.call("delegate_task", task)).toMatchObject({ state: "completed" });
    expect(asked).toHaveLength(2);
    expect(asked[1]).toContain("nod");
    expect(await owner("audit", "--agent", agent)).toMatch(/approved/);
  });

  test.each(["decline", "cancel"] as const)(
    "a person who says %s has not agreed: nothing is sent, and the next time they are asked again",
    async (says) => {
      const { asked, person } = personWho(says);
      await using client = await agentCalled(revision, { agent: `${says}-${revision}`, person });
      for (const times of [1, 2]) {
        await expect(client.call("send_message", letter)).rejects.toThrow(
          /^APPROVAL_REQUIRED: The person at the client was asked, and has not agreed/,
        );
        expect(asked).toHaveLength(times);
      }
      expect(await owner("audit", "--agent", `${says}-${revision}`)).not.toMatch(/ allowed /);
    },
  );

  test("a client that cannot ask says what the owner has to do, and it works once that is done", async () => {
    await using client = await agentCalled(revision, { agent: `mute-${revision}` });
    const refused = await client.call("send_message", letter).then(JSON.stringify, String);
    const [, id = ""] = /hikyaku approve ([0-9a-f]+)/.exec(refused) ?? [];
    expect(id).not.toBe("");
    expect(refused).toContain("do not do it yourself");
    await owner("approve", id);
    expect(await client.call("send_message", letter)).toMatchObject({ stage: "stored" });
    await expect(client.call("delegate_task", task)).rejects.toThrow(/^APPROVAL_REQUIRED: /);
  });

  test("where the policy wants the owner's own word, the person at the client is not asked in vain [AGENT-4]", async () => {
    const agent = `strict-${revision}`;
    await owner("policy", agent, "--confirm", "owner");
    const { asked, person } = personWho("accept");
    await using client = await agentCalled(revision, { agent, person });
    await expect(client.call("send_message", letter)).rejects.toThrow(
      /^APPROVAL_REQUIRED: .*hikyaku approve [0-9a-f]+.* do not do it yourself\.$/,
    );
    expect(asked).toEqual([]);
    expect(await owner("approve")).toContain(agent);
  });
});

test("a refusal that names a command of the owner says that it is not the agent's to run", async () => {
  await owner("policy", "held", "--message-bytes", "30", "--calls-per-minute", "3", "--tasks-per-day", "0", "--confirm", "never");
  await using client = await agentCalled("newest", { agent: "held" });
  const refused = async (tool: string, given: Json): Promise<string> => await client.call(tool, given).then(JSON.stringify, String);
  const texts = [
    await refused("send_message", { ...letter, to: "nobody" }),
    await refused("send_message", { ...letter, text: "x".repeat(30) }),
    await refused("delegate_task", task),
    await refused("send_message", letter),
  ];
  for (const [index, code] of ["UNKNOWN_PEER", "MESSAGE_TOO_LARGE", "QUOTA_EXCEEDED", "RATE_LIMITED"].entries())
    expect(texts[index]).toMatch(new RegExp(`${code}: .*\`hikyaku [a-z]+.* do not do it yourself\\.`));
});

test("what the owner has denied is not the agent's to take back", async () => {
  await using client = await agentCalled("newest", { agent: "denied" });
  const waiting = await client.call("send_message", letter).then(JSON.stringify, String);
  const [, id = ""] = /hikyaku approve ([0-9a-f]+)/.exec(waiting) ?? [];
  await owner("approve", id, "--deny");
  await expect(client.call("send_message", letter)).rejects.toThrow(
    /^UNAUTHORIZED: .*`hikyaku approve [0-9a-f]+` takes that back.* do not do it yourself\.$/,
  );
});

test("what the policy does not list is refused without a question, and hidden peers are not told of", async () => {
  await owner("policy", "nobodys", "--peers", "none");
  const { asked, person } = personWho("accept");
  await using client = await agentCalled("newest", { agent: "nobodys", person });
  await expect(client.call("send_message", letter)).rejects.toThrow(/^(UNAUTHORIZED|UNKNOWN_PEER): /);
  expect(await client.call("list_peers")).toEqual({ peers: [], more: false });
  expect(asked).toEqual([]);
});
