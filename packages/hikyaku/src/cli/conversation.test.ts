/** Two peers that are up, and people at their command lines. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hikyaku, type Outcome, type RunningProgram, type RunOptions, runHere, type Said } from "@hikyaku/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { run } from "./program.ts";

vi.setConfig({ testTimeout: 60_000 });

interface Facts {
  readonly name: string;
  readonly did: string;
  readonly fingerprint: string;
  readonly addresses: readonly string[];
  readonly control: string;
  readonly pid: number;
}

interface Place {
  readonly folder: string;
  readonly up: RunningProgram;
  readonly facts: Facts;
}

let above: string;
let desk: Place;
let lap: Place;
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-conversation-"));
  [desk, lap] = await Promise.all([settle("desk"), settle("lap")]);
}, 60_000);
afterAll(async () => {
  await Promise.all([desk.up[Symbol.asyncDispose](), lap.up[Symbol.asyncDispose]()]);
  rmSync(above, { recursive: true });
});

async function settle(name: string): Promise<Place> {
  const folder = join(above, name);
  await hikyaku.run(["init", "--folder", folder, "--name", name]);
  const words = ["up", "--folder", folder, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--json", "--log-level", "debug"];
  const up = await hikyaku.start(words, /\n/);
  return { folder, up, facts: JSON.parse(up.stdout) as Facts };
}

const at = ({ folder }: Place, words: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  hikyaku.run([...words, "--folder", folder], options);
/** The same in this process, where the words matter and the process does not. */
const sayHere = runHere(run);
const here = ({ folder }: Place, words: readonly string[]): Promise<Said> => sayHere([...words, "--folder", folder]);
const jsonAt = async (place: Place, words: readonly string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await here(place, [...words, "--json"]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
};

interface Ends {
  readonly maker: Outcome;
  readonly user: Outcome;
}

/** Makes a link at the desk and uses it at the lap; each side is told what its person types. */
async function pairThem(makerSays: string | undefined, userSays: string | undefined): Promise<Ends> {
  const says = (said: string | undefined): readonly string[] => (said === undefined ? ["--yes"] : []);
  const make = ["pair", "--name", "lap", "--allow", "message,task_delegate", "--folder", desk.folder];
  await using making = await hikyaku.start([...make, ...says(makerSays)], /(hikyaku:pair\?\S+)\n/);
  const [, link = ""] = await making.untilOutput(/(hikyaku:pair\?\S+)\n/);
  await using using = await hikyaku.start(
    ["pair", "-", "--name", "desk", "--allow", "message", "--folder", lap.folder, ...says(userSays)],
    /The pairing link/,
  );
  using.write(`${link}\n`);
  // Nobody answers before both have seen the number: a no reaches the other side at once.
  await Promise.all([making.untilOutput(/Safety number/), using.untilOutput(/Safety number/)]);
  using.endInput(userSays ?? "");
  making.endInput(makerSays ?? "");
  const [maker, user] = await Promise.all([making.outcome(), using.outcome()]);
  return { maker, user };
}

const safetyNumberIn = ({ stdout }: Outcome): string => /Safety number: ((?:\d{5} ?){12})/.exec(stdout)?.[1]?.trim() ?? "none";
const unreachable = "http://127.0.0.1:1";

/** What `send` says of a message that is kept and goes on being tried. */
const queued = (problem: string): RegExp =>
  new RegExp(`^([0-9a-f-]{36}) {2}queued: ${problem}\\n {4}retrying until \\w{3} \\d\\d:\\d\\d:\\d\\d; hikyaku explain \\1\\n$`);

/** Has desk and lap look for each other where nobody listens, with no link left between them. */
async function loseEachOther(): Promise<void> {
  await here(lap, ["trust", "desk", "--at", unreachable]);
  await here(desk, ["block", "lap"]);
  await here(desk, ["trust", "lap", "--level", "trusted", "--at", unreachable]);
}

async function findEachOther(): Promise<void> {
  await here(lap, ["trust", "desk", "--at", desk.facts.addresses.join(",")]);
  await here(desk, ["trust", "lap", "--at", lap.facts.addresses.join(",")]);
}

test("up says where it is and who it is", () => {
  expect(desk.facts).toEqual({
    name: "desk",
    did: expect.stringMatching(/^did:key:z6Mk/),
    fingerprint: expect.stringMatching(/^(?:[A-Z2-7]{4} ?){8}$/),
    addresses: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)],
    control: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    pid: desk.up.pid,
  });
});

