import { decodeBody, decodeBundle, encodeBundle, limits, type Priority } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import type { QueuedMessage } from "../ports/outbox.ts";
import { Bag, ephemeral, type Load } from "./bag.ts";
import type { Flight } from "./flights.ts";
import type { LaneEntry } from "./outgoing-lane.ts";

const epoch = "00000000000000aa";

function newBag(): Bag {
  const bag = new Bag();
  bag.epoch = epoch;
  return bag;
}
const single = { isBundling: false, isOpenForLanes: true };
const bundling = { isBundling: true, isOpenForLanes: true };
const idOf = (order: number): string => `019c0000-0000-7000-8000-${order.toString(16).padStart(12, "0")}`;

const message = (order: number, priority: Priority, body: string): QueuedMessage => ({
  id: idOf(order),
  to: "did:desk",
  type: "message",
  priority,
  body,
  sentAt: 1,
  exp: 2,
  order,
});

/** A bag with so many durable messages, of so many letters each. */
async function bagWith(count: number, { priority = "normal" as Priority, letters = 1 } = {}): Promise<Bag> {
  const bag = newBag();
  for (const lane of bag.lanes.values())
    await lane.refill(async (after) =>
      after > 0 || lane.priority !== priority
        ? []
        : Array.from({ length: count }, (_, index) => message(index + 1, priority, JSON.stringify({ text: "x".repeat(letters) }))),
    );
  return bag;
}

const ping = (n: number, priority: Priority = "normal") => ephemeral("ping", { n }, priority);
const typesOf = (load: Load | undefined): readonly string[] => load?.cargo.map(({ msgType }) => msgType) ?? [];
const fly = (load: Load | undefined): void => {
  for (const { entry } of load?.cargo ?? []) entry?.lane.fly(entry, {} as Flight);
};

test("an empty bag has nothing to load", () => {
  const bag = newBag();
  expect([bag.hasCargo(single), bag.load(single), bag.load(bundling)]).toEqual([false, undefined, undefined]);
});

test("the urgent goes first, and within a priority what answers somebody before what is kept [LANE-4]", async () => {
  const bag = await bagWith(1);
  bag.room.put(ping(1));
  bag.room.put(ephemeral("heartbeat", { seq: 1 }, "low"));
  bag.receipts.note([idOf(9)], "stored");
  bag.receipts.ripen();
  const loads = [1, 2, 3, 4].map(() => {
    const load = bag.load(single);
    fly(load);
    return typesOf(load)[0];
  });
  expect(loads).toEqual(["receipt", "ping", "message", "heartbeat"]);
  expect(bag.hasCargo(single)).toBe(false);
});

test("what is to be told of messages is no cargo until it is due, but goes along with what is urgent [DLV-10]", () => {
  const bag = newBag();
  bag.receipts.note([idOf(9)], "stored");
  expect([bag.hasCargo(single), bag.load(single)]).toEqual([false, undefined]);
  bag.room.put(ephemeral("session_close", {}, "high"));
  expect(typesOf(bag.load(bundling))).toEqual(["session_close", "receipt"]);
  bag.receipts.note([idOf(8)], "stored");
  expect(bag.hasCargo(single)).toBe(false);
  bag.receipts.ripen();
  expect(bag.hasCargo(single)).toBe(true);
});

test("a lower priority is passed over eight times at most", () => {
  const bag = newBag();
  bag.room.put(ephemeral("heartbeat", { seq: 1 }, "low"));
  for (let n = 0; n < 20; n += 1) bag.room.put(ping(n, "high"));
  const loaded = Array.from({ length: 12 }, () => typesOf(bag.load(single))[0]);
  expect(loaded.indexOf("heartbeat")).toBe(limits.passedOverMax);
  expect(loaded.filter((type) => type === "ping")).toHaveLength(11);
});

test("a kept message says its lane, its order and the lane's floor [LANE-1] [LANE-3]", async () => {
  const bag = await bagWith(2);
  const first = bag.load(single);
  expect(first?.plaintext && decodeBody("message", first.plaintext)).toMatchObject({
    id: idOf(1),
    sent_at: 1,
    exp: 2,
    lane: `${epoch}/normal`,
    order: 1,
    floor: 1,
  });
  const entry = bag.find(idOf(1)) as LaneEntry;
  entry.lane.settle(entry);
  const second = bag.load(single);
  expect(second?.plaintext && decodeBody("message", second.plaintext)).toMatchObject({ order: 2, floor: 2 });
});

test("while the peer rests, kept messages stay and everything else goes", async () => {
  const bag = await bagWith(1);
  const closed = { isBundling: false, isOpenForLanes: false };
  expect([bag.hasCargo(closed), bag.load(closed)]).toEqual([false, undefined]);
  bag.room.put(ping(1));
  expect([typesOf(bag.load(closed)), bag.hasCargo(closed), bag.hasCargo(single)]).toEqual([["ping"], false, true]);
});

test("what waits goes together, in order, of one priority alone; one by itself is no bundle [BUNDLE-4]", async () => {
  const bag = await bagWith(2);
  bag.room.put(ping(1));
  bag.room.put(ephemeral("heartbeat", { seq: 1 }, "low"));
  const load = bag.load(bundling);
  fly(load);
  expect([load?.msgType, typesOf(load)]).toEqual(["bundle", ["ping", "message", "message"]]);
  expect(load?.plaintext && decodeBundle(load.plaintext)?.map(({ msgType }) => msgType)).toEqual(["ping", "message", "message"]);
  expect(bag.load(bundling)).toMatchObject({ msgType: "heartbeat" });
});

test("a bundle holds 1 024 and not one more [BUNDLE-1]", async () => {
  const bag = await bagWith(limits.bundleCountMax + 1);
  const load = bag.load(bundling);
  fly(load);
  expect(load?.cargo).toHaveLength(limits.bundleCountMax);
  expect(bag.load(bundling)).toMatchObject({ msgType: "message" });
});

test("a bundle stays within its bytes, and takes as many as fit [BUNDLE-2]", async () => {
  const bag = await bagWith(10, { letters: 60 * 1024 });
  const load = bag.load(bundling);
  expect(load?.cargo).toHaveLength(4);
  expect(load?.plaintext.length).toBeLessThanOrEqual(limits.bundleBytesMax);
  const all = [...(bag.lanes.get("normal")?.ready() ?? [])].length;
  expect(all).toBe(10);
  const next = load?.cargo.at(-1);
  if (load === undefined || next === undefined) throw new Error("nothing was loaded");
  expect(() => encodeBundle([...load.cargo, next].map(({ msgType, plaintext }) => ({ msgType, body: plaintext })))).toThrow(RangeError);
});

test("what has to go alone goes alone, and ends the bundle before it [DLV-4]", async () => {
  const bag = await bagWith(4);
  const third = bag.find(idOf(3)) as LaneEntry;
  third.isAlone = true;
  const counts = [1, 2, 3].map(() => {
    const load = bag.load(bundling);
    fly(load);
    return [load?.msgType, load?.cargo.map(({ entry }) => entry?.message.order)];
  });
  expect(counts).toEqual([
    ["bundle", [1, 2]],
    ["message", [3]],
    ["message", [4]],
  ]);
});
