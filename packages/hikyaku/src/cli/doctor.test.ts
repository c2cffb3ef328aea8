/** What `hikyaku doctor` finds: each check on something that is wrong, and the whole on peers that are well, stopped and ill. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { silentLog } from "@hikyaku/peer";
import { freePort, runHere, type Said } from "@hikyaku/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { resolveConfig } from "../config/config.ts";
import { newControlToken } from "../keystore/control-token.ts";
import { type RunningPeer, startRunningPeer } from "../running-peer.ts";
import { lockFolder } from "../store/folder-lock.ts";
import { checkClock } from "./doctor/clock-check.ts";
import { checkDisk } from "./doctor/disk-check.ts";
import type { Finding } from "./doctor/finding.ts";
import { checkFolder } from "./doctor/folder-check.ts";
import { askHealth } from "./doctor/health-question.ts";
import { atOnceMax, inParallel } from "./doctor/in-parallel.ts";
import { checkListener } from "./doctor/listener-check.ts";
import { checkNode } from "./doctor/node-check.ts";
import { checkPort } from "./doctor/port-check.ts";
import { checkProgram } from "./doctor/program-check.ts";
import { checkRunning } from "./doctor/running-check.ts";
import { readPackageFacts } from "./package-facts.ts";
import { run } from "./program.ts";

let above: string;
let desk: RunningPeer;
let lap: RunningPeer;
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-doctor-"));
  [desk, lap] = await Promise.all([comeUp("desk"), comeUp("lap")]);
  const invitation = desk.peer.invite({ name: "lap", allow: ["message"] });
  await lap.peer.accept(invitation.link, { name: "desk", allow: ["message"] });
  await invitation.paired;
});
afterAll(async () => {
  await Promise.all([desk[Symbol.asyncDispose](), lap[Symbol.asyncDispose]()]);
  rmSync(above, { recursive: true });
});

const here = runHere(run);
const folderOf = (name: string): string => join(above, name);
const ports = { listen: "127.0.0.1:0", control: "127.0.0.1:0" };
const configOf = (name: string): ReturnType<typeof resolveConfig> =>
  resolveConfig({ flags: { folder: folderOf(name), ...ports }, environment: {} });

const init = (name: string): Promise<Said> => here(["init", "--folder", folderOf(name), "--name", name]);

async function comeUp(name: string): Promise<RunningPeer> {
  await init(name);
  return await startRunningPeer(await configOf(name), silentLog);
}

interface Report {
  readonly code: number | null;
  readonly findings: readonly Finding[];
  readonly of: (name: string) => Finding | undefined;
}

async function examine(name: string, words: readonly string[] = ["--listen", ports.listen, "--control", ports.control]): Promise<Report> {
  const { code, stdout, stderr } = await here(["doctor", "--folder", folderOf(name), "--json", ...words]);
  expect(stderr).toBe("");
  const findings = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Finding);
  return { code, findings, of: (wanted) => findings.find((finding) => finding.name === wanted) };
}

/** The disk under the tests is not ours to judge. */
const namesOf = ({ findings }: Report, verdict: Finding["verdict"]): readonly string[] =>
  findings.filter((finding) => finding.verdict === verdict && finding.name !== "disk").map(({ name }) => name);

interface Host extends AsyncDisposable {
  readonly port: number;
  readonly address: string;
}

async function host(server: Server): Promise<Host> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  return { port, address: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

const web = (answer: RequestListener): Promise<Host> => host(createServer(answer));
const silent = (): Promise<Host> => host(createTcpServer(() => undefined));
/** A peer listener whose clock is ahead. */
const withClock = (aheadS: number): Promise<Host> =>
  web((_request, answer) => answer.setHeader("date", new Date(Date.now() + aheadS * 1000).toUTCString()).end('{"status":"ok"}'));

test("a peer that is up and reaches its peers is well: exit code 0, one line a check [CLI-4]", async () => {
  const { code, stdout, stderr } = await here(["doctor", "--folder", folderOf("lap")]);
  expect([code, stderr]).toEqual([0, ""]);
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^[!] disk/, "✓ disk"));
  expect(lines.map((line) => line.slice(0, 12).trimEnd())).toEqual(
    ["node", "hikyaku", "settings", "folder", "key", "disk", "running", "listener", "clock", "peer desk"].map((name) => `✓ ${name}`),
  );
  expect(stdout).toMatch(/^✓ running {5}The peer is up and knows 1 peer\.$/m);
  expect(stdout).toMatch(/^✓ clock {7}It agrees with desk\.$/m);
  expect(stdout).toMatch(/^✓ peer desk {3}It answered in \d+ ms\.$/m);
});

