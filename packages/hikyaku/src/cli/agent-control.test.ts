/** What an agent's program says to a peer that went and came again, and to whoever has its port meanwhile. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Config, resolveConfig } from "../config/config.ts";
import { writeControlRecord } from "../keystore/control-record.ts";
import { newControlToken } from "../keystore/control-token.ts";
import { type FolderLock, lockFolder } from "../store/folder-lock.ts";
import { AgentControl } from "./agent-control.ts";

/** What it is asked, in the order of arrival; whoever asks for `/hang` gets no answer. */
class Listener {
  readonly asked: string[] = [];
  connections = 0;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, answer) => {
      this.asked.push(request.url ?? "");
      if (request.url !== "/hang") answer.end("{}");
    }).on("connection", () => {
      this.connections += 1;
    });
  }

  async open(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

const calls = 3;

let folder: string;
let config: Config;
let lock: FolderLock;
let peer: Listener;
let port: number;
let control: AgentControl;
const recordAt = (port: number): Promise<void> =>
  writeControlRecord(folder, { pid: process.pid, address: { host: "127.0.0.1", port }, token: newControlToken() });
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-control-"));
  config = await resolveConfig({ flags: { folder } });
  lock = lockFolder(folder);
  peer = new Listener();
  port = await peer.open();
  await recordAt(port);
  control = new AgentControl(config, { agent: "agent", calls });
});
afterEach(async () => {
  await control.close();
  await peer.close();
  lock.release();
  rmSync(folder, { recursive: true });
});

/** Somebody else at the port of a peer that crashed. */
async function crash(): Promise<Listener> {
  await peer.close();
  lock.release();
  const stranger = new Listener();
  await stranger.open(port);
  return stranger;
}

test("as many as may be in work at once are asked at once, and whoever hears of changes beside them", async () => {
  const hanging = Array.from({ length: calls - 1 }, (_, index) => (index % 2 === 0 ? control.post("/hang", {}) : control.get("/hang")));
  const feed = control.get("/hang");
  await vi.waitUntil(() => peer.asked.length === calls);
  expect(await control.post("/tasks/01/cancel", {})).toEqual({});
  expect(await control.get("/tasks/01")).toEqual({});
  await peer.close();
  await Promise.allSettled([...hanging, feed]);
});

test("whoever takes the port of a peer that crashed gets neither the token nor a word", async () => {
  await control.get("/a");
  await control.post("/a", {});
  const stranger = await crash();
  for (const _ of [1, 2]) {
    await expect(control.get("/a")).rejects.toMatchObject({ code: "UNREACHABLE" });
    await expect(control.post("/a", { text: "a secret" })).rejects.toMatchObject({ code: "UNREACHABLE" });
  }
  expect([stranger.connections, stranger.asked]).toEqual([0, []]);
  await stranger.close();
});

test("nor does it where the peer crashed while it was asked something", async () => {
  const hanging = control.post("/hang", {}).then(String, String);
  await vi.waitUntil(() => peer.asked.length > 0);
  const stranger = await crash();
  expect(await hanging).toContain("stopped before it answered");
  await expect(control.post("/a", { text: "a secret" })).rejects.toThrow("is not running");
  expect([stranger.connections, stranger.asked]).toEqual([0, []]);
  await stranger.close();
});

test("a peer that was started anew at another port is found there, and whoever has the old port hears nothing", async () => {
  await control.post("/a", {});
  const stranger = await crash();
  lock = lockFolder(folder);
  peer = new Listener();
  await recordAt(await peer.open());
  await control.post("/b", {});
  expect([peer.asked, stranger.asked, stranger.connections]).toEqual([["/b"], [], 0]);
  await stranger.close();
});
