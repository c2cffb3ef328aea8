/** What the program does without a running peer. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hikyaku, type Outcome, type RunOptions, runHere, type Said } from "@hikyaku/testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { newControlToken } from "../keystore/control-token.ts";
import { run as runWords } from "./program.ts";

vi.setConfig({ testTimeout: 60_000 });

let above: string;
/** A folder that `init --name desk` made. */
let desk: string;
let made: Outcome;
beforeAll(async () => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-alone-"));
  desk = join(above, "desk");
  made = await hikyaku.run(["init", "--folder", desk, "--name", "desk"]);
}, 60_000);
afterAll(() => rmSync(above, { recursive: true }));

const run = (words: string, options: RunOptions = {}): Promise<Outcome> => hikyaku.run(words.split(" ").filter(Boolean), options);
const here = runHere(runWords);
const sayHere = (words: string): Promise<Said> => here(words.split(" ").filter(Boolean));
const sentence = /^hikyaku: [A-Z/-][^\n]*\.\n$/;
const commands =
  "init up id config doctor pair trust peers ping capabilities verify block scopes send report inbox stats status watch wake policy approve audit serve serve-mcp".split(
    " ",
  );

test("help lists every command, and each command explains itself", async () => {
  const { code, stdout, stderr } = await run("--help");
  expect([code, stderr]).toEqual([0, ""]);
  for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} .*[a-z]`, "m"));
  for (const command of commands) {
    const help = await sayHere(`${command} --help`);
    expect([help.code, help.stderr]).toEqual([0, ""]);
    expect(help.stdout).toContain(`Usage: hikyaku ${command} [options]`);
    expect(help.stdout).toMatch(/--folder <path> .*\n.*--json /);
  }
});

test("the version is the package's", async () => {
  const file = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(file) as { readonly version: string };
  const [long, short] = await Promise.all([run("--version"), sayHere("-V")]);
  expect([long, short]).toMatchObject([
    { code: 0, stdout: `${version}\n` },
    { code: 0, stdout: `${version}\n` },
  ]);
});

test("init makes an identity, says what to do next, and keeps the name [CLI-1]", async () => {
  expect(made.stdout).toMatch(/^did:key:z6Mk\w+\nkey: .+\/desk\/key \(0600\)\nFingerprint (?:[A-Z2-7]{4} ?){8}\nNext: hikyaku up\n$/);
  expect([made.code, made.stderr, statSync(join(desk, "key")).mode & 0o777, statSync(desk).mode & 0o777]).toEqual([0, "", 0o600, 0o700]);
  const [did] = made.stdout.split("\n");
  const [text, json] = await Promise.all([run(`id --folder ${desk}`), run(`id --folder ${desk} --json`)]);
  expect(text.stdout.split("\n").slice(0, 2)).toEqual(["desk", did]);
  expect(JSON.parse(json.stdout)).toEqual({
    name: "desk",
    did,
    fingerprint: expect.stringMatching(/^(?:[A-Z2-7]{4} ?){8}$/),
    protection: "none",
  });
});

test("a second init is refused and leaves the key as it is [KEY-1] [CLI-1] [CLI-2]", async () => {
  const before = readFileSync(join(desk, "key"));
  const { code, stdout, stderr } = await run(`init --folder ${desk} --name other`);
  expect([code, stdout, stderr]).toEqual([
    6,
    "",
    `hikyaku: ${desk}/key exists and is never overwritten: use it, or choose another folder.\n`,
  ]);
  expect(readFileSync(join(desk, "key"))).toEqual(before);
  expect(JSON.parse((await run(`id --folder ${desk} --json`)).stdout)).toMatchObject({ name: "desk" });
});

test("a key under a passphrase is told as such, and the passphrase is nowhere in the output [KEY-3] [KEY-6]", async () => {
  const folder = join(above, "sealed");
  const passphrase = join(above, "passphrase");
  writeFileSync(passphrase, "correct horse canary\n", { mode: 0o600 });
  const sealed = await run(`init --folder ${folder} --passphrase-file ${passphrase} --json`);
  expect(JSON.parse(sealed.stdout)).toMatchObject({ folder });
  const [shown, settings, closed] = await Promise.all([
    run(`id --folder ${folder} --json`),
    run(`config --folder ${folder}`, { env: { HIKYAKU_PASSPHRASE: "correct horse canary" } }),
    run(`up --folder ${folder} --listen 127.0.0.1:0 --control 127.0.0.1:0`, { env: { HIKYAKU_PASSPHRASE: "wrong canary" } }),
  ]);
  expect(JSON.parse(shown.stdout)).toMatchObject({ protection: "scrypt" });
  expect([closed.code, closed.stdout]).toEqual([6, ""]);
  expect(closed.stderr).toMatch(/passphrase does not open/);
  for (const { stdout, stderr } of [sealed, shown, settings, closed]) expect(stdout + stderr).not.toContain("canary");
});

test("settings come from flags over environment over file over defaults, and config says which [CFG-1]", async () => {
  const folder = join(above, "settings");
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, "config.json"), JSON.stringify({ name: "from-file", logLevel: "error", firstContact: "see" }));
  const env = { HIKYAKU_NAME: "from-environment", HIKYAKU_FOLDER: above };
  const { stdout } = await run(`config --folder ${folder} --json`, { env });
  const { settings } = JSON.parse(stdout) as { readonly settings: readonly { readonly name: string }[] };
  const row = (name: string): object | undefined => settings.find((setting) => setting.name === name);
  expect(row("folder")).toMatchObject({ value: folder, source: "flag" });
  expect(row("name")).toMatchObject({ value: "from-environment", source: "environment", variable: "HIKYAKU_NAME" });
  expect(row("logLevel")).toMatchObject({ value: "error", source: "file" });
  expect(row("control")).toMatchObject({ value: "127.0.0.1:7341", source: "default", flag: "--control" });
  expect((await run(`config --folder ${folder}`, { env })).stdout).toMatch(
    /^name +from-environment +\(environment; --name, HIKYAKU_NAME\)$/m,
  );
});

test.each([
  ["sned desk hello", /Unknown command 'sned'.*send/],
  ["send", /Missing required argument 'peer'/],
  ["id --wrong", /Unknown option '--wrong'/],
  ["id extra", /Too many arguments/],
  ["pair", /--name/],
  ["pair --name two,words", /letters, digits, dots/],
  ["pair --name lap --allow fly", /There is no scope "fly"; the scopes are message/],
  ["scopes lap message,fly", /There is no scope "fly"; the scopes are message/],
  ["send lap hello --wait sent", /stored, delivered or handled/],
  ["send lap hello --timeout -1", /seconds/],
  ["ping lap --count 0", /number from 1/],
  ["trust lap --level god", /blocked, seen, trusted, admin/],
  ["send lap", /Say what to send, in one way/],
  ["send lap hello --body {}", /in one way/],
  ["send lap --body {", /--body wants JSON/],
  ["up --listen nowhere", /--listen wants host:port/],
  ["up --control 0.0.0.0:1", /--control wants host:port on this machine/],
  ["trust lap --remove --level seen", /--remove stands alone/],
  ["policy a/b", /letters, digits, dots/],
  ["policy claude --confirm sometimes", /first-use, owner, never/],
  ["policy claude --message-bytes 0", /number from 1 to/],
  ["policy claude --calls-per-minute 1e2", /number from 1 to/],
  ["policy claude --remove --peers all", /--remove stands alone/],
  ["policy --peers all", /Which agent/],
  ["approve --deny", /Which one/],
  ["approve 00 --deny --revoke", /Either --deny or --revoke/],
])("`hikyaku %s` is a mistake of use: exit code 2, and a sentence that helps [CLI-1] [CLI-2]", async (words, why) => {
  const { code, stdout, stderr } = await sayHere(words);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(why);
  expect(stderr).toMatch(sentence);
});

test("without a command the list is shown, and it is a mistake of use [CLI-1]", async () => {
  const { code, stdout, stderr } = await run("");
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^Usage: hikyaku [^]*\nhikyaku: Which command\? hikyaku --help lists them\.\n$/);
});

test("with --json a refusal is JSON as well [CLI-2]", async () => {
  const [use, missing] = await Promise.all([sayHere("send --json"), sayHere(`id --folder ${above}/none --json`)]);
  expect([use.code, JSON.parse(use.stderr)]).toMatchObject([
    2,
    { error: { code: "INVALID_ARGUMENT", message: expect.stringMatching(/^Missing .*\.$/) } },
  ]);
  expect([missing.code, JSON.parse(missing.stderr)]).toMatchObject([
    6,
    { error: { code: "KEY_FILE", message: expect.stringContaining("hikyaku init") } },
  ]);
});

const forRunning = [
  "peers",
  "inbox",
  "stats",
  "ping lap",
  "capabilities lap",
  "capabilities",
  "status lap",
  "watch lap",
  "wake lap",
  "send lap hello",
  "report lap idle",
  "trust lap",
  "pair --name lap",
  "delegate lap sum",
  "tasks",
  "task ffff",
  "cancel ffff",
  "answer ffff yes",
  "policy",
  "policy claude --peers all",
  "approve",
  "approve 00 --deny",
  "audit",
];

test.each([...forRunning, "verify lap", "block lap", "scopes lap", "scopes lap none"])(
  "`hikyaku %s` without a running peer has exit code 3 and says how to start it [CLI-1] [CLI-2]",
  async (words) => {
    const { code, stdout, stderr } = await sayHere(`${words} --folder ${desk}`);
    expect([code, stdout, stderr]).toEqual([3, "", `hikyaku: The peer in ${desk} is not running: start it with \`hikyaku up\`.\n`]);
  },
);

