import { PassThrough, Readable } from "node:stream";
import { limits } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { PipedLines } from "./input-lines.ts";

test("lines are given one at a time, and what comes after them is kept", async () => {
  const lines = new PipedLines(Readable.from(["fir", "st\nsecond\nthi", "rd"]));
  expect(await lines.mayCome()).toBe(true);
  for (const line of ["first", "second", "third", ""]) expect(await lines.next("", false)).toBe(line);
  expect(await lines.mayCome()).toBe(false);
});

test("an input at its end has nothing to say, and one that broke off neither", async () => {
  expect(await new PipedLines(Readable.from([])).mayCome()).toBe(false);
  const broken = new PassThrough();
  const lines = new PipedLines(broken);
  broken.destroy(new Error("gone"));
  expect(await lines.mayCome()).toBe(false);
  expect(await lines.next("", false)).toBe("");
});

test("in a pipe that is open something may still come", async () => {
  const pipe = new PassThrough();
  const lines = new PipedLines(pipe);
  expect(await lines.mayCome()).toBe(true);
  const next = lines.next("", false);
  pipe.write("late\n");
  expect(await next).toBe("late");
});

test("a line without end is cut", async () => {
  const endless = new Readable({
    read() {
      this.push("x".repeat(1000));
    },
  });
  const line = await new PipedLines(endless).next("", false);
  expect(line.length).toBeGreaterThan(limits.pairingLinkLengthMax);
  expect(line.length).toBeLessThan(100_000);
});