test("before anything else there are no peers, no messages and no numbers, and the text says what to do", async () => {
  const [peers, inbox, stats] = await Promise.all([here(desk, ["peers"]), here(desk, ["inbox"]), here(desk, ["stats"])]);
  expect([peers.stdout, inbox.stdout]).toEqual([
    "No peers yet. Add one with: hikyaku pair --name NAME --allow message\n",
    "No new messages. Older ones: hikyaku inbox --all\n",
  ]);
  expect(stats.stdout).toMatch(/^Nothing has happened yet\.\n(?: +0 {2}[a-zA-Z]+, of at most \d+\n)+$/);
});

test("who says no to the safety number, or nothing, trusts nobody, and the exit code says so [PAIR-4] [CLI-1]", async () => {
  const { maker, user } = await pairThem("n\n", "\n");
  expect([maker.code, user.code]).toEqual([1, 1]);
  for (const { stderr } of [maker, user]) expect(stderr).toMatch(/^hikyaku: .*nobody was trusted.*\n$/);
  expect(safetyNumberIn(maker)).toBe(safetyNumberIn(user));
  expect(await Promise.all([jsonAt(desk, ["peers"]), jsonAt(lap, ["peers"])])).toEqual([{ peers: [] }, { peers: [] }]);
});

test("where one says yes and the other no, the one who said no trusts nobody, and the other sees it in its list [PAIR-4] [PAIR-5]", async () => {
  await using making = await hikyaku.start(["pair", "--name", "lap", "--folder", desk.folder], /(hikyaku:pair\?\S+)\n/);
  const [, link = ""] = await making.untilOutput(/(hikyaku:pair\?\S+)\n/);
  expect(await at(lap, ["pair", "-", "--name", "desk", "--yes"], { stdin: link })).toMatchObject({ code: 0 });
  making.endInput("n\n");
  expect(await making.outcome()).toMatchObject({ code: 1 });
  expect(await jsonAt(desk, ["peers"])).toEqual({ peers: [] });
  await expect
    .poll(async () => (await here(lap, ["peers"])).stdout)
    .toMatch(/^desk {2}trusted .* {2}ALARM PAIRING_DECLINED: while pairing/);
  // An unsigned refusal ends nothing: the message is kept, with what is in its way.
  const kept = await here(lap, ["send", "desk", "hello"]);
  expect(kept).toMatchObject({
    code: 0,
    stderr: "",
    stdout: expect.stringMatching(queued("desk does not know this peer; .*hikyaku pair.*")),
  });
  expect((await here(desk, ["inbox"])).stdout).toMatch(/^No new messages/);
  await here(lap, ["trust", "desk", "--remove"]);
});

test("who is still asked when the other side says no is told so at once, and trusts nobody [PAIR-5]", async () => {
  await using making = await hikyaku.start(["pair", "--name", "lap", "--folder", desk.folder], /(hikyaku:pair\?\S+)\n/);
  const [, link = ""] = await making.untilOutput(/(hikyaku:pair\?\S+)\n/);
  expect(await at(lap, ["pair", "-", "--name", "desk"], { stdin: `${link}\nn\n` })).toMatchObject({ code: 1 });
  // Its person has typed nothing, and the input is open.
  expect(await making.outcome()).toMatchObject({ code: 1, stderr: expect.stringMatching(/^hikyaku: The other side said no .*\n$/) });
  expect(await jsonAt(desk, ["peers"])).toEqual({ peers: [] });
});

