/** Two real peers live through a day on which everything goes wrong, and nothing secret of theirs is in a log line, an error or a count (spec KEY-6). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log, Peer } from "@hikyaku/peer";
import { failureOf, hikyaku, type Outcome } from "@hikyaku/testkit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPeer } from "./create-peer.ts";

vi.setConfig({ testTimeout: 90_000 });

let above: string;
beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-canaries-"));
});
afterEach(() => rmSync(above, { recursive: true }));

/** In every text that must not get out. */
const canary = "canary";
const tokenIn = (link: string): string => /token=([0-9a-f]{32})/.exec(link)?.[1] ?? "no token";

/** The secrets of a key file that is not sealed, as they might be written. */
function secretsIn(folder: string): readonly string[] {
  const file = JSON.parse(readFileSync(join(folder, "key"), "utf8")) as { readonly seed?: string; readonly storageKey?: string };
  return [file.seed, file.storageKey].flatMap((hex) => (hex === undefined ? [] : spellings(hex)));
}

const spellings = (hex: string): readonly string[] => {
  const bytes = Buffer.from(hex, "hex");
  return [hex, hex.toUpperCase(), bytes.toString("base64"), bytes.toString("base64url"), bytes.join()];
};

/** Sends bytes that are no message, and waits for the end of it. */
const sendRaw = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    let said = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(text));
    socket.setEncoding("utf8").on("data", (part: string) => {
      said += part;
    });
    socket.on("error", () => resolve(said)).on("close", () => resolve(said));
  });

