/** The proof in small, so that every run of the tests has it; `npm run kills` is the whole. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runTrial } from "./trial.ts";

test("two peers that are killed three times each lose no message, handle none twice and all in order [BOX-1] [BOX-2]", {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "hikyaku-kills-"));
  const seed = Math.floor(Math.random() * 2 ** 32);
  try {
    const { kills, verdicts, messages } = await runTrial({ folder, seed, kills: 3, messages: 600 });
    expect(
      verdicts.map(({ wrongs }) => wrongs),
      `seed ${seed}`,
    ).toEqual([[], []]);
    expect(Math.min(...kills), `seed ${seed}`).toBeGreaterThanOrEqual(3);
    expect(verdicts.reduce((sum, { handled, interrupted }) => sum + handled + interrupted, 0)).toBe(messages);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
