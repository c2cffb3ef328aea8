import { limits } from "@hikyaku/protocol";
import { failureOf, type Meeting, meetAsFriends, still } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";

const arrange = (speaksStreams = false): Promise<Meeting> => meetAsFriends({ desk: { speaksStreams }, lap: { speaksStreams } });

describe("expiry [DLV-7]", () => {
  test("what nobody took in time is a dead letter, and whoever waits for it learns so", async () => {
    await using meeting = await arrange();
    const { clock, desk, lap } = meeting;
    await desk.peer.close();
    let failure: unknown;
    const sending = lap.peer.send("desk", "message", { text: "hello" }, { until: "handled", lifeMs: 60_000, timeoutMs: 600_000 });
    void failureOf(sending).then((reason) => {
      failure = reason;
    });
    await clock.pass(60_000 + 2 * limits.heartbeatIntervalMs);
    expect(failure).toMatchObject({ code: "MESSAGE_EXPIRED" });
    expect(await lap.peer.dead({ limit: 10 })).toMatchObject([
      { stage: "expired", events: expect.arrayContaining([expect.objectContaining({ kind: "expired" })]) },
    ]);
    expect(lap.peer.stats()).toMatchObject({ "message.expired": 1 });
  });

  test("what expired is not sent any more, and those behind it do not wait for it [LANE-3]", async () => {
    await using meeting = await arrange();
    const { world, clock, desk, lap } = meeting;
    await desk.peer.close();
    await lap.peer.send("desk", "message", { text: "short-lived" }, { lifeMs: 60_000 });
    await lap.peer.send("desk", "message", { text: "patient" });
    await clock.pass(60_000 + 2 * limits.heartbeatIntervalMs);
    const fresh = await world.restart(desk);
    const heard: unknown[] = [];
    fresh.peer.on("message", ({ body }) => void heard.push(body));
    await fresh.peer.ping("lap");
    await still();
    expect(heard).toEqual([{ text: "patient" }]);
    expect(await fresh.peer.inbox({ limit: 10 })).toMatchObject([{ place: { order: 2, floor: 2 } }]);
  });

  test("a message lives three days unless told, and seven at most", async () => {
    await using meeting = await arrange();
    const { clock, lap } = meeting;
    const lifeOf = async (options: { readonly lifeMs?: number }): Promise<number> => {
      const { id } = await lap.peer.send("desk", "message", { text: "hello" }, options);
      return (await lap.peer.explain(id)).exp - clock.now();
    };
    expect(await lifeOf({})).toBe(limits.messageLifeMsDefault);
    expect(await lifeOf({ lifeMs: 30 * 24 * 3_600_000 })).toBe(limits.messageLifeMsMax);
  });
});

describe("receipts that were missed [DLV-9]", () => {
  test("the sender asks every five minutes what has become of messages that are stored and not handled", async () => {
    await using meeting = await arrange();
    const { world, clock, desk, lap } = meeting;
    const { id } = await lap.peer.send("desk", "message", { text: "hello" });
    // Desk tells of the handling while nobody can hear it.
    world.weather.before = (to) => (to.includes("lap") ? "lost" : undefined);
    await desk.needs.inbox.advance(lap.peer.did, [id], "handled");
    const queries = (): number => world.envelopes("lap", "desk", "receipt_query").length;
    delete world.weather.before;
    const before = queries();
    await clock.pass(limits.receiptQueryIntervalMs - limits.heartbeatIntervalMs);
    expect([queries(), (await lap.peer.explain(id)).stage]).toEqual([before, "stored"]);
    await clock.pass(2 * limits.heartbeatIntervalMs);
    expect(queries()).toBe(before + 1);
    expect((await lap.peer.explain(id)).stage).toBe("handled");
    await clock.pass(limits.receiptQueryIntervalMs + limits.heartbeatIntervalMs);
    expect(queries()).toBe(before + 1);
  });

  test("of more messages than one round asks for, the next rounds ask for the rest and then begin anew", async () => {
    await using meeting = await arrange(true);
    const { clock, desk, lap } = meeting;
    await lap.peer.ping("desk");
    const count = limits.pendingReceiptsMax + 10;
    const ids = Array.from({ length: count }, (_, n) => `019c0000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`);
    lap.needs.outbox.unsettled = async (_, after = "", limit) => {
      const first = ids.findIndex((id) => id > after);
      return first === -1 ? [] : ids.slice(first, first + limit);
    };
    const asked: (readonly string[])[] = [];
    desk.needs.inbox.stagesOf = async (_, some) => {
      asked.push(some);
      return [];
    };
    const round = async (): Promise<readonly string[]> => {
      asked.length = 0;
      await clock.pass(limits.receiptQueryIntervalMs);
      return asked.flat().sort();
    };
    expect(await round()).toEqual(ids.slice(0, limits.pendingReceiptsMax));
    expect(await round()).toEqual(ids.slice(limits.pendingReceiptsMax));
    expect(await round()).toEqual(ids.slice(0, limits.pendingReceiptsMax));
  });

  test("and at once in a new session", async () => {
    await using meeting = await arrange(true);
    const { world, clock, desk, lap } = meeting;
    const { id } = await lap.peer.send("desk", "message", { text: "hello" });
    await desk.needs.inbox.advance(lap.peer.did, [id], "handled");
    const fresh = await world.restart(lap, { speaksStreams: true });
    expect(await fresh.peer.explain(id)).toMatchObject({ stage: "stored" });
    await fresh.peer.ping("desk");
    await clock.pass(1);
    expect(await fresh.peer.explain(id)).toMatchObject({ stage: "handled" });
  });
});

test("what was settled is forgotten after a week, and dead letters never by themselves", async () => {
  await using meeting = await arrange();
  const { clock, desk, lap } = meeting;
  desk.peer.on("message", () => undefined);
  const { id } = await lap.peer.send("desk", "message", { text: "fine" }, { until: "handled" });
  await desk.peer.trust({ peer: "lap", allow: [] });
  await failureOf(lap.peer.send("desk", "message", { text: "refused" }));
  await lap.peer.close();
  clock.stall(limits.settledMsMax + 1);
  expect(await lap.needs.outbox.sweep(clock.now() - limits.settledMsMax, 1000)).toBe(1);
  expect(await lap.needs.outbox.find(id)).toBeUndefined();
  expect(await lap.needs.outbox.dead(undefined, 10)).toHaveLength(1);
});
