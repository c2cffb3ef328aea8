/** What people install: the three packages as npm packs them, in an empty folder, with nothing of this repository around. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const names = ["protocol", "peer", "hikyaku"];

let above: string;
let home: string;
/** The pinned Node before all others. npm finds its registry by variables of this machine; those of this run's own tools stay out. */
const env = Object.fromEntries(
  Object.entries({ ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` }).filter(
    ([name]) => !/^(?:HIKYAKU_|VITEST|NODE_OPTIONS|NODE_ENV)/.test(name),
  ),
);
const run = (file: string, words: readonly string[], cwd: string = home): string =>
  execFileSync(file, words, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

beforeAll(() => {
  above = mkdtempSync(join(tmpdir(), "hikyaku-package-"));
  home = join(above, "home");
  mkdirSync(home);
  run(join(root, "node_modules/.bin/tsc"), ["-b", "packages/hikyaku"], root);
  run("npm", ["pack", "--silent", "--pack-destination", above, ...names.map((name) => `./packages/${name}`)], root);
  writeFileSync(join(home, "package.json"), '{"private":true,"type":"module"}');
  const packed = readdirSync(above).filter((name) => name.endsWith(".tgz"));
  run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--silent", ...packed.map((name) => join(above, name))]);
}, 120_000);
afterAll(() => rmSync(above, { recursive: true }));

const installed = (name: string): string => join(home, "node_modules", name === "hikyaku" ? name : `@hikyaku/${name}`);

test.each(names)("%s brings what it runs from, and neither tests nor traces of a build", (name) => {
  const files = readdirSync(installed(name), { recursive: true, encoding: "utf8" });
  expect(files).toEqual(expect.arrayContaining(["package.json", "dist/index.js", "dist/index.d.ts"].map((path) => join(path))));
  expect(files.filter((path) => /\.test\.|tsbuildinfo|tsconfig|node_modules/.test(path))).toEqual([]);
});

test("the program runs from what was installed", () => {
  const program = join(home, "node_modules/.bin/hikyaku");
  expect(run(program, ["--help"])).toContain("Usage: hikyaku [options] [command]");
  expect(run(program, ["init", "--folder", join(above, "desk"), "--name", "desk"])).toMatch(/^did:key:z6Mk/);
});

test("compiled code is kept beside the program, where nobody can write who could not change the program itself", () => {
  const program = join(home, "node_modules/.bin/hikyaku");
  rmSync(join(installed("hikyaku"), ".cache"), { recursive: true, force: true });
  expect(run(program, ["--help"])).toContain("Usage:");
  expect(readdirSync(join(installed("hikyaku"), ".cache"))).toEqual([expect.stringContaining(process.version)]);
});

test("the program runs where it cannot keep compiled code", () => {
  const program = join(home, "node_modules/.bin/hikyaku");
  const cache = join(installed("hikyaku"), ".cache");
  rmSync(cache, { recursive: true, force: true });
  writeFileSync(cache, "a file where the folder should be");
  expect(run(program, ["--help"])).toContain("Usage:");
  rmSync(cache);
});

test("the library runs from what was built, not from sources, and needs nothing that is not declared", () => {
  const text =
    'const { createPeer } = await import("hikyaku"); console.log(import.meta.resolve("hikyaku"), import.meta.resolve("@hikyaku/peer"), typeof createPeer);';
  const [door = "", peer = "", kind = ""] = run(process.execPath, ["--input-type=module", "--eval", text]).trim().split(" ");
  expect([door, peer, kind]).toEqual([
    expect.stringMatching(/\/home\/.*hikyaku\/dist\/index\.js$/),
    expect.stringMatching(/\/home\/.*peer\/dist\/index\.js$/),
    "function",
  ]);
});

test("a program in TypeScript sees the types of the three packages, without our condition", () => {
  writeFileSync(
    join(home, "program.ts"),
    [
      'import { createPeer, HikyakuError, type Peer, type Receipt } from "hikyaku";',
      "const peer: Peer = await createPeer({ folder: './desk', listen: '127.0.0.1:0' });",
      "const receipt: Receipt = await peer.send('lap', 'message', { text: 'backup finished' }, { until: 'handled' });",
      "// @ts-expect-error: there is no such stage",
      "await peer.send('lap', 'message', { text: 'x' }, { until: 'sent' });",
      "const code: string = new HikyakuError('INVALID_ARGUMENT', receipt.id).code;",
      "export { code };",
    ].join("\n"),
  );
  const flags = ["--noEmit", "--strict", "--target", "es2024", "--lib", "es2024,esnext.disposable", "--module", "nodenext"];
  const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types"), "--skipLibCheck"];
  expect(run(join(root, "node_modules/.bin/tsc"), [...flags, ...types, "program.ts"])).toBe("");
});

test("the license and the manifest name what they should", () => {
  const manifest = JSON.parse(readFileSync(join(installed("hikyaku"), "package.json"), "utf8")) as Readonly<Record<string, unknown>>;
  expect(manifest).toMatchObject({ license: "MIT", bin: { hikyaku: "dist/cli/main.js" }, engines: { node: ">=24.15" } });
});