test("what a peer announced is not dialled for its clock, and it is reached through the peer that is up [TRUST-6]", async () => {
  const report = await examine("desk");
  expect(desk.peer.givenAddresses("lap")).toEqual([]);
  expect(report.of("clock")).toMatchObject({ verdict: "skipped" });
  expect(report.of("peer lap")).toMatchObject({ verdict: "good" });
  expect(report.code).toBe(0);
});

test("a peer that is not up is told so with the way to start it, and all that can be checked is [CLI-4]", async () => {
  await init("stopped");
  const report = await examine("stopped");
  expect(report.code).toBe(6);
  expect(namesOf(report, "good")).toEqual(["node", "hikyaku", "settings", "folder", "key", "listen", "control"]);
  expect(namesOf(report, "skipped")).toEqual(["clock", "peers"]);
  expect(report.findings.filter(({ verdict }) => verdict === "bad")).toEqual([
    { name: "running", verdict: "bad", found: `The peer in ${folderOf("stopped")} is not running: start it with \`hikyaku up\`.` },
  ]);
});

test("a Node that is too old is told, and one that is not is fine [CLI-4]", () => {
  expect(checkNode("20.1.0", "24.15")).toMatchObject({
    verdict: "bad",
    found: expect.stringContaining("20.1.0"),
    wayOut: expect.any(String),
  });
  expect(checkNode("24.14.9", "24.15")).toMatchObject({ verdict: "bad" });
  for (const version of ["24.15.0", "24.21.0", "26.0.0"]) expect(checkNode(version, "24.15")).toMatchObject({ verdict: "good" });
  expect(checkNode()).toMatchObject({ verdict: "good" });
});

test("a program whose files are gone is told [CLI-4]", () => {
  const nowhere = pathToFileURL(join(above, "package.json"));
  expect(checkProgram(() => readPackageFacts(nowhere))).toMatchObject({ verdict: "bad", wayOut: "Install hikyaku again." });
});

test.each([
  ["is not JSON", "{", /config\.json is not JSON/],
  ["has a wrong value", '{"listen":"nowhere"}', /listen in .*config\.json wants host:port/],
  ["has an unknown key", '{"lisen":"127.0.0.1:1"}', /unknown key "lisen"/],
])("a config file that %s is told, and what rests on it is skipped [CLI-4]", async (_, text, found) => {
  await init("settings");
  writeFileSync(join(folderOf("settings"), "config.json"), text);
  const report = await examine("settings", []);
  expect(report.code).toBe(6);
  expect(namesOf(report, "bad")).toEqual(["settings"]);
  expect(report.of("settings")?.found).toMatch(found);
  expect(namesOf(report, "skipped")).toEqual(["folder", "key", "running", "listen", "control", "clock", "peers"]);
});

test("a folder or key that others may read is told with the command that closes it [KEY-2] [CLI-4]", async () => {
  await init("lax");
  chmodSync(join(folderOf("lax"), "key"), 0o644);
  const laxKey = await examine("lax");
  expect([laxKey.code, namesOf(laxKey, "bad")]).toEqual([6, ["key", "running"]]);
  expect(laxKey.of("key")?.found).toMatch(/key is open to other users \(mode 0644\): close it with `chmod 600 /);
  chmodSync(folderOf("lax"), 0o755);
  const laxFolder = await examine("lax");
  expect(namesOf(laxFolder, "bad")).toEqual(["folder", "running"]);
  expect(laxFolder.of("folder")?.found).toMatch(/mode 0755\): close it with `chmod 700 /);
  expect(laxFolder.of("key")).toMatchObject({ verdict: "skipped" });
});

test("a folder that is missing, empty, or cannot be written to is told [CLI-4]", async () => {
  expect((await examine("missing")).of("folder")).toMatchObject({ verdict: "bad", wayOut: expect.stringContaining("hikyaku init") });
  mkdirSync(folderOf("empty"), { mode: 0o700 });
  expect((await examine("empty")).of("key")).toMatchObject({ verdict: "bad", found: expect.stringContaining("hikyaku init") });
  const readOnly = Object.assign(new Error("read-only"), { code: "EROFS" });
  expect(await checkFolder(folderOf("empty"), async () => await Promise.reject(readOnly))).toMatchObject({
    verdict: "bad",
    found: expect.stringContaining("EROFS"),
    wayOut: expect.stringContaining("read-only"),
  });
});

