import { limits } from "@hikyaku/protocol";
import { ManualClock } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { Flights } from "./flights.ts";
import { type LaneEntry, OutgoingLane } from "./outgoing-lane.ts";
import { Repetitions } from "./repetitions.ts";

async function arrange() {
  const clock = new ManualClock();
  const flights = new Flights();
  const lane = new OutgoingLane("normal");
  const message = { id: "id", to: "did:desk", type: "message", priority: "normal", body: "{}", sentAt: 0, exp: 1, order: 1 } as const;
  await lane.refill(async (after) => (after > 0 ? [] : [message]));
  const [entry] = [...lane.ready()] as [LaneEntry];
  const waited: number[] = [];
  const fly = (): void => {
    flights.add({ ref: `${waited.length}`, sessionId: "s", link: undefined, sentAt: clock.elapsed(), entries: new Set([entry]) });
    repetitions.watch();
  };
  const repetitions = new Repetitions(clock, flights, ({ afterMs }) => {
    waited.push(afterMs);
    fly();
  });
  return { clock, repetitions, waited, fly };
}

test("what has no receipt goes again after 5 s and then ever more slowly, up to a minute [DLV-3]", async () => {
  const { clock, fly, waited } = await arrange();
  fly();
  await clock.pass(5000 + 10_000 + 20_000 + 40_000 + 60_000 + 60_000);
  expect(waited).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
});

test("receipts that come again shorten a wait that has begun already [DLV-3]", async () => {
  const { clock, fly, waited, repetitions } = await arrange();
  fly();
  await clock.pass(5000 + 10_000 + 20_000 + 40_000 + 1000);
  repetitions.reset();
  await clock.pass(limits.repeatAfterMsMin - 1001);
  expect(waited).toHaveLength(4);
  await clock.pass(1);
  expect(waited.slice(4)).toEqual([limits.repeatAfterMsMin]);
});

test("once stopped, nothing is repeated any more", async () => {
  const { clock, fly, waited, repetitions } = await arrange();
  fly();
  await clock.pass(limits.repeatAfterMsMin);
  repetitions.stop();
  repetitions.reset();
  await clock.pass(limits.repeatAfterMsMax);
  expect(waited).toHaveLength(1);
});