test("where nobody can answer the question no link is made, and none is used up [PAIR-4] [CLI-2]", async () => {
  const sentence = /^hikyaku: Nobody here could say .*in a terminal, or add --yes .*\n$/;
  expect(await at(desk, ["pair", "--name", "lap"])).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(sentence) });
  await using making = await hikyaku.start(["pair", "--name", "lap", "--yes", "--json", "--folder", desk.folder], /\n/);
  const { link } = JSON.parse(making.stdout) as { readonly link: string };
  const [using, asked] = [
    ["pair", link, "--name", "desk"],
    ["pair", "-", "--name", "desk", "--json"],
  ] as const;
  expect(await at(lap, using)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(sentence) });
  // The input held the link and nothing more.
  expect(await at(lap, asked, { stdin: link })).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("--yes") });
  expect(await at(lap, [...asked, "--yes"], { stdin: link })).toMatchObject({ code: 0 });
  expect(await making.outcome()).toMatchObject({ code: 0 });
  await Promise.all([here(lap, ["trust", "desk", "--remove"]), here(desk, ["trust", "lap", "--remove"])]);
});

test("both say yes to the same number, and both are told what the other may do [PAIR-4]", async () => {
  const { maker, user } = await pairThem("y\n", "y\n");
  expect([maker.code, user.code, maker.stderr, user.stderr]).toEqual([0, 0, "", ""]);
  expect(safetyNumberIn(maker)).toMatch(/^(?:\d{5} ){11}\d{5}$/);
  expect(safetyNumberIn(maker)).toBe(safetyNumberIn(user));
  expect(maker.stdout).toMatch(
    /^On the other machine, within 10 minutes, once:\n {2}hikyaku pair - --name desk --allow message\n.*\n {2}hikyaku:pair\?.*\nWaiting…\nlap answered\. [^]*Paired\. lap may: message, task_delegate\n$/,
  );
  expect(user.stdout).toMatch(/^The pairing link: Reached desk\. Safety number: [^]*Paired\. desk may: message\n$/);
});

test("a link that was used is worth nothing [PAIR-3]", async () => {
  await here(lap, ["trust", "desk", "--remove"]);
  await here(desk, ["trust", "lap", "--remove"]);
  const make = ["pair", "--name", "lap", "--allow", "message", "--yes", "--json", "--folder", desk.folder];
  await using making = await hikyaku.start(make, /\n/);
  const { link } = JSON.parse(making.stdout) as { readonly link: string };
  const use = ["pair", link, "--name", "desk", "--allow", "message", "--yes", "--json"];
  const used = await at(lap, use);
  expect([
    used.code,
    used.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { state: string }).state),
  ]).toEqual([0, ["asking", "paired"]]);
  expect(await making.outcome()).toMatchObject({ code: 0 });
  const again = await at(lap, ["pair", link, "--name", "twin", "--yes"]);
  expect([again.code, again.stdout]).toEqual([5, ""]);
  expect(again.stderr).toMatch(/^hikyaku: .*used already.*ask for a new one.*\n$/);
});

test("what is no link is a mistake of use [CLI-1]", async () => {
  const [wrong, own] = await Promise.all([
    at(lap, ["pair", "hikyaku:pair?did=x", "--name", "x", "--yes"]),
    at(lap, ["pair", `hikyaku:pair?did=${lap.facts.did}&at=127.0.0.1:1&token=${"0".repeat(32)}`, "--name", "x", "--yes"]),
  ]);
  expect([wrong.code, own.code]).toEqual([2, 2]);
  expect(wrong.stderr).toMatch(/pairing link/);
  expect(own.stderr).toMatch(/itself/);
});

test("who is interrupted while pairing has taken the link back: exit code 130 [CLI-1]", async () => {
  const make = ["pair", "--name", "third", "--json", "--folder", desk.folder];
  await using making = await hikyaku.start(make, /\n/);
  const { link } = JSON.parse(making.stdout) as { readonly link: string };
  making.kill("SIGINT");
  expect(await making.outcome()).toMatchObject({ code: 130 });
  expect(await at(lap, ["pair", link, "--name", "twin", "--yes"])).toMatchObject({ code: 5 });
});

