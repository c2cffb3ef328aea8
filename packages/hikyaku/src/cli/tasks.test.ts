/** Work between two peers that are up: lap's person delegates, desk's person serves programs. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort, hikyaku, type Outcome, type RunningProgram, runHere, type Said } from "@hikyaku/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { run } from "./program.ts";

vi.setConfig({ testTimeout: 60_000 });

interface Place {
  readonly folder: string;
  readonly up: RunningProgram;
  readonly did: string;
}

let above: string;
let desk: Place;
let lap: Place;
let serving: RunningProgram;
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-work-"));
  const port = await freePort();
  [desk, lap] = await Promise.all([settle("desk", port), settle("lap", 0)]);
  await here(desk, ["trust", lap.did, "--name", "lap", "--allow", "message,task_delegate"]);
  await here(lap, ["trust", desk.did, "--name", "desk", "--allow", "message", "--at", `http://127.0.0.1:${port}`]);
  const schema = join(above, "schema.json");
  writeFileSync(schema, JSON.stringify({ type: "object", properties: { do: { enum: Object.keys(deeds) } }, required: ["do"] }));
  const flags = ["--for", "lap", "--description", "does it", "--interactive", "--concurrency", "4", "--timeout", "60"];
  serving = await serve("work", `read -r task; case "$task" in ${cases.join(" ")} esac`, [...flags, "--input-schema", `@${schema}`]);
}, 60_000);
afterAll(async () => {
  await Promise.all([serving[Symbol.asyncDispose](), desk.up[Symbol.asyncDispose](), lap.up[Symbol.asyncDispose]()]);
  rmSync(above, { recursive: true });
});

async function settle(name: string, port: number): Promise<Place> {
  const folder = join(above, name);
  await hikyaku.run(["init", "--folder", folder, "--name", name]);
  const words = ["up", "--folder", folder, "--listen", `127.0.0.1:${port}`, "--control", "127.0.0.1:0", "--json"];
  const up = await hikyaku.start(words, /\n/);
  return { folder, up, did: (JSON.parse(up.stdout) as { readonly did: string }).did };
}

const sayHere = runHere(run);
const here = ({ folder }: Pick<Place, "folder">, words: readonly string[]): Promise<Said> => sayHere([...words, "--folder", folder]);
const at = ({ folder }: Place, words: readonly string[], stdin?: string): Promise<Outcome> =>
  hikyaku.run([...words, "--folder", folder], stdin === undefined ? {} : { stdin });

type Json = Readonly<Record<string, unknown>>;
const jsonIn = ({ stdout }: Pick<Said, "stdout">): readonly Json[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Json);

const serve = (capability: string, script: string, flags: readonly string[] = []): Promise<RunningProgram> =>
  hikyaku.start(["serve", capability, ...flags, "--folder", desk.folder, "--", "/bin/sh", "-c", script], /Serving .*\n/);

/** What the program does that desk serves as "work", by what its input asks for. */
const deeds: Readonly<Record<string, string>> = {
  summarize: `echo '{"progress":0.4,"detail":"page 4 of 10"}'; echo '{"artifact":{"name":"notes","content":[1]}}'; echo '{"partial":"half"}'; echo '{"result":{"summary":"short"}}'`,
  wait: `echo '{"progress":0.1}'; trap 'echo told >&2; exit 1' TERM; while :; do sleep 0.1; done`,
  ask: `echo '{"ask":"Which language?"}'; read -r answer; echo "{\\"result\\":$answer}"`,
  fail: `printf 'key=\\033[31msecret\\n' >&2; exit 3`,
  rude: `printf '{"progress":0.5,"detail":"a\\\\u001b[2Jb"}\\n{"artifact":{"name":"n\\\\u202e","content":"c\\\\u0007"}}\\n{"result":"d\\\\u001b]0;x"}\\n'`,
  name: 'echo "\\"$HIKYAKU_TASK $HIKYAKU_FOLDER\\""',
};
const cases = Object.entries(deeds).map(([deed, script]) => `*'"do":"${deed}"'*) ${script};;`);
const does = (deed: string): readonly string[] => ["--input", JSON.stringify({ do: deed })];
const delegate = (deed: string, flags: readonly string[] = []): Promise<Said> =>
  here(lap, ["delegate", "desk", "work", ...does(deed), ...flags]);
