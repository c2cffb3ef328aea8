import { limits } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { type Transient, TransientQueue } from "./transient-queue.ts";

const from = (sender: string, id = "", bytes = 10): Transient => ({ from: sender, id, bytes, run: () => undefined });

test("each sender's stay in order, and senders take turns", () => {
  const queue = new TransientQueue();
  for (const id of ["1", "2", "3"]) queue.put(from("loud", id));
  queue.put(from("quiet", "4"));
  const order = Array.from({ length: 5 }, () => queue.take()?.id);
  expect(order).toEqual(["1", "4", "2", "3", undefined]);
  expect(queue.bytes).toBe(0);
});

test("a sender has so many and no more, and keeps nobody else out [LIM-9]", () => {
  const queue = new TransientQueue();
  for (let n = 0; n < limits.transientPerSenderMax; n += 1) expect(queue.put(from("loud"))).toBe(true);
  expect([queue.put(from("loud")), queue.put(from("quiet"))]).toEqual([false, true]);
  queue.take();
  expect(queue.put(from("loud"))).toBe(true);
});

test("large ones are bounded by their bytes, of one sender and of all [LIM-9]", () => {
  const queue = new TransientQueue();
  const bytes = limits.bodyBytesMax;
  let taken = 0;
  while (queue.put(from("loud", "", bytes))) taken += 1;
  expect(taken).toBe(Math.floor(limits.transientBytesPerSenderMax / (bytes + limits.transientEntryBytes)));
  for (let sender = 0; sender < 100; sender += 1) while (queue.put(from(`${sender}`, "", bytes)));
  expect(queue.bytes).toBeGreaterThan(limits.transientBytesMax - 2 * bytes);
  expect(queue.bytes).toBeLessThanOrEqual(limits.transientBytesMax);
});