test("peers shows who is trusted with what", async () => {
  const [text, json] = await Promise.all([at(desk, ["peers"]), jsonAt(desk, ["peers"])]);
  expect(text.stdout).toMatch(/^lap {2}trusted {2}(?:connected|silent) {2}may: message {2}http:\/\/127\.0\.0\.1:\d+\n$/);
  expect(json).toMatchObject({
    peers: [{ did: lap.facts.did, name: "lap", level: "trusted", scopes: ["message"], fingerprint: lap.facts.fingerprint }],
  });
});

test("ping and capabilities ask the other side", async () => {
  const [text, json, capabilities] = await Promise.all([
    at(desk, ["ping", "lap", "-c", "2"]),
    jsonAt(desk, ["ping", "lap"]),
    here(desk, ["capabilities", "lap"]),
  ]);
  expect(text).toMatchObject({ code: 0, stdout: expect.stringMatching(/^(?:pong from lap: \d+\.\d ms\n){2}$/) });
  expect(json).toEqual({ peer: "lap", n: 1, ms: expect.any(Number) });
  expect(capabilities.stdout).toMatch(/^lap offers no capabilities yet\nIt takes from you: .*message/);
});

test("verify shows on both screens the same safety number, and changes nothing [PAIR-4] [CTL-5]", async () => {
  // A sign of life may come at any moment.
  const knownAtDesk = async () =>
    ((await jsonAt(desk, ["peers"]))["peers"] as readonly object[]).map((peer) => Object.assign(peer, { heardAt: 0 }));
  const before = await knownAtDesk();
  const [text, json] = await Promise.all([here(desk, ["verify", "lap"]), jsonAt(lap, ["verify", "desk"])]);
  expect(text.stdout).toMatch(
    /^lap {2}trusted\ndid:key:z6Mk\w+\nFingerprint (?:[A-Z2-7]{4} ?){8}\nSafety number: (?:\d{5} ?){12}\nCompare [^\n]+\n$/,
  );
  expect(text.stdout).toContain(`Safety number: ${String(json["safetyNumber"])}\n`);
  expect(text.stdout).toContain(`${lap.facts.did}\nFingerprint ${lap.facts.fingerprint}\n`);
  expect(json).toEqual({
    name: "desk",
    did: desk.facts.did,
    level: "trusted",
    fingerprint: desk.facts.fingerprint,
    safetyNumber: expect.any(String),
  });
  expect(await here(desk, ["verify", "nobody"])).toMatchObject({ code: 2, stderr: expect.stringContaining("hikyaku peers") });
  expect(await knownAtDesk()).toEqual(before);
});

test("scopes shows what a peer may do, and sets exactly what it is told [TRUST-2]", async () => {
  const scopes = async (...words: readonly string[]): Promise<string> => (await here(desk, ["scopes", "lap", ...words])).stdout;
  expect(await scopes()).toBe("lap may: message\n");
  expect(await scopes("task_delegate,chunk")).toBe("lap may: task_delegate, chunk\n");
  expect(await here(lap, ["send", "desk", "hello"])).toMatchObject({ code: 5, stdout: "" });
  for (const none of ["none", ""]) expect(await scopes(none)).toBe("lap may: nothing but report and ask\n");
  expect(await jsonAt(desk, ["scopes", "lap", "message"])).toEqual({
    did: lap.facts.did,
    name: "lap",
    level: "trusted",
    scopes: ["message"],
  });
  expect(await here(lap, ["report", "desk", "idle"])).toMatchObject({ code: 0 });
});

test("neither block nor scopes pins somebody new", async () => {
  const stranger = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
  for (const words of [
    ["block", stranger],
    ["scopes", stranger, "message"],
  ])
    expect(await here(desk, words)).toMatchObject({ code: 2, stderr: expect.stringMatching(/^hikyaku: No peer is called/) });
  expect(await jsonAt(desk, ["peers"])).toMatchObject({ peers: [{ name: "lap" }] });
});

