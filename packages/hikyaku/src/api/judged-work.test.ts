/** Schemas that others wrote, and values made to have them judged for ever: nothing but the one task suffers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Peer, silentLog } from "@hikyaku/peer";
import { freePort } from "@hikyaku/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPeer } from "../create-peer.ts";
import { type ControlServer, startControlServer } from "./control-server.ts";

let folder: string;
let port: number;
let desk: Peer;
let lap: Peer;
let control: ControlServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-judged-"));
  port = await freePort();
  lap = await createPeer({ folder: join(folder, "lap"), listen: "127.0.0.1:0" });
  await rise();
  const invitation = desk.invite({ name: "lap", allow: ["message", "task_delegate"] });
  await lap.accept(invitation.link, { name: "desk", allow: ["message"] });
  await invitation.paired;
});
afterAll(async () => {
  await fall();
  await lap.close();
  rmSync(folder, { recursive: true });
});

async function rise(): Promise<void> {
  desk = await createPeer({ folder: join(folder, "desk"), listen: `127.0.0.1:${port}` });
  const listen = { host: "127.0.0.1", port: 0 };
  control = await startControlServer(desk, { listen, name: "desk", isToken: (offered) => offered === "t", log: silentLog });
}
async function fall(): Promise<void> {
  await control[Symbol.asyncDispose]();
  await desk.close();
}

type Json = Readonly<Record<string, unknown>>;
async function post(path: string, body: object): Promise<Json> {
  const headers = { authorization: "Bearer t", "content-type": "application/json" };
  const answer = await fetch(`http://127.0.0.1:${control.port}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return (await answer.json()) as Json;
}

const serve = async (capability: string, settings: object): Promise<string> =>
  `/servings/${String((await post("/servings", { capability, ...settings }))["id"])}`;

/** Waits for a task of the serving, and gives what it was given unless told otherwise. */
async function work(serving: string, result?: unknown): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) {
    const [first] = (await post(`${serving}/news`, {}))["tasks"] as readonly { readonly errand: string; readonly task: Json }[];
    if (first !== undefined) return void (await post(`${serving}/errands/${first.errand}`, { result: result ?? first.task["input"] }));
  }
}

const word = { type: "string", pattern: "^([a-z]+)+$" };
const hanging = `${"a".repeat(60)}!`;
const lastOf = async (capability: string, input: unknown): Promise<unknown> => {
  const task = await lap.delegate("desk", capability, input);
  return await task.result().catch((error: Error) => error.message);
};
const inputLate = "The task was rejected (INVALID_INPUT: The input: it could not be judged in time).";

/** The longest that the peer's door took to answer meanwhile. */
async function slowestHealth(meanwhile: Promise<unknown>): Promise<number> {
  let [slowest, isOver] = [0, false];
  const watched = meanwhile.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const began = performance.now();
    await fetch(`http://127.0.0.1:${port}/health`).then((answer) => answer.text());
    slowest = Math.max(slowest, performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await watched;
  return slowest;
}

test("an input that cannot be judged in time is rejected; the peer answers meanwhile, and the next task is done [TASK-3]", async () => {
  const serving = await serve("spell", { inputSchema: word });
  const began = performance.now();
  const said = lastOf("spell", hanging);
  expect(await slowestHealth(said)).toBeLessThan(700);
  expect(await said).toBe(inputLate);
  expect(performance.now() - began).toBeLessThan(8_000);
  const [output] = await Promise.all([lastOf("spell", "abc"), work(serving)]);
  expect(output).toBe("abc");
});

test("an output that cannot be judged in time fails the task, and the next one is done [TASK-4]", async () => {
  const serving = await serve("say", { outputSchema: word });
  const [said] = await Promise.all([lastOf("say", 1), work(serving, hanging)]);
  expect(said).toBe("The task failed (INVALID_OUTPUT: The handler's output: it could not be judged in time).");
  const [output] = await Promise.all([lastOf("say", 2), work(serving, "abc")]);
  expect(output).toBe("abc");
});

test("another capability is not held up meanwhile", async () => {
  const [, other] = [await serve("stuck", { inputSchema: word }), await serve("other", { inputSchema: word })];
  const order: string[] = [];
  await lap.delegate("desk", "other", "warm").then((task) => Promise.all([task.result(), work(other)]));
  const stuck = lastOf("stuck", hanging).then((said) => order.push(String(said)));
  await Promise.all([stuck, lastOf("other", "abc").then((said) => order.push(String(said))), work(other)]);
  expect(order).toEqual(["abc", inputLate]);
});

test("such a task that was kept over a restart is rejected when its capability is served, and the next one is done [TASK-3]", async () => {
  const before = await serve("kept", { inputSchema: word });
  await post(`${before}/suspension`, {});
  const task = await lap.delegate("desk", "kept", hanging);
  for await (const _ of task) break;
  await fall();
  await rise();
  const serving = await serve("kept", { inputSchema: word });
  expect(await task.result().catch((error: Error) => error.message)).toBe(inputLate);
  const [output] = await Promise.all([lastOf("kept", "abc"), work(serving)]);
  expect(output).toBe("abc");
});

test("however many such inputs wait, a task that is done is completed, and no other input is refused for them [TASK-3] [TASK-4]", async () => {
  const serving = await serve("both", { inputSchema: word, outputSchema: word, concurrency: 2 });
  const done = lastOf("both", "abc");
  await expect.poll(async () => (await lap.tasks({ limit: 1 }))[0]?.state, { timeout: 10_000 }).toBe("working");
  await Promise.all(Array.from({ length: 300 }, () => lap.delegate("desk", "both", hanging)));
  const waiting = await lap.delegate("desk", "both", "def");
  await expect.poll(async () => (await desk.tasks({ limit: 1_000 })).length, { timeout: 30_000 }).toBeGreaterThan(300);
  const [output] = await Promise.all([done, work(serving)]);
  expect(output).toBe("abc");
  expect(await waiting.status()).toMatchObject({ state: "submitted" });
});
