import { expect, test } from "vitest";
import { TaskQueue } from "./task-queue.ts";

const key = (peer: string, id: string) => ({ role: "worker", peer, id }) as const;
const drain = (queue: TaskQueue): readonly string[] => {
  const ids: string[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) ids.push(next.id);
  return ids;
};

test("requesters take turns, however much one of them wants and however urgently [TASK-2]", () => {
  const queue = new TaskQueue();
  for (const id of ["a1", "a2", "a3", "a4"]) queue.add(key("a", id), "high");
  for (const id of ["b1", "b2"]) queue.add(key("b", id), "low");
  queue.add(key("c", "c1"), "normal");
  expect(queue.size).toBe(7);
  expect(drain(queue)).toEqual(["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
  expect(queue.size).toBe(0);
});

test("of one requester's the most urgent goes first, then the oldest [TASK-2]", () => {
  const queue = new TaskQueue();
  queue.add(key("a", "1"), "low");
  queue.add(key("a", "2"), "normal");
  queue.add(key("a", "3"), "normal");
  queue.add(key("a", "4"), "high");
  expect(drain(queue)).toEqual(["4", "2", "3", "1"]);
});

test("what was removed is not taken, and what is not there is no mistake", () => {
  const queue = new TaskQueue();
  queue.add(key("a", "1"), "low");
  queue.add(key("a", "2"), "low");
  expect([queue.remove(key("a", "1")), queue.remove(key("a", "1")), queue.remove(key("b", "2"))]).toEqual([true, false, false]);
  expect(drain(queue)).toEqual(["2"]);
  queue.add(key("a", "3"), "low");
  expect(queue.remove(key("a", "3"))).toBe(true);
  expect(queue.next()).toBeUndefined();
});