test.each([
  [0, "bad"],
  [63, "bad"],
  [64, "warning"],
  [511, "warning"],
  [512, "good"],
  [500_000, "good"],
] as const)("%i MiB of free space are %s [CLI-4]", async (mebibytes, verdict) => {
  const finding = await checkDisk("/data", async () => ({ bavail: mebibytes * 256, bsize: 4096 }));
  expect(finding).toMatchObject({ verdict, found: `${mebibytes} MiB are free under /data.` });
  expect(finding.wayOut === undefined).toBe(verdict === "good");
});

test("where the space cannot be measured that is no verdict", async () => {
  expect(await checkDisk(join(above, "nowhere"))).toMatchObject({ verdict: "skipped" });
  expect(await checkDisk(above)).toMatchObject({ found: expect.stringMatching(/^\d+ MiB are free/) });
});

test("a port that is taken, or an address that this machine has not, is told with the flag that changes it [CLI-4]", async () => {
  await using taken = await silent();
  await init("ports");
  const at = `127.0.0.1:${taken.port}`;
  const report = await examine("ports", ["--listen", at, "--control", at]);
  expect(report.code).toBe(6);
  for (const name of ["listen", "control"])
    expect(report.of(name)).toEqual({
      name,
      verdict: "bad",
      found: `${at} is taken by another program, perhaps another hikyaku.`,
      wayOut: `Stop that one, or choose another port with --${name}.`,
    });
  expect(await checkPort("listen", { host: "192.0.2.1", port: 0 })).toMatchObject({
    verdict: "bad",
    found: expect.stringContaining("no address"),
  });
});

test("a port that was looked at is free afterwards", async () => {
  const endpoint = { host: "127.0.0.1", port: await freePort() };
  for (const _ of [1, 2]) expect(await checkPort("listen", endpoint)).toMatchObject({ verdict: "good" });
});

const leaveRecord = (name: string, port: number): void => {
  mkdirSync(folderOf(name), { mode: 0o700 });
  const record = `{"pid":4242,"address":"127.0.0.1:${port}","token":"${newControlToken()}"}\n`;
  writeFileSync(join(folderOf(name), "control"), record, { mode: 0o600 });
};

test("a peer that crashed, or whose token another one refuses, is not up [CLI-4]", async () => {
  await using stranger = await web((_request, answer) => answer.writeHead(403).end('{"error":{"code":"UNAUTHORIZED","message":"no"}}'));
  leaveRecord("crashed", 1);
  leaveRecord("foreign", stranger.port);
  for (const name of ["crashed", "foreign"]) {
    const { finding, peer } = await checkRunning(await configOf(name), { connections: 1 });
    expect([finding.verdict, finding.found, peer]).toEqual(["bad", expect.stringContaining("is not running: start it"), undefined]);
  }
});

test("who listens at a crashed peer's port gets neither its token nor a word [CTL-2] [CLI-4]", async () => {
  const asked: string[] = [];
  await using impostor = await web((request, answer) => {
    asked.push(`${request.headers.authorization}`);
    answer.writeHead(200).end('{"status":"ok"}');
  });
  leaveRecord("impostor", impostor.port);
  const { finding } = await checkRunning(await configOf("impostor"), { connections: 1 });
  expect(finding).toMatchObject({ verdict: "bad", found: expect.stringContaining("is not running") });
  expect(asked).toEqual([]);
});

test("a peer that is stuck is told with the process to end, and nobody waits for it long [CLI-4]", async () => {
  await using stuck = await silent();
  leaveRecord("stuck", stuck.port);
  using _lock = lockFolder(folderOf("stuck"));
  const { finding } = await checkRunning(await configOf("stuck"), { connections: 1, answerMsMax: 100 });
  expect(finding).toMatchObject({ verdict: "bad", found: expect.stringMatching(/gives no answer: end process 4242 if it is stuck/) });
});

test("a listener that answers nowhere is told; one that only this machine hears is a warning [CLI-4]", async () => {
  await using listening = await withClock(0);
  await using broken = await web((_request, answer) => answer.writeHead(302, { location: `${listening.address}/health` }).end());
  const nowhere = { host: "127.0.0.1", port: 0 };
  expect(await checkListener([listening.address], nowhere)).toMatchObject({ verdict: "good" });
  expect(await checkListener(["http://127.0.0.1:1", broken.address], nowhere)).toMatchObject({
    verdict: "bad",
    found: expect.stringContaining("http://127.0.0.1:1"),
    wayOut: expect.stringContaining("firewall"),
  });
  expect(await checkListener(["http://127.0.0.1:1"], { host: "0.0.0.0", port: listening.port })).toMatchObject({
    verdict: "warning",
    wayOut: expect.stringContaining("--advertise"),
  });
});