const id = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;
const idIn = ({ stdout }: Said): string => id.exec(stdout)?.[0] ?? "no id";
const patience = { timeout: 20_000 };

test("a task is delegated, followed and done by a program; its output alone is on standard output", async () => {
  expect(serving.stdout).toBe("Serving work to lap, 4 at a time\n");
  const input = join(above, "report.json");
  writeFileSync(input, '{"do":"summarize"}\n');
  const followed = await at(lap, ["delegate", "desk", "work", "--input", `@${input}`, "--follow"]);
  expect(followed).toMatchObject({ code: 0, stdout: '{"summary":"short"}\n' });
  expect(followed.stderr.replace(id, "ID").replace(/[\d.]+ s/, "N s")).toBe(
    'ID  queued\nsubmitted\nworking\n  40 %  page 4 of 10\n  artifact notes  [1]\n  part  "half"\ncompleted N s\n',
  );
  const lines = jsonIn(await delegate("summarize", ["--follow", "--json"]));
  expect(lines.map(({ state }) => state)).toEqual(["submitted", "submitted", "working", "working", "working", "working", "completed"]);
  expect(lines.at(-1)).toMatchObject({ output: { summary: "short" } });
  await serving.untilOutput(/lap {2}begun\n.* {2}lap {2}completed [\d.]+ s\n/);
});

test("what nobody offers is refused in one sentence with the way out, exit code 5 [CLI-1] [CLI-2]", async () => {
  const wayOut = 'hikyaku: UNAUTHORIZED: desk offers you no "shell". See: hikyaku capabilities desk\n';
  expect(await here(lap, ["delegate", "desk", "shell", "--input", "{}"])).toEqual({ code: 5, stdout: "", stderr: wayOut });
  const followed = await here(lap, ["delegate", "desk", "shell", "--follow"]);
  expect(followed).toMatchObject({ code: 5, stdout: "", stderr: expect.stringContaining(wayOut) });
  const json = await here(lap, ["delegate", "desk", "shell", "--json"]);
  expect(jsonIn(json)).toMatchObject([{ state: "rejected", capability: "shell" }]);
  expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "UNAUTHORIZED" } });
});

