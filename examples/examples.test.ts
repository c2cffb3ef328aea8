/** The examples hold: each runs as a program of its own, as whoever copies it would run it, checks itself, and ends well and soon. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const cache = fileURLToPath(new URL("../node_modules/.cache/hikyaku", import.meta.url));

test.each(["supervision", "pipeline", "worker-pool"])("%s holds what it says", { timeout: 60_000 }, (name) => {
  const program = fileURLToPath(new URL(`./${name}/demo.ts`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--conditions=@hikyaku/source", program], {
    encoding: "utf8",
    timeout: 50_000,
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  expect({ status, stderr, wrong: stdout.split("\n").filter((line) => line.includes("✗")) }).toEqual({ status: 0, stderr: "", wrong: [] });
  expect(stdout).toContain("Everything was as it should be.");
});
