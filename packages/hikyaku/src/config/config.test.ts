import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { HikyakuError } from "@hikyaku/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ConfigSources, resolveConfig } from "./config.ts";
import { reportConfig } from "./config-report.ts";
import { nameFromHost } from "./own-name.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hikyaku-config-"));
  path = join(folder, "config.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const resolveHere = ({ flags, environment = {} }: ConfigSources = {}) => resolveConfig({ flags: { folder, ...flags }, environment });
const writeFile = (settings: unknown) => writeFileSync(path, JSON.stringify(settings));

const refused = (message: string) => ({ name: "HikyakuError", code: "INVALID_ARGUMENT", message: expect.stringContaining(message) });

test("without flags, environment and file every value is the default", async () => {
  const config = await resolveHere();
  expect(config.folder).toEqual({ value: folder, source: "flag" });
  expect(config.name).toEqual({ value: nameFromHost(hostname()), source: "default" });
  expect(config.listen).toEqual({ value: { host: "0.0.0.0", port: 7340 }, source: "default" });
  expect(config.control).toEqual({ value: { host: "127.0.0.1", port: 7341 }, source: "default" });
  expect(config.advertise).toEqual({ value: [], source: "default" });
  expect(config.firstContact).toEqual({ value: "refuse", source: "default" });
  expect(config.logLevel).toEqual({ value: "warn", source: "default" });
  expect(config.passphraseFile).toEqual({ value: undefined, source: "default" });
  expect(config.passphrase).toEqual({ value: undefined, source: "default" });
  expect(config.wakeCommand).toEqual({ value: undefined, source: "default" });
  expect(config.wakeUrl).toEqual({ value: undefined, source: "default" });
});

test("a wake command is a list, in the file or as JSON text", async () => {
  expect((await resolveHere({ flags: { wakeCommand: '["./wake.sh", "now"]' } })).wakeCommand.value).toEqual(["./wake.sh", "now"]);
  writeFile({ wakeCommand: ["/bin/true"] });
  expect((await resolveHere()).wakeCommand).toEqual({ value: ["/bin/true"], source: "file" });
  const reported = reportConfig(await resolveHere()).find(({ name }) => name === "wakeCommand");
  expect(reported).toMatchObject({ value: '["/bin/true"]', flag: "--wake-command", variable: "HIKYAKU_WAKE_COMMAND" });
});

test.each([
  "./wake.sh",
  "[]",
  '[""]',
  '["a\\u0000"]',
  '[["a"]]',
  "[1]",
  '{"a":1}',
  "[",
  JSON.stringify(Array.from({ length: 65 }, () => "a")),
])("%s is no wake command", async (text) => {
  await expect(resolveHere({ environment: { HIKYAKU_WAKE_COMMAND: text } })).rejects.toMatchObject(
    refused("HIKYAKU_WAKE_COMMAND wants a JSON list of a program"),
  );
});

test("a wake address is http or https, and shown nowhere [KEY-6]", async () => {
  const environment = { HIKYAKU_WAKE_URL: "https://example.org/hook?token=canary" };
  const config = await resolveHere({ environment });
  expect(config.wakeUrl.value).toBe(environment.HIKYAKU_WAKE_URL);
  expect(reportConfig(config).find(({ name }) => name === "wakeUrl")).toMatchObject({ value: "(set)", flag: undefined });
  for (const wrong of [
    "ftp://example.org/canary",
    "file:///canary",
    "example.org",
    "https://canary:pass@example.org/",
    "javascript:canary",
  ]) {
    const failure = await resolveHere({ environment: { HIKYAKU_WAKE_URL: wrong } }).catch((error: unknown) => error);
    expect(failure).toMatchObject(refused("HIKYAKU_WAKE_URL wants an address such as https://"));
    expect(String(failure)).not.toContain("canary");
  }
});

test("a command and an address at once are one too many", async () => {
  writeFile({ wakeCommand: ["/bin/true"], wakeUrl: "http://127.0.0.1:9/" });
  await expect(resolveHere()).rejects.toMatchObject(refused("Both wakeCommand and wakeUrl are set"));
});

// Other systems have their data folders elsewhere; this expectation is the one of Linux.
test.runIf(process.platform === "linux")("the default folder is hikyaku in the user's data folder", async () => {
  const { folder: chosen } = await resolveConfig({ environment: {} });
  expect(chosen).toEqual({ value: expect.stringMatching(/\/hikyaku$/), source: "default" });
});

test("a flag beats the environment, the environment the file, the file the default", async () => {
  writeFile({ name: "from-file", logLevel: "error", firstContact: "see" });
  const environment = { HIKYAKU_NAME: "from-environment", HIKYAKU_LOG_LEVEL: "info" };
  const config = await resolveHere({ flags: { name: "from-flag" }, environment });
  expect(config.name).toEqual({ value: "from-flag", source: "flag" });
  expect(config.logLevel).toEqual({ value: "info", source: "environment" });
  expect(config.firstContact).toEqual({ value: "see", source: "file" });
  expect(config.control.source).toBe("default");
});

test("the folder may come from the environment, and its file is the one that counts", async () => {
  writeFile({ name: "from-file" });
  const config = await resolveConfig({ environment: { HIKYAKU_FOLDER: folder } });
  expect(config.folder).toEqual({ value: folder, source: "environment" });
  expect(config.name.value).toBe("from-file");
});

test("an empty variable counts as not set", async () => {
  const config = await resolveHere({ environment: { HIKYAKU_NAME: "", HIKYAKU_PASSPHRASE: "" } });
  expect(config.name.source).toBe("default");
  expect(config.passphrase.value).toBeUndefined();
});

test("every variable sets its value", async () => {
  const { listen, control, advertise, firstContact, logLevel, passphraseFile, passphrase } = await resolveHere({
    environment: {
      HIKYAKU_LISTEN: "[::]:0",
      HIKYAKU_CONTROL: "[::1]:8000",
      HIKYAKU_ADVERTISE: "http://192.168.1.20:7340, http://[2001:db8::1]:80",
      HIKYAKU_FIRST_CONTACT: "see",
      HIKYAKU_LOG_LEVEL: "silent",
      HIKYAKU_PASSPHRASE_FILE: "/run/pass",
      HIKYAKU_PASSPHRASE: "correct horse",
    },
  });
  expect(listen.value).toEqual({ host: "::", port: 0 });
  expect(control.value).toEqual({ host: "::1", port: 8000 });
  expect(advertise.value).toEqual(["http://192.168.1.20:7340", "http://[2001:db8::1]:80"]);
  expect([firstContact.value, logLevel.value, passphraseFile.value, passphrase.value]).toEqual([
    "see",
    "silent",
    "/run/pass",
    "correct horse",
  ]);
});

test("a path in the file is meant from the file's folder", async () => {
  writeFile({ passphraseFile: "pass" });
  expect((await resolveHere()).passphraseFile.value).toBe(join(folder, "pass"));
});

test("a list in the file and in a program may be a real list", async () => {
  writeFile({ advertise: ["http://10.0.0.1:1"] });
  expect((await resolveHere()).advertise.value).toEqual(["http://10.0.0.1:1"]);
  expect((await resolveHere({ flags: { advertise: [] } })).advertise).toEqual({ value: [], source: "flag" });
});

test.each([
  ["name", "two words"],
  ["name", "x".repeat(65)],
  ["listen", "7340"],
  ["listen", "0.0.0.0:70000"],
  ["control", "0.0.0.0:7341"],
  ["control", "desk:7341"],
  ["control", "[::]:7341"],
  ["advertise", "192.168.1.20:7340"],
  ["advertise", "https://desk:7340"],
  ["advertise", "http://desk:7340/path"],
  ["advertise", "http://0.0.0.0:7340"],
  ["advertise", "http://desk:0"],
  ["advertise", "http://desk:7340,,"],
  ["advertise", Array.from({ length: 9 }, (_, index) => `http://desk:${index + 1}`).join()],
  ["firstContact", "trust"],
  ["logLevel", "loud"],
  ["passphraseFile", "a\0b"],
])("a bad %s (%j) is refused and named, from flag, environment and file", async (name, value) => {
  const variable = `HIKYAKU_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  await expect(resolveHere({ flags: { [name]: value } })).rejects.toMatchObject(refused(`${flag} wants`));
  await expect(resolveHere({ environment: { [variable]: value } })).rejects.toMatchObject(refused(`${variable} wants`));
  writeFile({ [name]: value });
  await expect(resolveHere()).rejects.toMatchObject(refused(`${name} in ${path} wants`));
});

test("a value of the wrong kind in the file is refused and shown", async () => {
  writeFile({ listen: 7340 });
  await expect(resolveHere()).rejects.toThrow(`listen in ${path} wants host:port, such as 0.0.0.0:7340 or [::]:7340; found 7340.`);
});

test.each(["folder", "passphrase", "lisen", "__proto__"])(
  "the key %s in the file is refused by name, with the keys there are",
  async (key) => {
    writeFileSync(path, `{"name": "desk", ${JSON.stringify(key)}: "x"}`);
    const why = `${path} has the unknown key "${key}": remove it, or use one of name, listen,`;
    await expect(resolveHere()).rejects.toMatchObject(refused(why));
  },
);

test.each([
  ["not JSON", "{name: desk}", "is not JSON"],
  ["empty", "", "is not JSON"],
  ["a list", "[]", "holds no object"],
  ["too long", " ".repeat(65_537), "has 65537 bytes"],
])("a file that is %s is refused", async (_, text, why) => {
  writeFileSync(path, text);
  await expect(resolveHere()).rejects.toMatchObject(refused(`${path} ${why}`));
});

test("a folder and a named pipe in the file's place are refused at once", async () => {
  execFileSync("mkfifo", [path]);
  await expect(resolveHere()).rejects.toMatchObject(refused("is not a regular file"));
  rmSync(path);
  mkdirSync(path);
  await expect(resolveHere()).rejects.toMatchObject(refused("is not a regular file"));
});

test("the report names every source and never shows the passphrase [KEY-6]", async () => {
  writeFile({ listen: "[::]:1" });
  const report = reportConfig(await resolveHere({ environment: { HIKYAKU_PASSPHRASE: "canary" } }));
  expect(report).toContainEqual({ name: "passphrase", value: "(set)", source: "environment", variable: "HIKYAKU_PASSPHRASE" });
  expect(report).toContainEqual({ name: "listen", value: "[::]:1", source: "file", flag: "--listen", variable: "HIKYAKU_LISTEN" });
  expect(report.find(({ name }) => name === "advertise")?.value).toBe("(none)");
  expect(report.find(({ name }) => name === "passphraseFile")?.value).toBe("(not set)");
  expect(JSON.stringify(report)).not.toContain("canary");
});

test("a passphrase that is too long is refused without being shown", async () => {
  const run = resolveHere({ environment: { HIKYAKU_PASSPHRASE: "canary".repeat(200) } });
  await expect(run).rejects.toThrow(/^HIKYAKU_PASSPHRASE wants 1 to 1024 characters; found something else.$/);
});

test("whatever a file holds, it gives settings or one of our errors", async () => {
  const valid = JSON.stringify({ name: "desk", listen: "[::]:1", advertise: ["http://10.0.0.1:1"], firstContact: "see" });
  const mutated = fc
    .tuple(fc.nat(valid.length), fc.nat(8), fc.string({ unit: "binary", maxLength: 8 }))
    .map(([start, length, text]) => valid.slice(0, start) + text + valid.slice(start + length));
  const settings = fc.dictionary(fc.constantFrom("name", "listen", "control", "advertise", "logLevel", "x"), fc.jsonValue());
  const texts = fc.oneof(
    mutated,
    settings.map((value) => JSON.stringify(value)),
    fc.string(),
  );
  const run = fc.asyncProperty(texts, async (text) => {
    writeFileSync(path, text);
    const outcome: unknown = await resolveHere().catch((error: unknown) => error);
    return outcome instanceof HikyakuError || !(outcome instanceof Error);
  });
  await expect(fc.assert(run, { numRuns: 100 })).resolves.toBeUndefined();
});
