/** Changes over the control interface: lap asks what there is to look at again, while things happen to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Changed, type Peer, silentLog } from "@hikyaku/peer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPeer } from "../create-peer.ts";
import { type ControlServer, startControlServer } from "./control-server.ts";

let folder: string;
let desk: Peer;
let lap: Peer;
let control: ControlServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-changes-"));
  [desk, lap] = (await Promise.all(["desk", "lap"].map((name) => createPeer({ folder: join(folder, name), listen: "127.0.0.1:0" })))) as [
    Peer,
    Peer,
  ];
  const listen = { host: "127.0.0.1", port: 0 };
  control = await startControlServer(lap, { listen, name: "lap", isToken: (offered) => offered === "t", log: silentLog });
});
afterAll(async () => {
  await control[Symbol.asyncDispose]();
  await Promise.all([desk.close(), lap.close()]);
  rmSync(folder, { recursive: true });
});

async function changes(after: number, waitMs = 10_000): Promise<Changed> {
  const headers = { authorization: "Bearer t" };
  const answer = await fetch(`http://127.0.0.1:${control.port}/changes?after=${after}&waitMs=${waitMs}`, { headers });
  return (await answer.json()) as Changed;
}

/** All that changes until a subject has. */
async function until(subject: string, after: number): Promise<Changed> {
  let changed = await changes(after);
  for (let turns = 0; turns < 20 && !changed.subjects.some((one) => one === subject); turns += 1) changed = await changes(changed.cursor);
  return changed;
}

test("who waits for a change hears of a peer, a message, that it was read, and a task, each as its subject", async () => {
  let { cursor } = await changes(0);
  const invitation = desk.invite({ name: "lap", allow: ["message", "task_delegate"] });
  await lap.accept(invitation.link, { name: "desk", allow: ["message"] });
  await invitation.paired;
  ({ cursor } = await until("peers", cursor));

  const waiting = until("inbox", cursor);
  await desk.send("lap", "message", { text: "hello" }, { until: "stored" });
  ({ cursor } = await waiting);
  const [message] = await lap.inbox({ limit: 1 });
  if (message === undefined) throw new Error("nothing arrived");
  await lap.markRead([message]);
  ({ cursor } = await until("inbox", cursor));

  await desk.capability("echo", {}, (task) => task.input);
  await (await lap.delegate("desk", "echo", 1)).result();
  expect((await until("tasks", cursor)).subjects).toContain("tasks");
});

test("without a change the answer is empty and its cursor the same", async () => {
  let last = await changes(0);
  for (let turns = 0; turns < 20 && last.subjects.length > 0; turns += 1) last = await changes(last.cursor, 300);
  expect(last.subjects).toEqual([]);
  expect(await changes(last.cursor, 0)).toEqual(last);
});

test.each(["after=x", "after=-1", "after=9007199254740992", "waitMs=60001", "since=1"])("the question %s is refused", async (query) => {
  const answer = await fetch(`http://127.0.0.1:${control.port}/changes?${query}`, { headers: { authorization: "Bearer t" } });
  expect(answer.status).toBe(400);
});
