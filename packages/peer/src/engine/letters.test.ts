import { limits } from "@hikyaku/protocol";
import { failureOf, type Meeting, meetAsFriends, still } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";

describe("why a message did not arrive", () => {
  test("everything that happened to it is told, oldest first: attempts, the route, the recipient's words", async () => {
    await using meeting = await meetAsFriends();
    const { world, clock, desk, lap } = meeting;
    await desk.peer.close();
    const { id } = await lap.peer.send("desk", "message", { text: "hello" });
    const waiting = await lap.peer.explain(id);
    expect(waiting).toMatchObject({
      name: "desk",
      stage: "queued",
      order: 1,
      trouble: { reason: expect.stringContaining("nothing listens there") },
    });
    const fresh = await world.restart(desk);
    fresh.peer.on("message", () => undefined);
    await lap.peer.ping("desk");
    await clock.pass(limits.retryMsMax);
    await still();
    const told = await lap.peer.explain(id);
    expect(told).toMatchObject({ stage: "handled" });
    expect(told).not.toHaveProperty("trouble");
    expect(told).not.toHaveProperty("body");
    const kinds = told.events.map(({ kind }) => kind);
    expect([kinds[0], kinds[1], kinds.at(-1)]).toEqual(["queued", "failed", "handled"]);
    expect(told.events.find(({ kind }) => kind === "sent")?.detail).toBe("http://desk:7340");
    expect(told.events.map(({ at }) => at)).toEqual(told.events.map(({ at }) => at).toSorted((left, right) => left - right));
  });

  test("an id may be shortened as long as it is one message's", async () => {
    await using meeting = await meetAsFriends();
    const { lap } = meeting;
    const { id } = await lap.peer.send("desk", "message", { text: "1" });
    expect(await lap.peer.explain(id.slice(0, 30))).toMatchObject({ id });
    await lap.peer.send("desk", "message", { text: "2" });
    expect(await failureOf(lap.peer.explain(id.slice(0, 8)))).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("Several messages"),
    });
    for (const reference of ["019", "ffffffff", "", "x".repeat(8), "0%_0"])
      expect(await failureOf(lap.peer.explain(reference))).toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("No message of this peer"),
      });
  });
});

describe("dead letters [DLV-8]", () => {
  /** A message that desk refused, since lap may send none. */
  async function refused({ desk, lap }: Meeting): Promise<string> {
    await desk.peer.trust({ peer: "lap", allow: [] });
    expect(await failureOf(lap.peer.send("desk", "message", { text: "hello" }))).toMatchObject({ code: "UNAUTHORIZED" });
    await still();
    const [letter] = await lap.peer.dead({ limit: 10 });
    return letter?.id ?? "";
  }

  test("what was refused is kept with its reason, and goes again as a new message, in its lane", async () => {
    await using meeting = await meetAsFriends();
    const { clock, desk, lap } = meeting;
    const id = await refused(meeting);
    expect(await lap.peer.dead({ limit: 10 })).toMatchObject([
      { id, to: desk.peer.did, stage: "refused", reason: "UNAUTHORIZED", order: 1 },
    ]);
    await desk.peer.trust({ peer: "lap", allow: ["message"] });
    await clock.pass(1000);
    const again = await lap.peer.retry(id.slice(0, 30));
    await still();
    expect(again).not.toBe(id);
    expect(await desk.peer.inbox({ limit: 10 })).toMatchObject([{ id: again, body: '{"text":"hello"}', place: { order: 2 } }]);
    expect(await lap.peer.explain(again)).toMatchObject({ stage: "stored", sentAt: clock.now() });
    expect(await lap.peer.dead({ limit: 10 })).toEqual([]);
    expect(await failureOf(lap.peer.retry(id))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("what was dropped is forgotten, and what is no dead letter cannot be dropped or tried again", async () => {
    await using meeting = await meetAsFriends();
    const { desk, lap } = meeting;
    const id = await refused(meeting);
    await lap.peer.drop(id);
    expect(await lap.peer.dead({ limit: 10 })).toEqual([]);
    expect(await failureOf(lap.peer.drop(id))).toMatchObject({ code: "INVALID_ARGUMENT" });
    await desk.peer.trust({ peer: "lap", allow: ["message"] });
    const { id: fine } = await lap.peer.send("desk", "message", { text: "fine" });
    for (const work of [lap.peer.drop(fine), lap.peer.retry(fine)])
      expect(await failureOf(work)).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("is no dead letter") });
  });

  test("they come oldest first, a page at a time", async () => {
    await using meeting = await meetAsFriends();
    const { clock, desk, lap } = meeting;
    await desk.peer.trust({ peer: "lap", allow: [] });
    for (let count = 0; count < 3; count += 1) {
      await failureOf(lap.peer.send("desk", "message", { text: "hello" }));
      await clock.pass(1);
    }
    const first = await lap.peer.dead({ limit: 2 });
    const rest = await lap.peer.dead({ limit: 2, after: first.at(-1)?.id ?? "" });
    expect([...first, ...rest].map(({ order }) => order)).toEqual([1, 2, 3]);
  });
});
