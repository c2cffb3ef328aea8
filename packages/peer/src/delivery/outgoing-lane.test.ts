import { limits } from "@hikyaku/protocol";
import { failureOf } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import type { QueuedMessage } from "../ports/outbox.ts";
import type { Flight } from "./flights.ts";
import { OutgoingLane, type ReadLane } from "./outgoing-lane.ts";

const message = (order: number, body = "{}"): QueuedMessage => ({
  id: `id-${order}`,
  to: "did:desk",
  type: "message",
  priority: "normal",
  body,
  sentAt: 0,
  exp: 1,
  order,
});
const flight = { ref: "ref" } as Flight;
const orders = (lane: OutgoingLane): readonly number[] => [...lane.ready()].map((entry) => entry.message.order);

/** An outbox lane with these orders. */
const reading = (...held: readonly QueuedMessage[]): ReadLane & { reads: number } => {
  const read = Object.assign(
    async (after: number, { count }: { readonly count: number }) => {
      read.reads += 1;
      return held.filter(({ order }) => order > after).slice(0, count);
    },
    { reads: 0 },
  );
  return read;
};

async function loaded(...held: readonly QueuedMessage[]): Promise<OutgoingLane> {
  const lane = new OutgoingLane("normal");
  await lane.refill(reading(...held));
  return lane;
}

test("messages are ready by rising order, and what is on its way is not [LANE-2]", async () => {
  const lane = await loaded(message(3), message(4), message(7));
  expect(orders(lane)).toEqual([3, 4, 7]);
  const entry = lane.find("id-4");
  if (entry === undefined) throw new Error("it is not there");
  lane.fly(entry, flight);
  expect([orders(lane), lane.readyCount, lane.size]).toEqual([[3, 7], 2, 3]);
  lane.land(entry);
  expect([orders(lane), lane.readyCount]).toEqual([[3, 4, 7], 3]);
});

test("the floor is the lowest order that may still be sent, on its way or not, and the next one where there is none [LANE-3]", async () => {
  const lane = await loaded(message(3), message(4));
  expect(lane.floor).toBe(3);
  const [first, second] = [lane.find("id-3"), lane.find("id-4")];
  if (first === undefined || second === undefined) throw new Error("they are not there");
  lane.fly(first, flight);
  lane.settle(second);
  expect(lane.floor).toBe(3);
  lane.settle(first);
  expect(lane.floor).toBe(5);
  expect([lane.size, lane.readyCount]).toEqual([0, 0]);
  lane.land(first);
  lane.settle(first);
  expect([lane.size, lane.readyCount]).toEqual([0, 0]);
});

test("a message that has just become durable is taken into memory only where everything before it is [LANE-2]", async () => {
  const lane = new OutgoingLane("normal");
  lane.offer(message(9));
  expect(orders(lane)).toEqual([]);
  await lane.refill(reading(message(8), message(9)));
  lane.offer(message(9));
  lane.offer(message(11));
  expect(orders(lane)).toEqual([8, 9]);
  for (const id of ["id-8", "id-9"]) lane.settle(lane.find(id) ?? fail());
  await lane.refill(reading(message(10), message(11)));
  expect(orders(lane)).toEqual([10, 11]);
  for (const id of ["id-10", "id-11"]) lane.settle(lane.find(id) ?? fail());
  await lane.refill(reading());
  expect(lane.isIdle()).toBe(true);
  lane.offer(message(12));
  expect(orders(lane)).toEqual([12]);
});

test("what is offered while the outbox is read is read as well, and no message twice", async () => {
  const lane = new OutgoingLane("normal");
  const gate = Promise.withResolvers<readonly QueuedMessage[]>();
  const [first, second] = [lane.refill(() => gate.promise), lane.refill(() => Promise.reject(new Error("a second read")))];
  lane.offer(message(2));
  gate.resolve([message(1)]);
  await Promise.all([first, second]);
  lane.settle(lane.find("id-1") ?? fail());
  expect(lane.mayHaveMore()).toBe(true);
  await lane.refill(reading(message(2)));
  expect(orders(lane)).toEqual([2]);
});

test("no more than a window is in memory, the rest stays in the outbox [LIM-1]", async () => {
  const large = "x".repeat(limits.laneWindowBytesMax);
  const lane = await loaded(message(1, large), message(2, large));
  lane.settle(lane.find("id-2") ?? fail());
  const read = reading(message(3));
  lane.fly(lane.find("id-1") ?? fail(), flight);
  expect(lane.mayHaveMore()).toBe(false);
  await lane.refill(read);
  lane.offer(message(3));
  expect([read.reads, lane.size]).toEqual([0, 1]);
  lane.settle(lane.find("id-1") ?? fail());
  await lane.refill(read);
  expect(orders(lane)).toEqual([3]);
});

test("a read that fails is made again", async () => {
  const lane = new OutgoingLane("normal");
  await failureOf(lane.refill(() => Promise.reject(new Error("disk"))));
  expect([lane.isIdle(), lane.mayHaveMore()]).toEqual([false, true]);
  await lane.refill(reading(message(1)));
  expect(orders(lane)).toEqual([1]);
});

function fail(): never {
  throw new Error("it is not there");
}