test.each([
  ["something that speaks no JSON", 200, "<html>"],
  ["another peer's control interface", 403, '{"error":{"code":"UNAUTHORIZED","message":"no"}}'],
])("where a crash left a record and %s has the port now, the peer is not running", async (_, status, text) => {
  const folder = join(above, `stale-${status}`);
  mkdirSync(folder, { mode: 0o700 });
  const other = createServer((_request, answer) => answer.writeHead(status).end(text));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { readonly port: number };
  writeFileSync(join(folder, "control"), `{"pid":1,"address":"127.0.0.1:${port}","token":"${newControlToken()}"}\n`, { mode: 0o600 });
  const { code, stderr } = await run(`peers --folder ${folder}`);
  other.close();
  expect([code, stderr]).toEqual([3, `hikyaku: The peer in ${folder} is not running: start it with \`hikyaku up\`.\n`]);
});

function folderWith(name: string, key: string | undefined, modes: { readonly folder?: number; readonly key?: number } = {}): string {
  const folder = join(above, name);
  mkdirSync(folder, { mode: 0o700 });
  if (key !== undefined) writeFileSync(join(folder, "key"), key);
  if (key !== undefined) chmodSync(join(folder, "key"), modes.key ?? 0o600);
  chmodSync(folder, modes.folder ?? 0o700);
  return folder;
}

