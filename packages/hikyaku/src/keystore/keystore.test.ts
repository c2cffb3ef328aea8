import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HikyakuError } from "@hikyaku/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { didOfSeed } from "./identity-seed.ts";
import { createKeystore, openKeystore, readKeyInfo } from "./keystore.ts";

let above: string;
let folder: string;
let path: string;
beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-keystore-"));
  folder = join(above, "peer");
  path = join(folder, "key");
});
afterEach(() => rmSync(above, { recursive: true }));

const refused = (message: string) => ({ name: "HikyakuError", code: "KEY_FILE", message: expect.stringContaining(message) });
const modeOf = (name: string): number => statSync(name).mode & 0o777;
const isRoot = process.getuid?.() === 0;

test("a key opens as it was made, and its did is the one of its seed", async () => {
  const made = await createKeystore(folder);
  expect(await openKeystore(folder)).toEqual(made);
  expect(await readKeyInfo(folder)).toEqual({ did: made.did, protection: "none" });
  expect(made.did).toBe(didOfSeed(made.seed));
  expect(made.seed).not.toEqual(made.storageKey);
});

test("the did of RFC 8032's first test seed is the one of its public key", () => {
  const seed = Uint8Array.from(Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex"));
  expect(didOfSeed(seed)).toBe("did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw");
});

test("a key that exists is never overwritten [KEY-1]", async () => {
  await createKeystore(folder);
  const before = readFileSync(path);
  await expect(createKeystore(folder)).rejects.toMatchObject(refused(`${path} exists and is never overwritten`));
  expect(readFileSync(path)).toEqual(before);
  expect(readdirSync(folder)).toEqual(["key"]);
});

test("of several creations at once exactly one wins, and the file is the winner's [KEY-1]", async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => createKeystore(folder)));
  const made = outcomes.filter((outcome) => outcome.status === "fulfilled").map(({ value }) => value);
  expect(made).toEqual([await openKeystore(folder)]);
  expect(readdirSync(folder)).toEqual(["key"]);
});

test("the key and its name are synced [KEY-1]", async () => {
  await using probe = await open(tmpdir());
  const sync = vi.spyOn(Object.getPrototypeOf(probe) as typeof probe, "sync");
  const namesAtSync: boolean[] = [];
  sync.mockImplementation(async function record() {
    namesAtSync.push(existsSync(path));
  });
  await createKeystore(folder).finally(() => sync.mockRestore());
  // First the text before it has its name, then the folder that holds the name.
  expect(namesAtSync).toEqual([false, true]);
});

test("what a killed creation leaves behind does not hurt [KEY-1]", async () => {
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, ".key.0011223344556677.tmp"), '{"format":', { mode: 0o600 });
  await expect(openKeystore(folder)).rejects.toMatchObject(refused("There is no key"));
  const made = await createKeystore(folder);
  expect(await openKeystore(folder)).toEqual(made);
});

test("the file is made 0600 in a folder made 0700 [KEY-2]", async () => {
  await createKeystore(join(above, "new", "peer"));
  expect(modeOf(join(above, "new", "peer"))).toBe(0o700);
  expect(modeOf(join(above, "new", "peer", "key"))).toBe(0o600);
});

test.each([0o640, 0o604, 0o620, 0o666])("a key file with mode %o is refused, with the command that helps [KEY-2]", async (mode) => {
  const made = await createKeystore(folder);
  chmodSync(path, mode);
  await expect(openKeystore(folder)).rejects.toMatchObject(refused(`${path} is open to other users (mode 0${mode.toString(8)})`));
  await expect(readKeyInfo(folder)).rejects.toMatchObject(refused(`chmod 600 ${path}`));
  chmodSync(path, 0o400);
  expect(await openKeystore(folder)).toEqual(made);
});

test.each([0o750, 0o705, 0o777])("a folder with mode %o is refused, with the command that helps [KEY-2]", async (mode) => {
  await createKeystore(folder);
  chmodSync(folder, mode);
  await expect(openKeystore(folder)).rejects.toMatchObject(refused(`chmod 700 ${folder}`));
});

test("no key is made in a folder that others may enter [KEY-2]", async () => {
  mkdirSync(folder, { mode: 0o755 });
  await expect(createKeystore(folder)).rejects.toMatchObject(refused(`chmod 700 ${folder}`));
  expect(readdirSync(folder)).toEqual([]);
});

test("the command that helps survives blanks and quotes in the path [KEY-2]", async () => {
  const odd = join(above, "it's here");
  mkdirSync(odd, { mode: 0o755 });
  await expect(createKeystore(odd)).rejects.toMatchObject(refused(String.raw`chmod 700 '${above}/it'\''s here'`));
});

test.skipIf(!isRoot)("a file or folder of another user is refused (needs root, to give one away) [KEY-2]", async () => {
  await createKeystore(folder);
  chownSync(path, 12_345, 0);
  await expect(openKeystore(folder)).rejects.toMatchObject(refused(`${path} belongs to user 12345`));
  chownSync(path, 0, 0);
  chownSync(folder, 12_345, 0);
  await expect(openKeystore(folder)).rejects.toMatchObject(refused(`${folder} belongs to user 12345`));
});