const post = (body: string, ...headers: readonly string[]): string =>
  [
    "POST /message HTTP/1.1",
    ...headers,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
const portOf = (address: string): number => Number(address.split(":").at(-1));

/** What any stranger may send: secrets in every place, and characters that would begin a line of their own. */
const strange: readonly string[] = [
  post('{"canary', "Host: canary\u001b[31m\tcanary"),
  post('{"msg_type":"canary\\n{\\"level\\":50}"}', "Host: canary", "X-Canary: canary"),
  "GET /canary%0acanary HTTP/1.1\r\nHost: canary\r\nConnection: close\r\n\r\n",
  "GET /%zz-canary HTTP/1.1\r\nHost: canary\r\nConnection: close\r\n\r\n",
  "canary\r\n\r\n",
];

test("in one process: pairing, messages, refusals, a handler that throws, a peer that is gone, a restart [KEY-6]", async () => {
  const lines: string[] = [];
  const failures: unknown[] = [];
  const log: Log = { write: (...event) => void lines.push(JSON.stringify(event)) };
  const folderOf = (name: string): string => join(above, name);
  const start = (name: string): Promise<Peer> => createPeer({ folder: folderOf(name), listen: "127.0.0.1:0", log });
  const fails = async (work: Promise<unknown>): Promise<void> => void failures.push(await failureOf(work));
  const secrets: string[] = [canary];
  const counts: string[] = [];
  {
    await using desk = await start("desk");
    await using lap = await start("lap");
    secrets.push(...secretsIn(folderOf("desk")), ...secretsIn(folderOf("lap")));
    // A link for somebody else, one for the lap, and one whose person cannot answer.
    const refusing = desk.invite({ name: "guest", allow: [], confirm: () => Promise.reject(new Error("canary of a person")) });
    await fails(
      Promise.all([refusing.paired, lap.accept(refusing.link, { name: "desk", allow: ["message"] }).then(() => refusing.paired)]),
    );
    await lap.forget("desk").catch(() => undefined);
    const invitation = desk.invite({ name: "lap", allow: ["message"] });
    secrets.push(tokenIn(refusing.link), tokenIn(invitation.link));
    await lap.accept(invitation.link, { name: "desk", allow: ["message"] });
    await invitation.paired;
    await fails(lap.accept(invitation.link, { name: "again", allow: [] }, { timeoutMs: 1000 }));
    await fails(lap.accept(`${invitation.link}canary`, { name: "bad", allow: [] }));

    desk.on("message", ({ body }) => {
      throw new TypeError(`canary in ${JSON.stringify(body)}\n    at canary (file:///canary:1:1)`);
    });
    await fails(lap.send("desk", "message", { text: "canary one" }, { until: "handled" }));
    await lap.send("desk", "status_report", { state: "canary", detail: "canary\nlog: {}" });
    await fails(lap.send("desk", "message", { json: 1n as never }));
    await desk.trust({ peer: "lap", allow: [] });
    await fails(lap.send("desk", "message", { text: "canary two" }));
    for (const text of strange) await sendRaw(portOf(desk.addresses[0] ?? ""), text);
    counts.push(JSON.stringify([desk.stats(), lap.stats(), desk.sizes(), lap.sizes()]));
    await desk.trust({ peer: "lap", allow: ["message"] });
    await desk.close();
    counts.push(JSON.stringify(await lap.send("desk", "message", { text: "canary three" })));
  }
  await using lap = await start("lap");
  const kept = await lap.send("desk", "message", { text: "canary four" });
  expect(kept.stage).toBe("queued");
  counts.push(JSON.stringify([kept, await lap.explain(kept.id), await lap.dead({ limit: 10 })]));
  await fails(createPeer({ folder: folderOf("lap"), listen: "127.0.0.1:0", passphrase: "canary" }));
  await fails(createPeer({ folder: folderOf("sealed"), listen: "127.0.0.1:99999", passphrase: "canary" }));

  expect(failures).toHaveLength(8);
  expect(failures.filter((failure) => String(failure).includes("did not fail"))).toEqual([]);
  // What a program's own callback threw goes back to that program as it was.
  const ours = failures.filter((failure) => !/canary of a person/.test(String(failure)));
  const told = [...lines, ...counts, ...ours.map((failure) => `${String(failure)} ${JSON.stringify(failure)}`)].join("\n");
  for (const event of ["session.established", "peer.paired", "handler.failed"]) expect(told).toContain(event);
  for (const secret of secrets) expect(told).not.toContain(secret);
  for (const line of lines) expect(line).not.toMatch(/\p{Cc}/u);
});

test("as programs, at the level debug: every event is one line of JSON, and nothing secret is in any output that is not its purpose [KEY-6]", async () => {
  const folder = (name: string): string => join(above, name);
  const passphrase = "canary passphrase";
  const env = { HIKYAKU_PASSPHRASE: passphrase };
  writeFileSync(join(above, "passphrase"), `${passphrase}\n`, { mode: 0o600 });
  const said: string[] = [];
  const run = async (words: readonly string[], with_: Readonly<Record<string, string>> = {}): Promise<Outcome> => {
    const outcome = await hikyaku.run(words, { env: with_ });
    said.push(outcome.stdout, outcome.stderr);
    return outcome;
  };
  await run(["init", "--folder", folder("desk"), "--name", "desk", "--passphrase-file", join(above, "passphrase")]);
  await run(["init", "--folder", folder("lap"), "--name", "lap"]);
  const secrets = [...secretsIn(folder("lap")), passphrase];
  const up = (name: string) =>
    hikyaku.start(
      ["up", "--folder", folder(name), "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--json", "--log-level", "debug"],
      /\n/,
      { env },
    );
  const wrong = await run(["up", "--folder", folder("desk"), "--log-level", "debug"], { HIKYAKU_PASSPHRASE: "canary wrong" });
  expect(wrong.code).toBe(6);
  const controlOf = (name: string): { token: string; address: string } =>
    JSON.parse(readFileSync(join(folder(name), "control"), "utf8")) as { token: string; address: string };
  const errors: string[] = [];
  {
    await using desk = await up("desk");
    await using lap = await up("lap");
    secrets.push(...spellings(controlOf("desk").token), ...spellings(controlOf("lap").token));
    const linkPattern = /(hikyaku:pair\?\S+)\n/;
    await using making = await hikyaku.start(
      ["pair", "--name", "lap", "--allow", "message", "--yes", "--folder", folder("desk")],
      linkPattern,
    );
    const [, link = ""] = await making.untilOutput(linkPattern);
    secrets.push(tokenIn(link));
    expect(await run(["pair", link, "--name", "desk", "--allow", "message", "--yes", "--folder", folder("lap")])).toMatchObject({
      code: 0,
    });
    await making.outcome();
    expect(await run(["send", "desk", "canary five", "--folder", folder("lap")])).toMatchObject({ code: 0 });
    expect((await run(["pair", link, "--name", "twice", "--yes", "--folder", folder("lap")])).code).not.toBe(0);
    expect((await run(["send", "desk", "--body", '{"canary', "--folder", folder("lap")])).code).toBe(2);
    const facts = JSON.parse(desk.stdout.split("\n")[0] ?? "") as { readonly addresses: readonly string[]; readonly control: string };
    for (const text of strange) {
      await sendRaw(portOf(facts.addresses[0] ?? ""), text);
      await sendRaw(portOf(facts.control), text.replace("\r\n", `\r\nAuthorization: Bearer ${controlOf("desk").token}\r\n`));
    }
    await run(["stats", "--folder", folder("desk"), "--json"]);
    desk.kill("SIGKILL");
    await desk.outcome();
    const kept = await run(["send", "desk", "canary six", "--wait", "stored", "--timeout", "3", "--json", "--folder", folder("lap")]);
    expect(kept.code).toBe(4);
    const { id } = JSON.parse(kept.stdout) as { readonly id: string };
    expect(await run(["explain", id, "--folder", folder("lap")])).toMatchObject({ code: 0 });
    expect(await run(["dead", "--folder", folder("lap")])).toMatchObject({ code: 0 });
    lap.kill("SIGTERM");
    await lap.outcome();
    errors.push(desk.stderr, lap.stderr);
  }
  await using again = await up("desk");
  errors.push(again.stderr);

  const lines = errors.flatMap((text) => text.split("\n").filter((line) => line !== ""));
  expect(lines.length).toBeGreaterThan(2);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ event: expect.stringMatching(/^[a-z.-]+$/) });
  const told = [...said, ...errors].join("\n");
  for (const secret of [canary, ...secrets]) expect(told).not.toContain(secret);
});
