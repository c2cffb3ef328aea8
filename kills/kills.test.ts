/** The proofs in small, so that every run of the tests has them; `npm run kills` is the whole. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runTaskTrial } from "./task-trial.ts";
import { runTrial } from "./trial.ts";

class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "hikyaku-kills-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

test("two peers that are killed three times each lose no message, handle none twice and all in order [BOX-1] [BOX-2]", {
  timeout: 120_000,
}, async () => {
  using folder = new Folder();
  const seed = Math.floor(Math.random() * 2 ** 32);
  const { kills, verdicts, messages } = await runTrial({ folder: folder.path, seed, kills: 3, messages: 600 });
  expect(
    verdicts.map(({ wrongs }) => wrongs),
    `seed ${seed}`,
  ).toEqual([[], []]);
  expect(Math.min(...kills), `seed ${seed}`).toBeGreaterThanOrEqual(3);
  expect(verdicts.reduce((sum, { handled, interrupted }) => sum + handled + interrupted, 0)).toBe(messages);
});

test("a requester and its worker that are killed twice each bring every task to one end that both know [TASK-1] [TASK-4] [TASK-6] [TASK-8]", {
  timeout: 120_000,
}, async () => {
  using folder = new Folder();
  const seed = Math.floor(Math.random() * 2 ** 32);
  const { kills, verdict, tasks } = await runTaskTrial({ folder: folder.path, seed, kills: 2, tasks: 24 });
  expect(verdict.wrongs, `seed ${seed}`).toEqual([]);
  expect(Math.min(...kills), `seed ${seed}`).toBeGreaterThanOrEqual(2);
  expect(verdict.completed + verdict.interrupted).toBe(tasks);
});