test("a symbolic link in the key's place is refused [KEY-2]", async () => {
  await createKeystore(folder);
  const other = join(above, "other");
  mkdirSync(other, { mode: 0o700 });
  symlinkSync(path, join(other, "key"));
  await expect(openKeystore(other)).rejects.toMatchObject(refused("is a symbolic link"));
  await expect(createKeystore(other)).rejects.toMatchObject(refused("never overwritten"));
});

test("a folder in the key's place and a file in the folder's place are refused", async () => {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  await expect(openKeystore(folder)).rejects.toMatchObject(refused("is not a regular file"));
  const file = join(above, "file");
  writeFileSync(file, "");
  await expect(openKeystore(file)).rejects.toMatchObject(refused("is not a folder"));
  await expect(createKeystore(file)).rejects.toMatchObject(refused("is not a folder"));
});

test("a missing key or folder is refused with the way to make one", async () => {
  await expect(openKeystore(folder)).rejects.toMatchObject(refused(`There is no key in ${folder}: make one with \`hikyaku init\`.`));
  mkdirSync(folder, { mode: 0o700 });
  await expect(readKeyInfo(folder)).rejects.toMatchObject(refused("hikyaku init"));
});

test("a file that is too long, cut short or another did's is refused", async () => {
  const { did } = await createKeystore(folder);
  const text = readFileSync(path, "utf8");
  const other = await createKeystore(join(above, "other"));
  writeFileSync(path, text + " ".repeat(4096));
  await expect(openKeystore(folder)).rejects.toMatchObject(refused("is longer than 4096 bytes"));
  writeFileSync(path, text.slice(0, -10));
  await expect(openKeystore(folder)).rejects.toMatchObject(refused("is damaged"));
  writeFileSync(path, text.replace(did, other.did));
  await expect(openKeystore(folder)).rejects.toMatchObject(refused(`${path} names ${other.did} but its seed makes ${did}`));
});

test("a passphrase seals the key: without it or with another one nothing opens, with it everything [KEY-3]", async () => {
  const made = await createKeystore(folder, { passphrase: "caf\u00e9 au lait" });
  const text = readFileSync(path, "utf8");
  expect(JSON.parse(text)).toMatchObject({ protection: "scrypt", n: 131_072, r: 8, p: 1 });
  for (const secret of [made.seed, made.storageKey]) expect(text).not.toContain(Buffer.from(secret).toString("hex"));
  expect(await readKeyInfo(folder)).toEqual({ did: made.did, protection: "scrypt" });
  await expect(openKeystore(folder)).rejects.toMatchObject(refused("HIKYAKU_PASSPHRASE"));
  await expect(openKeystore(folder, { passphrase: "canary" })).rejects.toMatchObject(refused(`The passphrase does not open ${path}`));
  // The same letters, composed by another keyboard.
  expect(await openKeystore(folder, { passphrase: "cafe\u0301 au lait" })).toEqual(made);
});

test("the seal covers the did [KEY-3]", async () => {
  const { did } = await createKeystore(folder, { passphrase: "p" });
  const other = await createKeystore(join(above, "other"));
  writeFileSync(path, readFileSync(path, "utf8").replace(did, other.did));
  await expect(openKeystore(folder, { passphrase: "p" })).rejects.toMatchObject(refused("does not open"));
});

test("a file cannot choose its own scrypt cost [KEY-3]", async () => {
  await createKeystore(folder, { passphrase: "p" });
  writeFileSync(path, readFileSync(path, "utf8").replace("131072", "2"));
  await expect(openKeystore(folder, { passphrase: "p" })).rejects.toMatchObject(refused("is damaged"));
});

test("an empty passphrase makes no key", async () => {
  await expect(createKeystore(folder, { passphrase: "" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(existsSync(folder)).toBe(false);
});

test("a key file altered anywhere is refused with one of our errors, and never opens as another identity", async () => {
  const made = await createKeystore(folder);
  const valid = readFileSync(path);
  const spliced = fc
    .tuple(fc.nat(valid.length), fc.nat(8), fc.uint8Array({ maxLength: 8 }))
    .map(([start, length, bytes]) => Buffer.concat([valid.subarray(0, start), bytes, valid.subarray(start + length)]));
  const json = fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)));
  const fields = fc
    .dictionary(fc.constantFrom("format", "did", "protection", "seed", "storageKey", "__proto__"), fc.jsonValue())
    .map((changes) => Buffer.from(JSON.stringify({ ...JSON.parse(valid.toString()), ...changes })));
  const run = fc.asyncProperty(fc.oneof(spliced, json, fields), async (bytes) => {
    writeFileSync(path, bytes);
    const outcome: unknown = await openKeystore(folder).catch((error: unknown) => error);
    if (outcome instanceof Error) return outcome instanceof HikyakuError && outcome.code === "KEY_FILE";
    return (outcome as typeof made).did === made.did;
  });
  await expect(fc.assert(run, { numRuns: 300 })).resolves.toBeUndefined();
});

test("no refusal shows a secret", async () => {
  const { seed } = await createKeystore(folder);
  writeFileSync(path, readFileSync(path, "utf8").replace("storageKey", "storagekey"));
  const error: unknown = await openKeystore(folder).catch((caught: unknown) => caught);
  expect(String((error as Error).stack)).not.toContain(Buffer.from(seed).toString("hex"));
});