test.each([
  [400, /^It is (399|400|401) s behind the clock of slow;/],
  [-400, /^It is (399|400|401) s ahead of the clock of slow;/],
])("a clock that is %i s off is told with the peer and the difference [CLI-4]", async (aheadS, found) => {
  await using slow = await withClock(aheadS);
  await using sound = await withClock(0);
  const finding = await checkClock([
    { name: "sound", givenAddresses: [sound.address] },
    { name: "slow", givenAddresses: ["http://127.0.0.1:1", slow.address] },
  ]);
  expect(finding).toMatchObject({ verdict: "bad", found: expect.stringMatching(found), wayOut: expect.stringContaining("hint") });
});

test("a clock within five minutes is fine, and where nobody tells the time there is no verdict", async () => {
  await using near = await withClock(290);
  await using mute = await web((_request, answer) => answer.setHeader("date", "yesterday").end());
  const peers = [
    { name: "near", givenAddresses: [near.address] },
    { name: "mute", givenAddresses: [mute.address] },
    { name: "far", givenAddresses: ["http://127.0.0.1:1"] },
  ];
  expect(await checkClock(peers)).toMatchObject({ verdict: "good", found: "It agrees with near." });
  expect(await checkClock(peers.slice(1))).toMatchObject({ verdict: "skipped" });
  expect(await checkClock([])).toMatchObject({ verdict: "skipped" });
});

test("an answer without end or beginning holds nobody up", async () => {
  await using endless = await web((_request, answer) => {
    answer.writeHead(200);
    const more = setInterval(() => answer.write("x".repeat(10_000)), 1);
    answer.on("close", () => clearInterval(more));
  });
  await using never = await silent();
  expect(await askHealth(endless.address, AbortSignal.timeout(1000))).toMatchObject({ isWell: true });
  expect(await askHealth(never.address, AbortSignal.timeout(100))).toBeUndefined();
});

test("a peer 400 s off that cannot be reached is red twice; who is blocked or can only call is passed over [CLI-4]", async () => {
  await using off = await withClock(400);
  const strangers = ["z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"];
  const [first = "", second = ""] = strangers.map((key) => `did:key:${key}`);
  await lap.peer.trust({ peer: first, name: "off", addresses: [off.address] });
  await lap.peer.trust({ peer: second, name: "gone", addresses: ["http://127.0.0.1:1"] });
  const report = await examine("lap");
  expect([report.code, namesOf(report, "bad")]).toEqual([6, ["clock", "peer gone", "peer off"]]);
  expect(report.of("clock")?.found).toMatch(/ s behind the clock of off;/);
  expect(report.of("peer gone")).toEqual({
    name: "peer gone",
    verdict: "bad",
    found: expect.stringMatching(/127\.0\.0\.1:1 .*connection refused/),
    wayOut: expect.stringContaining("hikyaku trust gone --at"),
  });
  await lap.peer.trust({ peer: "off", level: "blocked" });
  await lap.peer.trust({ peer: "gone", addresses: [] });
  const after = await examine("lap");
  expect([after.code, namesOf(after, "skipped")]).toEqual([0, ["peer gone", "peer off"]]);
  await lap.peer.forget("off");
  await lap.peer.forget("gone");
});

test("a peer that answers but takes nothing is told with whom to ask [CLI-4]", async () => {
  await desk.peer.trust({ peer: "lap", level: "blocked" });
  const report = await examine("lap");
  expect([report.code, namesOf(report, "bad")]).toEqual([6, ["peer desk"]]);
  expect(report.of("peer desk")?.wayOut).toMatch(/ask its owner/);
});

test("many are asked in parallel, never more than a few at once, and come back in order", async () => {
  let inWork = 0;
  let most = 0;
  const items = Array.from({ length: 30 }, (_, index) => index);
  const doubled = await inParallel(items, async (item) => {
    inWork += 1;
    most = Math.max(most, inWork);
    await new Promise((resolve) => setTimeout(resolve, item % 3));
    inWork -= 1;
    return item * 2;
  });
  expect([doubled, most]).toEqual([items.map((item) => item * 2), atOnceMax]);
  expect(await inParallel([], async () => 1)).toEqual([]);
});
