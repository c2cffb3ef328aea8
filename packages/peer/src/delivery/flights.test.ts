import { expect, test } from "vitest";
import type { Link } from "../ports/link.ts";
import { type Flight, Flights } from "./flights.ts";
import { type LaneEntry, OutgoingLane } from "./outgoing-lane.ts";

async function arrange() {
  const lane = new OutgoingLane("normal");
  await lane.refill(async (after) =>
    after > 0
      ? []
      : [1, 2, 3].map((order) => ({
          id: `id-${order}`,
          to: "did:desk",
          type: "message",
          priority: "normal",
          body: "{}",
          sentAt: 0,
          exp: 1,
          order,
        })),
  );
  const [one, two, three] = [...lane.ready()] as [LaneEntry, LaneEntry, LaneEntry];
  const flights = new Flights();
  const fly = (ref: string, entries: readonly LaneEntry[], link?: Link): Flight => {
    const flight = { ref, sessionId: "s", link, sentAt: 0, entries: new Set(entries) };
    flights.add(flight);
    return flight;
  };
  const ready = (): readonly number[] => [...lane.ready()].map(({ message }) => message.order);
  return { flights, fly, ready, one, two, three };
}

test("what is on its way is not ready, and a flight ends when all of it has arrived", async () => {
  const { flights, fly, ready, one, two } = await arrange();
  const flight = fly("a", [one, two]);
  expect([ready(), flights.get("a"), flights.oldest()]).toEqual([[3], flight, flight]);
  flights.arrive(one);
  expect(flights.size).toBe(1);
  flights.arrive(two);
  expect([flights.size, flights.oldest()]).toEqual([0, undefined]);
});

test("what turns back is ready again; what has arrived of it is not [DLV-3]", async () => {
  const { flights, fly, ready, one, two, three } = await arrange();
  const flight = fly("a", [one, two]);
  fly("b", [three]);
  flights.arrive(one);
  one.lane.settle(one);
  expect(flights.turnBack(flight)).toEqual([two]);
  expect(flights.turnBack(flight)).toEqual([]);
  expect([ready(), flights.oldest()?.ref]).toEqual([[2], "b"]);
});

test("all of one link, or of one session, turn back together", async () => {
  const { flights, fly, ready, one, two, three } = await arrange();
  const link = {} as Link;
  fly("a", [one], link);
  fly("b", [two]);
  fly("c", [three], link);
  expect(flights.turnBackAll((flight) => flight.link === link)).toEqual([one, three]);
  expect([ready(), flights.size]).toEqual([[1, 3], 1]);
});
