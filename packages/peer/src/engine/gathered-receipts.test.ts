/** What became of messages is told together where it comes to pass together, and soon in any case. */
import { limits } from "@hikyaku/protocol";
import { ManualClock, type Resident, still, World } from "@hikyaku/testkit";
import { expect, test } from "vitest";

const count = 10;

async function arrange(world: World, clock: ManualClock): Promise<{ readonly desk: Resident; readonly lap: Resident }> {
  const settings = { clock, speaksStreams: true };
  const [desk, lap] = [await world.peer("desk", settings), await world.peer("lap", settings)];
  await world.introduce(desk, lap);
  await lap.peer.ping("desk");
  return { desk, lap };
}

const receiptsAt = ({ peer }: Resident): number => peer.stats()["received.receipt"] ?? 0;

test("a handler that is done at once is all that the sender hears of: one receipt for a message, and one for many [DLV-10]", async () => {
  await using world = new World();
  const { desk, lap } = await arrange(world, new ManualClock());
  desk.peer.on("message", () => undefined);
  const one = lap.peer.send("desk", "message", { text: "hello" }, { until: "handled" });
  await still();
  expect(receiptsAt(lap)).toBe(1);
  await one;
  const all = Array.from({ length: count }, (_, json) => lap.peer.send("desk", "message", { json }, { until: "handled" }));
  await still();
  expect(receiptsAt(lap)).toBe(2);
  expect(new Set((await Promise.all(all)).map(({ stage }) => stage))).toEqual(new Set(["handled"]));
});

test("while a handler takes its time, its sender hears soon that it began [DLV-10]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const { desk, lap } = await arrange(world, clock);
  const done = Promise.withResolvers<void>();
  desk.peer.on("message", () => done.promise);
  const sending = lap.peer.send("desk", "message", { text: "hello" }, { until: "delivered" });
  await still();
  await clock.pass(limits.receiptWaitMs - 1);
  await still();
  expect(receiptsAt(lap)).toBe(0);
  await clock.pass(1);
  await still();
  expect(receiptsAt(lap)).toBe(1);
  expect(await sending).toMatchObject({ stage: "delivered", stages: [{ stage: "delivered" }] });
  done.resolve();
});

test("where nobody handles messages, that one is stored is told at once [DLV-10]", async () => {
  await using world = new World();
  const { lap } = await arrange(world, new ManualClock());
  expect(await lap.peer.send("desk", "message", { text: "hello" }, { until: "stored" })).toMatchObject({ stage: "stored" });
});
