import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { systemClock } from "./system-clock.ts";

test("a timer runs once, and not before its time", async () => {
  const start = systemClock.elapsed();
  await new Promise<void>((resolve) => systemClock.after(20, resolve));
  // The machine's two clocks may differ by a tick.
  expect(systemClock.elapsed() - start).toBeGreaterThanOrEqual(19);
});

test("a canceled timer does not run, and canceling twice is harmless", async () => {
  let runs = 0;
  const timer = systemClock.after(1, () => {
    runs += 1;
  });
  timer.cancel();
  timer.cancel();
  await new Promise<void>((resolve) => systemClock.after(20, resolve));
  expect(runs).toBe(0);
});

test("a pending timer alone does not keep a process alive", () => {
  const script = `import { systemClock } from ${JSON.stringify(new URL("./system-clock.ts", import.meta.url).href)}; systemClock.after(60_000, () => {});`;
  expect(() => execFileSync(process.execPath, ["--input-type=module", "--eval", script], { timeout: 10_000 })).not.toThrow();
});
