import { limits, type Priority } from "@hikyaku/protocol";
import { settle } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import type { Cargo } from "./cargo.ts";
import { WaitingRoom } from "./waiting-room.ts";

const cargo = (priority: Priority, name = "", failures: string[] = []): Cargo => ({
  msgType: "ping",
  plaintext: new Uint8Array(1),
  priority,
  failed: ({ code }) => void failures.push(`${name} ${code}`),
});

test("what waits goes by priority, oldest first", () => {
  const room = new WaitingRoom();
  const [first, second, urgent] = [cargo("normal"), cargo("normal"), cargo("high")];
  for (const one of [first, second, urgent]) room.put(one);
  expect([room.peek("high")[0], room.peek("normal")[0], room.peek("low")[0]]).toEqual([urgent, first, undefined]);
  expect(room.take("normal", 1)).toEqual([first]);
  expect(room.peek("normal")).toEqual([second]);
  expect([room.size, room.has("high"), room.has("low")]).toEqual([2, true, false]);
});

test("above 256 the oldest of the lowest priority goes, and whoever waits for it is told OVERLOADED [LIM-1]", () => {
  const room = new WaitingRoom();
  const failures: string[] = [];
  room.put(cargo("high", "urgent", failures));
  room.put(cargo("low", "patient", failures));
  room.put(cargo("normal", "oldest", failures));
  while (room.size < limits.controlQueueMax) room.put(cargo("normal", "other", failures));
  room.put(cargo("high", "late", failures));
  expect(failures).toEqual(["patient OVERLOADED"]);
  room.put(cargo("normal", "last", failures));
  expect(failures).toEqual(["patient OVERLOADED", "oldest OVERLOADED"]);
  expect([room.size, room.peek("high").length]).toEqual([limits.controlQueueMax, 2]);
});

test("what did not get away goes first again, in its order, and the bound holds", () => {
  const room = new WaitingRoom();
  const [first, second] = [cargo("normal", "first"), cargo("normal", "second")];
  while (room.size < limits.controlQueueMax) room.put(cargo("normal"));
  const failures: string[] = [];
  room.putBack([first, second]);
  expect(room.size).toBe(limits.controlQueueMax);
  room.putBack([cargo("high", "urgent", failures)]);
  expect([room.size, room.peek("high").length, failures]).toEqual([limits.controlQueueMax, 1, []]);
  const other = new WaitingRoom();
  other.put(cargo("normal", "third"));
  other.putBack([first, second]);
  expect(other.take("normal", 2)).toEqual([first, second]);
});

test("whoever would rather wait than push something out waits until there is room", async () => {
  const room = new WaitingRoom();
  await room.room();
  while (!room.isFull()) room.put(cargo("normal"));
  let hasRoom = false;
  void room.room().then(() => {
    hasRoom = true;
  });
  await settle();
  expect(hasRoom).toBe(false);
  room.take("normal", 1);
  await settle();
  expect(hasRoom).toBe(true);
});

test("all fail together, and those who wait for room go on", async () => {
  const room = new WaitingRoom();
  const failures: string[] = [];
  room.put(cargo("low", "low", failures));
  room.put(cargo("high", "high", failures));
  while (!room.isFull()) room.put(cargo("normal"));
  const waiting = room.room();
  room.failAll(Object.assign(new Error("gone"), { code: "UNREACHABLE" }) as never);
  await waiting;
  expect(failures).toEqual(["high UNREACHABLE", "low UNREACHABLE"]);
  expect(room.size).toBe(0);
});

test("who fills the room up to where it is held up loses nothing to control that comes after", () => {
  const room = new WaitingRoom();
  const lost: unknown[] = [];
  const failed = (error: unknown): void => void lost.push(error);
  while (!room.isFull()) room.put({ ...cargo("normal"), failed });
  for (let n = 0; n < limits.controlQueueReserved; n += 1) room.put(cargo("high"));
  expect(lost).toEqual([]);
  room.put(cargo("high"));
  expect(lost).toEqual([expect.objectContaining({ code: "OVERLOADED" })]);
});
