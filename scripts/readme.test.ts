/** The README keeps its word: its program compiles as it stands and does what it says, and the commands that it names exist. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;
const readme = readFileSync(join(root, "README.md"), "utf8");
const [, program = ""] = /```ts\n(.*?)```/s.exec(readme) ?? [];
const folder = mkdtempSync(join(tmpdir(), "hikyaku-readme-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (script: string, ...words: readonly string[]) =>
  spawnSync(process.execPath, [script, ...words], { cwd: folder, encoding: "utf8", timeout: 60_000 });

test("the README's program compiles and does what the README says", () => {
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "example.ts"), program);
  const flags = [
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "es2024",
    "--lib",
    "es2024,esnext.disposable",
    "--types",
    "node",
  ];
  const compiled = run(join(root, "node_modules/typescript/bin/tsc"), ...flags, "--skipLibCheck", "example.ts");
  expect(compiled.stdout).toBe("");
  expect(compiled.status).toBe(0);
  const { status, stdout, stderr } = run("example.ts");
  expect(stderr).toBe("");
  const talk = ["lap: backup finished", "handled", "lap: how are you?", "desk: well, thanks"];
  const work = ["submitted ", "working ", "working 0.5", "completed ", "{ summary: 'A long report' }"];
  expect(stdout.split("\n")).toEqual([...talk, ...work, ""]);
  expect(status).toBe(0);
});

test("every script and file that the README names is there", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const named = [...readme.matchAll(/npm run ([a-z]+)/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = ""]) => path).filter((path) => !path.includes("://"));
  expect(links.length).toBeGreaterThan(8);
  for (const path of links) expect(readFileSync(join(root, path), "utf8").length).toBeGreaterThan(0);
});