test("a message is sent with the other side's receipt, and read once [BOX-3]", async () => {
  const sent = await at(lap, ["send", "desk", "backup finished"]);
  expect(sent).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^[0-9a-f-]{36} {2}stored \d+ ms\n$/) });
  const receipt = await jsonAt(lap, ["send", "desk", "--body", '{"done":true}']);
  expect(receipt).toMatchObject({ stage: "stored", stages: [{ stage: "stored", afterMs: expect.any(Number) }] });
  const peeked = await at(desk, ["inbox", "--peek"]);
  expect(peeked.stdout).toMatch(
    /^\d\d:\d\d:\d\d {2}lap \(trusted\) {2}backup finished\n\d\d:\d\d:\d\d {2}lap \(trusted\) {2}\{"done":true\}\n$/,
  );
  expect((await here(desk, ["inbox"])).stdout).toBe(peeked.stdout);
  expect((await here(desk, ["inbox"])).stdout).toMatch(/^No new messages/);
  expect(await jsonAt(desk, ["inbox", "--all", "--from", "lap"])).toMatchObject({
    messages: [
      { from: lap.facts.did, sender: { name: "lap", trust: "trusted" }, stage: "delivered", body: { text: "backup finished" } },
      { id: receipt["id"], body: { json: { done: true } } },
    ],
  });
});

test("who waits until it is delivered waits until it is read [BOX-3]", async () => {
  const waiting = at(lap, ["send", "desk", "read me", "--wait", "delivered"]);
  for (let tries = 0; tries < 100; tries += 1) {
    const { messages } = (await jsonAt(desk, ["inbox"])) as { readonly messages: readonly unknown[] };
    if (messages.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(await waiting).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f-]{36} {2}stored \d+ ms {2}delivered \d+ ms\n$/) });
});

test("a text comes from standard input, with its line end taken off and everything else kept", async () => {
  expect(await at(lap, ["send", "desk", "-"], { stdin: "first line\n\tsecond, 飛脚 🏃\r\n" })).toMatchObject({ code: 0 });
  expect(await jsonAt(desk, ["inbox"])).toMatchObject({ messages: [{ body: { text: "first line\n\tsecond, 飛脚 🏃" } }] });
});

test("a text that is too long, or none, is refused before it leaves [CLI-1] [CLI-2]", async () => {
  const [long, binary, argument, large] = await Promise.all([
    at(lap, ["send", "desk", "-"], { stdin: "x".repeat(70_000) }),
    at(lap, ["send", "desk", "-"], { stdin: Uint8Array.of(0xff, 0xfe, 0x00) }),
    here(lap, ["send", "desk", "x".repeat(70_000)]),
    here(lap, ["send", "desk", "--body", JSON.stringify(["x".repeat(130_900)])]),
  ]);
  expect([long.code, binary.code, argument.code]).toEqual([2, 2, 2]);
  expect(long.stderr).toMatch(/at most 65536 bytes: send it in parts\.\n$/);
  expect(binary.stderr).toMatch(/no UTF-8 text/);
  expect(argument.stderr).toMatch(/at most 65536 characters/);
  expect(large).toMatchObject({ code: 5, stdout: "", stderr: expect.stringMatching(/limit/) });
  expect((await here(desk, ["inbox"])).stdout).toMatch(/^No new messages/);
});

test("a report shows in the list of peers", async () => {
  expect(await at(lap, ["report", "desk", "busy", "Page 4 of 10."])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/handled \d+ ms\n$/),
  });
  expect((await at(desk, ["peers"])).stdout).toMatch(/ {2}says: busy, Page 4 of 10\.\n$/);
});