test("a task is listed, looked at, found by the beginning of its id, canceled and ended with exit code 7; its program ends with it", async () => {
  const given = await delegate("wait", ["--priority", "high", "--key", "monday", "--deadline", "3600"]);
  expect(given).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^${id.source} {2}submitted\n$`)) });
  const task = idIn(given);
  expect(idIn(await delegate("wait", ["--key", "monday"]))).toBe(task);
  const line = new RegExp(`^${task} {2}\\w{3} [\\d:]{8} {2}to desk {2}work {2}working 10 %\n$`);
  await expect.poll(async () => (await here(lap, ["tasks", "--open"])).stdout, patience).toMatch(line);
  expect((await here(desk, ["tasks", "--from", "lap", "--limit", "1"])).stdout).toMatch(
    new RegExp(`^${task} .* {2}from lap {2}work {2}working`),
  );
  expect((await here(lap, ["tasks", "--from", "desk"])).stdout).toBe("No tasks.\n");
  const shown = (await here(lap, ["task", task.slice(0, 35)])).stdout.split("\n");
  expect(shown[0]).toBe(`${task}  work to desk (trusted): working 10 %`);
  expect(shown[1]).toMatch(/^ {2}given .* {2}until .* {2}priority high {2}key monday$/);
  expect(shown[2]).toBe('  input  {"do":"wait"}');
  expect(shown[3]).toMatch(/^ {4}1 {2}\w{3} [\d:]{8} {2}submitted$/);
  expect(shown.at(-2)).toBe(`  hikyaku cancel ${task}`);
  expect((await here(lap, ["cancel", task, "not needed"])).stdout).toBe(`Asked desk to end ${task}. How it ended: hikyaku task ${task}\n`);
  const ended = await here(lap, ["task", task, "--follow", "--after", "1"]);
  expect(ended).toMatchObject({ code: 7, stdout: "", stderr: expect.stringMatching(/hikyaku: The task was canceled: not needed\n$/) });
  expect(await here(lap, ["cancel", task])).toMatchObject({ code: 2, stderr: "hikyaku: The task has ended already: it is canceled.\n" });
  expect(await here(lap, ["tasks", "--open"])).toMatchObject({ stdout: "No open tasks. Older ones: hikyaku tasks\n" });
  await serving.untilOutput(new RegExp(`${task} {2}lap {2}stopped`));
});

test("a program asks, and is answered from another terminal", async () => {
  const task = idIn(await delegate("ask"));
  await expect.poll(async () => (await here(lap, ["task", task])).stdout, patience).toContain("input_required");
  expect((await here(lap, ["task", task])).stdout).toContain(
    `Which language?\n  hikyaku answer ${task} TEXT   or   hikyaku cancel ${task}\n`,
  );
  expect(await here(lap, ["answer", task])).toMatchObject({ code: 2 });
  expect(await here(lap, ["answer", task, "--body", '{"language":"Dutch"}'])).toMatchObject({ code: 0 });
  const { code, stdout, stderr } = await here(lap, ["task", task, "--follow"]);
  expect([code, stdout]).toEqual([0, '{"answer":{"language":"Dutch"}}\n']);
  expect(stderr).toContain(`input_required: Which language?\n  Answer it in another terminal: hikyaku answer ${task} TEXT\n`);
});

test("a program that fails makes the task fail: the reason is told, and what it wrote to its errors stays with whoever serves it", async () => {
  const { code, stdout, stderr } = await delegate("fail", ["--follow"]);
  expect([code, stdout]).toEqual([7, ""]);
  expect(stderr).toMatch(/hikyaku: The task failed: HANDLER_FAILED: The program ended with code 3\.\n$/);
  expect(stderr).not.toContain("secret");
  await serving.untilOutput(/failed/);
});

test("what the other side wrote reaches the terminal with its control characters made visible [CLI-3]", async () => {
  const { stdout, stderr } = await delegate("rude", ["--follow"]);
  expect(stdout).toBe('"d\\u001b]0;x"\n');
  expect(stderr).toContain("a\\u{1b}[2Jb");
  expect(stderr).toContain("n\\u{202e}");
  const seen = (await here(lap, ["task", id.exec(stderr)?.[0] ?? ""])).stdout;
  expect(seen).toContain("a\\u{1b}[2Jb");
  expect(`${seen}${stderr}${stdout}`.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test("inputs are judged by a schema before any program runs, and a program is told which task of which peer it does", async () => {
  expect(await delegate("dance")).toMatchObject({
    code: 5,
    stderr: expect.stringMatching(/^hikyaku: The task was rejected: INVALID_INPUT: The input: do: .*\n$/),
  });
  const { stdout, stderr } = await delegate("name", ["--follow"]);
  expect(stdout).toBe(`"${id.exec(stderr)?.[0]} ${desk.folder}"\n`);
});

test("a serving that is killed: where running a task twice does no harm it waits for the next serving, and so does what comes meanwhile", async () => {
  await using first = await serve("again", "sleep 60", ["--idempotent"]);
  const begun = idIn(await here(lap, ["delegate", "desk", "again"]));
  await first.untilOutput(/begun/);
  // By now it waits for news again, and that its connection ends is seen at once; killed a moment earlier, its lease would have to end first.
  await pause(500);
  first.kill("SIGKILL");
  const waiting = idIn(await here(lap, ["delegate", "desk", "again"]));
  await using next = await serve("again", "echo 2", ["--idempotent"]);
  for (const task of [begun, waiting]) expect(await here(lap, ["task", task, "--follow"])).toMatchObject({ code: 0, stdout: "2\n" });
  next.kill("SIGINT");
  expect((await next.outcome()).code).toBe(0);
  expect(await here(lap, ["delegate", "desk", "again"])).toMatchObject({ code: 5 });
});

test("who stops following is told that the task goes on, and how to end it: exit code 130", async () => {
  await using following = await hikyaku.start(
    ["delegate", "desk", "work", ...does("wait"), "--follow", "--json", "--folder", lap.folder],
    /working/,
  );
  following.kill("SIGINT");
  const { code, stdout, stderr } = await following.outcome();
  const task = id.exec(stdout)?.[0];
  expect([code, stderr]).toEqual([130, `The task goes on. Follow it: hikyaku task ${task} --follow   End it: hikyaku cancel ${task}\n`]);
  expect((await here(lap, ["tasks", "--open"])).stdout).toContain(task);
});

test("who stops serving is told what is not done yet; who insists ends it, and the task has failed as interrupted", async () => {
  const task = idIn(await here(lap, ["tasks", "--open"]));
  serving.kill("SIGTERM");
  await serving.untilOutput(/Finishing 1\. To end at once: Ctrl-C again\n/);
  expect(await delegate("name")).toMatchObject({ code: 5 });
  serving.kill("SIGTERM");
  const { code, stderr } = await serving.outcome();
  expect(code).toBe(130);
  expect(stderr).toMatch(/ {2}key=\\u\{1b\}\[31msecret\n/);
  expect(await here(lap, ["task", task, "--follow"])).toMatchObject({
    code: 7,
    stderr: expect.stringMatching(/hikyaku: The task failed: INTERRUPTED: The program ended in the middle of the task\.\n$/),
  });
});

test.each([
  [["serve", "x", "--", "/nonexistent/program"], /There is no program/],
  [["serve", "x", "--", "no-such-program-anywhere"], /There is no program/],
  [["serve", "x", "--", import.meta.filename], /tasks\.test\.ts may not be run as a program: chmod \+x/],
  [["serve", "x", "--", "/tmp"], /There is no program/],
  [["serve", "x"], /missing required argument 'command'/i],
  [["serve", "x", "--for", "moon", "--", "cat"], /No peer is called "moon"/],
  [["serve", "x", "--input-schema", '{"type":"wat"}', "--", "cat"], /inputSchema cannot be used: Unsupported type: wat/],
  [["delegate", "moon", "x"], /No peer is called "moon"/],
  [["delegate", "lap", "x", "--input", "{"], /--input wants JSON/],
  [["delegate", "lap", "x", "--input", "@/nonexistent/file"], /\/nonexistent\/file, which cannot be read \(ENOENT\)/],
  [["delegate", "lap", "x", "--deadline", "0"], /It wants seconds, at most 604800/],
  [["delegate", "lap", "x", "--priority", "now"], /--priority/],
  [["tasks", "--from", "lap", "--to", "lap"], /leave out --from or --to/],
  [["task", "ffff"], /No task has the id "ffff"/],
  [["cancel", "ffff"], /No task has the id "ffff"/],
  [["answer", "ffff", "x"], /No task has the id "ffff"/],
])("`hikyaku %s` is a mistake of use: exit code 2, and a sentence that helps [CLI-1] [CLI-2]", async (words, why) => {
  const separator = words.indexOf("--");
  const folder = ["--folder", desk.folder];
  const said = await sayHere(separator < 0 ? [...words, ...folder] : [...words.slice(0, separator), ...folder, ...words.slice(separator)]);
  expect(said).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(why) });
});

test("where the peer stops, so does whoever serves it, and its programs with it: exit code 3", async () => {
  await using last = await serve("last", "echo $$ >&2; sleep 60");
  const task = idIn(await here(lap, ["delegate", "desk", "last"]));
  await last.untilOutput(/begun/);
  desk.up.kill("SIGTERM");
  const { code, stderr } = await last.outcome();
  expect([code, stderr]).toEqual([
    3,
    expect.stringMatching(/\nhikyaku: The peer in .* stopped before it answered: start it with `hikyaku up`.*\n$/),
  ]);
  const pid = Number(/ (\d+)\n/.exec(stderr)?.[1]);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  expect((await here(lap, ["task", task])).stdout).toContain("last to desk");
});
