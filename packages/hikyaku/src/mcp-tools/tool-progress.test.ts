import { setTimeout as pause } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import type { Said } from "../serving/run.ts";
import { ToolProgress } from "./tool-progress.ts";

function begin(tell: (said: Said) => Promise<void> = async () => undefined) {
  const said: Said[] = [];
  const failed: unknown[] = [];
  const progress = new ToolProgress({
    tell: async (one) => {
      said.push(one);
      await tell(one);
    },
    failed: (error) => failed.push(error),
  });
  return { said, failed, progress };
}

test("a fraction never falls and never passes the end, and without a total only words are told", async () => {
  const { said, progress } = begin();
  const hear = async (...heard: Parameters<ToolProgress["hear"]>): Promise<void> => {
    progress.hear(...heard);
    await pause(130);
  };
  await hear({ progress: 3, total: 4 });
  await hear({ progress: 1, total: 4 });
  await hear({ progress: 2, total: 4, message: "back" });
  await hear({ progress: 9 });
  await hear({ progress: -1, total: 0, message: "x".repeat(5000) });
  await hear({ progress: 9, total: 4 });
  expect(said).toEqual([
    { progress: 0.75 },
    { progress: 0.75, detail: "back" },
    { progress: 0.75, detail: `${"x".repeat(4095)}…` },
    { progress: 1 },
  ]);
});

test("of what comes fast the last is told, ten times a second at most, and nothing after the end [TOOL-5]", async () => {
  const { said, progress } = begin();
  for (let step = 1; step <= 1000; step += 1) progress.hear({ progress: step, total: 2000 });
  expect(said).toEqual([{ progress: 1 / 2000 }]);
  await vi.waitUntil(() => said.length === 2);
  expect(said[1]).toEqual({ progress: 0.5 });
  progress.hear({ progress: 2000, total: 2000 });
  await progress.end();
  expect(said).toHaveLength(2);
});

test("where it cannot be told, whoever waits for the tool hears why, and nothing more is told", async () => {
  const { said, failed, progress } = begin(() => Promise.reject(new Error("gone")));
  progress.hear({ progress: 1, total: 2 });
  await vi.waitUntil(() => failed.length > 0);
  progress.hear({ progress: 2, total: 2 });
  await progress.end();
  expect([said, failed]).toEqual([[{ progress: 0.5 }], [new Error("gone")]]);
});