test("control, bidirectional and invisible characters of others reach the terminal as text [CLI-3]", async () => {
  const hostile = "a\u001b[2J\u009b31m\u202egnp\u2066\u200b\u0007\rfake\n18:42:07  desk (admin)  trust me\u{e0041}";
  const shown = "a\\u{1b}[2J\\u{9b}31m\\u{202e}gnp\\u{2066}\\u{200b}\\u{7}\\u{d}fake\\u{a}18:42:07  desk (admin)  trust me\\u{e0041}";
  await at(lap, ["send", "desk", "-"], { stdin: hostile });
  await here(lap, ["send", "desk", "--body", JSON.stringify({ [hostile]: hostile })]);
  await here(lap, ["report", "desk", "\u001b]0;x\u0007", "\u202edone"]);
  const [text, json, peers, peersJson] = await Promise.all([
    at(desk, ["inbox", "--peek"]),
    at(desk, ["inbox", "--json", "--peek"]),
    at(desk, ["peers"]),
    at(desk, ["peers", "--json"]),
  ]);
  const [line = ""] = text.stdout.split("\n");
  expect(line.slice("18:42:07  lap (trusted)  ".length)).toBe(shown);
  expect(peers.stdout).toContain("says: \\u{1b}]0;x\\u{7}, \\u{202e}done");
  for (const { stdout } of [text, json, peers, peersJson]) expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
  expect(json.stdout.trimEnd()).not.toContain("\n");
  expect(JSON.parse(json.stdout)).toMatchObject({ messages: [{ body: { text: hostile } }, { body: { json: { [hostile]: hostile } } }] });
  await here(desk, ["inbox"]);
});