test.each<[string, (key: string) => string, RegExp]>([
  ["no key at all", () => folderWith("nokey", undefined), /There is no key in .*: make one with `hikyaku init`/],
  [
    "a key file that others may read",
    (key) => folderWith("laxkey", key, { key: 0o644 }),
    /is open to other users \(mode 0644\).*chmod 600/,
  ],
  ["a folder that others may enter", (key) => folderWith("laxfolder", key, { folder: 0o755 }), /chmod 700/],
  ["an empty key file", () => folderWith("empty", ""), /is damaged or no key file/],
  ["somebody else's file", () => folderWith("foreign", "-----BEGIN OPENSSH PRIVATE KEY-----\n"), /is damaged or no key file/],
  ["half a key", (key) => folderWith("half", key.slice(0, 100)), /is damaged or no key file/],
])("with %s nothing starts: exit code 6, a way out, and the folder as it was [KEY-2] [CLI-1] [CLI-2]", async (_, make, why) => {
  const folder = make(readFileSync(join(desk, "key"), "utf8"));
  const before = readdirSync(folder);
  const [up, id] = await Promise.all([
    sayHere(`up --folder ${folder} --listen 127.0.0.1:0 --control 127.0.0.1:0`),
    sayHere(`id --folder ${folder}`),
  ]);
  for (const { code, stdout, stderr } of [up, id]) {
    expect([code, stdout]).toEqual([6, ""]);
    expect(stderr).toMatch(why);
    expect(stderr).toMatch(sentence);
  }
  expect(readdirSync(folder)).toEqual(before);
});

// A full disk is made with prlimit, which only Linux has; elsewhere there is nothing to fill it with.
test.runIf(existsSync("/usr/bin/prlimit") || existsSync("/bin/prlimit"))(
  "on a full disk init makes no key and says what to check [CLI-1]",
  async () => {
    const folder = join(above, "full");
    const words = ["--fsize=0", process.execPath, "--conditions=@hikyaku/source", new URL("main.ts", import.meta.url).pathname];
    let failure: { readonly status?: number; readonly stderr?: string } = {};
    try {
      execFileSync("prlimit", [...words, "init", "--folder", folder], { encoding: "utf8", stdio: "pipe" });
    } catch (error) {
      failure = error as typeof failure;
    }
    expect(failure.status).toBe(6);
    expect(failure.stderr).toMatch(/^hikyaku: .*full\/key cannot be written \(EFBIG\): check free space/);
    expect(readdirSync(folder)).toEqual([]);
  },
);

test("output that nobody takes is told by the exit code", async () => {
  const { stdout } = await hikyaku.run(["id", "--folder", desk]);
  expect(stdout).not.toBe("");
  const words = ["--conditions=@hikyaku/source", new URL("main.ts", import.meta.url).pathname, "id", "--folder", desk];
  const script = `${process.execPath} ${words.join(" ")} >/dev/full; echo $?`;
  expect(execFileSync("sh", ["-c", script], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })).toBe("6\n");
});

const oldNode = `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.1.0"})`;

test("an older Node gets one sentence that names both versions", async () => {
  const { code, stdout, stderr } = await run("--help", { env: { NODE_OPTIONS: `--import ${oldNode.replaceAll('"', "%22")}` } });
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^hikyaku: Node 24\.15 or newer is needed and this is 20\.1\.0\. Install [^\n]+\.\n$/);
});

test("the first file needs nothing that an older Node lacks: it imports nothing before it has looked", () => {
  const text = readFileSync(new URL("main.ts", import.meta.url), "utf8");
  expect(text).not.toMatch(/^import /m);
  expect(text.indexOf("await import(")).toBeGreaterThan(text.indexOf("process.versions.node"));
});
