/** The story can fail: with the replay window taken out of a copy of the program, `npm run demo` ends with another exit code. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const copy = mkdtempSync(join(tmpdir(), "hikyaku-copy-"));

afterAll(() => rmSync(copy, { recursive: true, force: true }));

const runDemo = (folder: string) =>
  spawnSync(process.execPath, [join(folder, "examples/first-letter/demo.ts")], { encoding: "utf8", timeout: 100_000 });

/** What was built, with third-party packages shared and our own ones copied, so that a change reaches the program. */
function copyProgram(): void {
  cpSync(join(root, "examples"), join(copy, "examples"), { recursive: true });
  for (const name of ["protocol", "peer", "hikyaku"]) {
    for (const part of ["dist", "package.json"])
      cpSync(join(root, "packages", name, part), join(copy, "packages", name, part), { recursive: true });
  }
  writeFileSync(join(copy, "package.json"), '{"type":"module"}');
  mkdirSync(join(copy, "node_modules/@hikyaku"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name !== "@hikyaku" && name !== "hikyaku" && !name.startsWith("."))
      symlinkSync(join(root, "node_modules", name), join(copy, "node_modules", name));
  }
  for (const name of ["protocol", "peer"]) symlinkSync(join(copy, "packages", name), join(copy, "node_modules/@hikyaku", name));
}

test("with the replay window gone the demo fails, in the chapter of the replay and nowhere else [MSG-5]", { timeout: 120_000 }, () => {
  copyProgram();
  const file = join(copy, "packages/protocol/dist/session/replay-window.js");
  const text = readFileSync(file, "utf8");
  const mutant = text.replace('return { kind: "replayed" };', 'return { kind: "fresh", window };');
  expect(mutant).not.toBe(text);
  writeFileSync(file, mutant);
  const { status, stdout } = runDemo(copy);
  expect(status).toBe(1);
  const wrong = stdout.split("\n").filter((line) => line.includes("✗"));
  expect(wrong.map((line) => line.replace(/:.*/s, "").trim())).toEqual([
    "✗ the copy is answered like any letter, with nothing in it",
    "✗ the replay window counted it",
  ]);
  // Everything else came out as the story tells it, so the copy runs.
  expect(stdout.split("\n").filter((line) => line.includes("✓")).length).toBeGreaterThan(15);
});