test("names with control characters are refused, and shown harmlessly where they are repeated [CLI-3]", async () => {
  const [named, unknown] = await Promise.all([
    here(desk, ["trust", lap.facts.did, "--name", "\u001b[2J"]),
    at(desk, ["send", "no\u001b[2Jbody\u202e", "hello"]),
  ]);
  expect([named.code, unknown.code]).toEqual([2, 2]);
  for (const { stderr } of [named, unknown]) expect(stderr.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test("somebody unknown is a mistake of use that says where to look [CLI-1] [CLI-2]", async () => {
  const { code, stdout, stderr } = await at(desk, ["send", "nobody", "hello"]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^hikyaku: .*"nobody".*hikyaku peers.*hikyaku pair.*\n$/);
});

test("a message to a peer that is down is queued, with its address and the cause, and nothing says sent [CLI-1] [CLI-2]", async () => {
  await loseEachOther();
  const refused = "lap is not reachable: http://127\\.0\\.0\\.1:1 cannot be reached: connection refused; nothing listens there\\.";
  expect(await at(desk, ["send", "lap", "hello"])).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(queued(refused)) });
  expect(await jsonAt(desk, ["send", "lap", "x"])).toEqual({
    id: expect.any(String),
    stage: "queued",
    stages: [],
    problem: expect.stringMatching(refused),
    exp: expect.any(Number),
  });
  const [waited, waitedJson] = [
    await here(desk, ["send", "lap", "hello", "--wait", "stored", "--timeout", "0.3"]),
    await here(desk, ["send", "lap", "hello", "--wait", "delivered", "--timeout", "0.3", "--json"]),
  ];
  expect(waited).toMatchObject({ code: 4, stderr: "", stdout: expect.stringMatching(queued(refused)) });
  expect([waitedJson.code, JSON.parse(waitedJson.stdout)]).toMatchObject([4, { stage: "queued" }]);
  await findEachOther();
  await expect
    .poll(async () => (await here(lap, ["inbox", "--peek"])).stdout, { timeout: 20_000 })
    .toMatch(/hello\n.*x\n.*hello\n.*hello\n$/);
  await here(lap, ["inbox"]);
});

test("what nobody keeps fails where the peer is down, with its address and the cause [CLI-1] [CLI-2]", async () => {
  await loseEachOther();
  for (const words of [
    ["ping", "lap"],
    ["capabilities", "lap"],
    ["report", "lap", "idle"],
  ]) {
    const { code, stdout, stderr } = await here(desk, [...words]);
    expect([code, stdout]).toEqual([4, ""]);
    expect(stderr).toMatch(/127\.0\.0\.1:1 .*connection refused/);
    expect(stderr).not.toMatch(/\bsent\b|stored|queued/);
  }
  expect(JSON.parse((await here(desk, ["ping", "lap", "--json"])).stderr)).toMatchObject({ error: { code: "UNREACHABLE" } });
  await findEachOther();
});

test("what takes too long has exit code 4, and says how far it came [CLI-1]", async () => {
  expect(await here(lap, ["ping", "desk"])).toMatchObject({ code: 0 });
  const { code, stdout, stderr } = await at(lap, ["send", "desk", "handle me", "--wait", "handled", "--timeout", "0.5"]);
  expect([code, stderr]).toEqual([4, ""]);
  expect(stdout).toMatch(/^[0-9a-f-]{36} {2}stored \d+ ms: no receipt within 0\.5 s\n$/);
  await here(desk, ["inbox"]);
});

test("who is blocked gets nothing in, its session has ended, and its scopes wait for the day it is trusted again [TRUST-2]", async () => {
  await here(lap, ["ping", "desk"]);
  expect((await here(desk, ["block", "lap"])).stdout).toBe("Blocked lap. To take it back: hikyaku trust lap --level trusted\n");
  expect(await jsonAt(desk, ["peers"])).toMatchObject({ peers: [{ level: "blocked", health: "idle", scopes: ["message"] }] });
  expect(await here(lap, ["send", "desk", "from one who is blocked"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(queued("(?:desk|The connection to desk) (?!.*block).*")),
  });
  expect((await here(desk, ["scopes", "lap"])).stdout).toBe("lap is blocked and may do nothing; once trusted again it may: message\n");
  expect((await here(desk, ["inbox"])).stdout).toMatch(/^No new messages/);
  await here(desk, ["trust", "lap", "--level", "trusted"]);
  // Who asks does not wait for the next try.
  expect(await here(lap, ["ping", "desk"])).toMatchObject({ code: 0 });
  expect(await here(lap, ["send", "desk", "hello", "--wait", "stored"])).toMatchObject({ code: 0 });
  // In its order: what was kept meanwhile comes first.
  expect((await here(desk, ["inbox"])).stdout).toMatch(/from one who is blocked\n.*hello\n$/);
});

test("what the other side does not allow has exit code 5, and can be allowed [CLI-1] [TRUST-2]", async () => {
  await here(desk, ["trust", "lap", "--level", "seen"]);
  const refused = await here(lap, ["send", "desk", "hello"]);
  expect([refused.code, refused.stdout]).toEqual([5, ""]);
  expect(refused.stderr).toMatch(/^hikyaku: .*UNAUTHORIZED.*\n$/);
  const changed = await here(desk, ["trust", "lap", "--level", "trusted", "--allow", "message"]);
  expect(changed.stdout).toMatch(/^lap {2}trusted .*may: message .*\nFingerprint (?:[A-Z2-7]{4} ?){8}\n$/);
  expect(await here(lap, ["send", "desk", "hello"])).toMatchObject({ code: 0 });
  expect((await here(desk, ["trust", "lap", "--remove"])).stdout).toBe("Forgot lap.\n");
  expect(await here(lap, ["send", "desk", "hello"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(queued("(?:desk does not know|The connection to desk ended: ).*")),
  });
  expect(await here(desk, ["trust", "lap", "--remove"])).toMatchObject({ code: 2 });
});

test("stats count, and neither they nor the log hold what was said [KEY-6]", async () => {
  const [text, json] = await Promise.all([here(desk, ["stats"]), jsonAt(desk, ["stats"])]);
  expect(text.stdout).toMatch(/^ +\d+ {2}message\.stored$/m);
  expect(json).toMatchObject({ counters: { "message.stored": expect.any(Number) } });
  expect(desk.up.stderr).toContain('"event":"session.established"');
  for (const said of ["backup finished", "read me", "飛脚", "Page 4"])
    expect(text.stdout + desk.up.stderr + lap.up.stderr).not.toContain(said);
});
