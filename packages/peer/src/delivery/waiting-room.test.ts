import { limits } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { ephemeral } from "./bag.ts";
import { WaitingRoom } from "./waiting-room.ts";

test("who fills the room up to where it is held up loses nothing to control that comes after", () => {
  const room = new WaitingRoom();
  const lost: unknown[] = [];
  const failed = (error: unknown): void => void lost.push(error);
  while (!room.isFull()) room.put(ephemeral("message", { text: "said" }, "normal", { failed }));
  for (let n = 0; n < limits.controlQueueReserved; n += 1) room.put(ephemeral("ping", { n }, "high"));
  expect(lost).toEqual([]);
  room.put(ephemeral("ping", { n: 0 }, "high"));
  expect(lost).toEqual([expect.objectContaining({ code: "OVERLOADED" })]);
});

test("whoever was held up goes on as soon as something has left", async () => {
  const room = new WaitingRoom();
  while (!room.isFull()) room.put(ephemeral("heartbeat", { seq: 1 }, "low"));
  let isIn = false;
  const waiting = room.room().then(() => {
    isIn = true;
  });
  await Promise.resolve();
  expect(isIn).toBe(false);
  room.take("low", 1);
  await waiting;
  expect(isIn).toBe(true);
});
