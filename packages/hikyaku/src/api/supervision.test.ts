import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Peer, silentLog, type WakeCall } from "@hikyaku/peer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPeer } from "../create-peer.ts";
import { type ControlServer, startControlServer } from "./control-server.ts";

const calls: Pick<WakeCall, "from" | "reason">[] = [];
let folder: string;
let desk: Peer;
let lap: Peer;
let control: ControlServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-supervision-"));
  const wake = async ({ from, reason = "" }: WakeCall): Promise<void> => void calls.push({ from, reason });
  desk = await createPeer({ folder: join(folder, "desk"), listen: "127.0.0.1:0" });
  lap = await createPeer({ folder: join(folder, "lap"), listen: "127.0.0.1:0", wake });
  await desk.trust({ peer: lap.did, name: "lap", allow: ["message"], addresses: lap.addresses });
  await lap.trust({ peer: desk.did, name: "desk", allow: ["wake_up"], addresses: desk.addresses });
  const listen = { host: "127.0.0.1", port: 0 };
  control = await startControlServer(desk, { listen, name: "desk", isToken: (offered) => offered === "t", log: silentLog });
});
afterAll(async () => {
  await control[Symbol.asyncDispose]();
  await Promise.all([desk.close(), lap.close()]);
  rmSync(folder, { recursive: true });
});

async function ask(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: unknown }> {
  const headers = { authorization: "Bearer t", ...(body === undefined ? {} : { "content-type": "application/json" }) };
  const settings = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fetch(`http://127.0.0.1:${control.port}${path}`, settings);
  return { status: answer.status, body: await answer.json() };
}

test("a peer is called to come up, with a reason and as far as one wants to wait [WAKE-1]", async () => {
  expect(await ask("POST", "/peers/lap/wake", { reason: "news" })).toMatchObject({ status: 200, body: { stage: "handled" } });
  expect(calls).toEqual([{ from: { did: desk.did, name: "desk", trust: "trusted" }, reason: "news" }]);
  expect(await ask("POST", "/peers/lap/wake", { until: "stored" })).toMatchObject({ status: 200 });
});

test("what a peer said of itself is told in order, from a position on, with whether it is heard [STATUS-1]", async () => {
  for (const state of ["busy", "idle"]) await lap.send("desk", "status_report", { state, detail: `is ${state}` });
  const { body } = await ask("GET", "/peers/lap/status?limit=9");
  expect(body).toMatchObject({ did: lap.did, name: "lap", health: "connected", heardAt: expect.any(Number) });
  const { reports } = body as { readonly reports: readonly { readonly state: string; readonly position: number }[] };
  expect(reports.map(({ state }) => state)).toEqual(["busy", "idle"]);
  const later = await ask("GET", `/peers/lap/status?after=${reports[0]?.position}`);
  expect(later.body).toMatchObject({ reports: [{ state: "idle", detail: "is idle" }] });
});

test.each([
  ["POST", "/peers/nobody/wake", {}, 404],
  ["GET", "/peers/nobody/status", undefined, 404],
  ["GET", "/peers/lap/status?limit=101", undefined, 400],
  ["GET", "/peers/lap/status?after=-1", undefined, 400],
  ["POST", "/peers/lap/wake", { reason: "x".repeat(257) }, 400],
  ["POST", "/peers/lap/wake", { command: "rm" }, 400],
  ["POST", "/peers/lap/capabilities", { fresh: "yes" }, 400],
] as const)("%s %s with %j has status %i", async (method, path, body, status) => {
  expect((await ask(method, path, body)).status).toBe(status);
});

test("capabilities are asked for once while the answer is good, and anew where that is wanted [CAP-4]", async () => {
  const asked = (): number => lap.stats()["received.capability_query"] ?? 0;
  const before = asked();
  const first = await ask("POST", "/peers/lap/capabilities", {});
  expect(first.body).toMatchObject({ from: lap.did, to: desk.did, signature: expect.any(String) });
  expect(await ask("POST", "/peers/lap/capabilities", {})).toEqual(first);
  expect(asked()).toBe(before + 1);
  await ask("POST", "/peers/lap/capabilities", { fresh: true });
  expect(asked()).toBe(before + 2);
});

test("the owner sees what programs offer here, for whom by name, and whether they are here", async () => {
  expect((await ask("GET", "/capabilities")).body).toEqual({ capabilities: [] });
  await desk.capability("sum", { for: ["lap"], description: "adds" }, () => 0);
  const sum = { name: "sum", version: "1", description: "adds", limits: { concurrency: 1 }, load: { running: 0, waiting: 0 } };
  expect((await ask("GET", "/capabilities")).body).toEqual({ capabilities: [{ ...sum, for: ["lap"], isLive: true }] });
});
