import { limits } from "@hikyaku/protocol";
import { failureOf, meetAsFriends, settle, still } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";

describe("a peer that cannot be reached", () => {
  test("the problem names each address with its cause, and the message is kept [DLV-1]", async () => {
    await using meeting = await meetAsFriends();
    const { desk, lap } = meeting;
    await lap.peer.trust({ peer: "desk", addresses: ["http://nowhere:1", "http://elsewhere:2"] });
    const { id, stage, problem, exp } = await lap.peer.send("desk", "message", { text: "hello" });
    expect([stage, problem]).toEqual([
      "queued",
      expect.stringMatching(
        /desk is not reachable: http:\/\/nowhere:1 .*nothing listens there.*http:\/\/elsewhere:2 .*nothing listens there/,
      ),
    ]);
    expect(await lap.peer.explain(id)).toMatchObject({ stage: "queued", exp });
    expect(await desk.peer.inbox({ limit: 1 })).toEqual([]);
  });

  test("a question and a status report, which nobody keeps, are UNREACHABLE", async () => {
    await using meeting = await meetAsFriends();
    const { lap } = meeting;
    await lap.peer.trust({ peer: "desk", addresses: [] });
    const what = { code: "UNREACHABLE", message: expect.stringContaining("no address of it is known") };
    expect(await failureOf(lap.peer.ping("desk"))).toMatchObject(what);
    expect(await failureOf(lap.peer.capabilities("desk"))).toMatchObject(what);
    expect(await failureOf(lap.peer.send("desk", "status_report", { state: "idle" }))).toMatchObject(what);
  });

  test("nobody is called who is not known, or whom we blocked, and nothing is kept for him", async () => {
    await using meeting = await meetAsFriends();
    const { world, lap } = meeting;
    expect(await failureOf(lap.peer.send("tab", "message", { text: "hello" }))).toMatchObject({ code: "UNKNOWN_PEER" });
    await lap.peer.trust({ peer: "desk", level: "blocked" });
    expect(await failureOf(lap.peer.send("desk", "message", { text: "hello" }))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(world.passages).toEqual([]);
    expect(await lap.needs.outbox.usage()).toEqual({ count: 0, bytes: 0 });
  });
});

describe("patience", () => {
  test("a caller that has aborted sends nothing, and nothing is kept", async () => {
    await using meeting = await meetAsFriends();
    const { world, lap } = meeting;
    const signal = AbortSignal.abort();
    expect(await failureOf(lap.peer.send("desk", "message", { text: "hello" }, { signal }))).toMatchObject({ code: "CANCELED" });
    expect(await failureOf(lap.peer.ping("desk", { signal }))).toMatchObject({ code: "CANCELED" });
    await still();
    expect(world.passages).toEqual([]);
    expect(await lap.needs.outbox.usage()).toMatchObject({ count: 0 });
  });

  test.each(["handshake", "message"])(
    "a caller may abort while its %s is on the way: that ends its waiting, and not the message",
    async (msgType) => {
      await using meeting = await meetAsFriends();
      const { world, clock, desk, lap } = meeting;
      const caller = new AbortController();
      world.weather.before = async (_, frame) => {
        if (!new TextDecoder().decode(frame).includes(`"msg_type":"${msgType}"`)) return undefined;
        caller.abort();
        await settle();
        return undefined;
      };
      expect(await failureOf(lap.peer.send("desk", "message", { text: "1" }, { signal: caller.signal }))).toMatchObject({
        code: "CANCELED",
      });
      delete world.weather.before;
      expect((await lap.peer.send("desk", "message", { text: "2" })).stage).toBe("stored");
      await clock.pass(limits.retryMsMin);
      expect((await desk.peer.inbox({ limit: 10 })).map(({ body }) => body)).toEqual(['{"text":"1"}', '{"text":"2"}']);
    },
  );

  test("without a receipt the sender waits no longer than told, and learns how far the message has come", async () => {
    await using meeting = await meetAsFriends();
    const { world, clock, lap } = meeting;
    await lap.peer.ping("desk");
    world.weather.before = () => "lost";
    const sending = lap.peer.send("desk", "message", { text: "hello" }, { timeoutMs: 2000 });
    await clock.pass(2000);
    expect(await sending).toMatchObject({ stage: "queued", problem: "no receipt within 2 s" });
  });

  test("closing ends every request that waits, and later ones at once; what was kept is there afterwards [DLV-1]", async () => {
    await using meeting = await meetAsFriends();
    const { world, clock, lap } = meeting;
    await lap.peer.ping("desk");
    world.weather.before = () => "lost";
    const waiting = [
      lap.peer.send("desk", "message", { text: "1" }),
      lap.peer.ask("desk", { text: "2" }),
      lap.peer.ping("desk"),
      lap.peer.capabilities("desk"),
    ].map(failureOf);
    await settle();
    const closing = lap.peer.close();
    await clock.pass(limits.goodbyeMsMax + limits.closeMsMax);
    await closing;
    for (const failure of await Promise.all(waiting)) expect(failure).toMatchObject({ code: "CLOSED" });
    expect(await failureOf(lap.peer.ping("desk"))).toMatchObject({ code: "CLOSED" });
    expect(await lap.needs.outbox.usage()).toMatchObject({ count: 2 });
  });

  test("no more requests wait than the bound allows, and the next one is told [LIM-1]", async () => {
    await using meeting = await meetAsFriends();
    const { world, clock, lap } = meeting;
    world.weather.before = () => new Promise<undefined>(() => undefined);
    const waiting = Array.from({ length: limits.pendingRequestsMax }, () => failureOf(lap.peer.ping("desk", { timeoutMs: 60_000 })));
    expect(await failureOf(lap.peer.ping("desk"))).toMatchObject({ code: "OVERLOADED" });
    await clock.pass(60_000);
    for (const failure of await Promise.all(waiting)) expect(["TIMED_OUT", "OVERLOADED"]).toContain((failure as { code: string }).code);
  });
});

describe("what no peer could take is refused before anything leaves", () => {
  test.each<[string, unknown, string]>([
    ["more than 128 KiB", "x".repeat(limits.bodyBytesMax), "MESSAGE_TOO_LARGE"],
    ["a number that JSON has not", 1n, "INVALID_ARGUMENT"],
  ])("%s", async (_, json, code) => {
    await using meeting = await meetAsFriends();
    const { world, lap } = meeting;
    expect(await failureOf(lap.peer.send("desk", "message", { json }))).toMatchObject({ code });
    expect(await failureOf(lap.peer.tell("desk", { json }))).toMatchObject({ code });
    expect(world.passages).toEqual([]);
    expect(await lap.needs.outbox.usage()).toMatchObject({ count: 0 });
  });

  test("what the recipient refuses by a sealed error is told with its code, and is a dead letter [DLV-4]", async () => {
    await using meeting = await meetAsFriends();
    const { desk, lap } = meeting;
    await desk.peer.trust({ peer: "lap", allow: [] });
    expect(await failureOf(lap.peer.send("desk", "message", { text: "hello" }))).toMatchObject({ code: "UNAUTHORIZED" });
    await still();
    expect(await lap.peer.dead({ limit: 10 })).toMatchObject([{ stage: "refused", reason: "UNAUTHORIZED" }]);
  });
});

describe("what could not be kept is not sent", () => {
  test.each(["QUOTA_EXCEEDED", "STORAGE_FAILED"])("%s is told, and nothing leaves [DLV-1]", async (code) => {
    await using meeting = await meetAsFriends();
    const { world, lap } = meeting;
    const { HikyakuError } = await import("@hikyaku/protocol");
    lap.needs.outbox.add = () => Promise.reject(new HikyakuError(code as "QUOTA_EXCEEDED", "no room"));
    expect(await failureOf(lap.peer.send("desk", "message", { text: "hello" }))).toMatchObject({ code });
    await still();
    expect(world.passages).toEqual([]);
    expect(lap.peer.sizes()["receiptWaits"]).toMatchObject({ held: 0 });
  });

  test("nothing leaves before it is durable [DLV-1]", async () => {
    await using meeting = await meetAsFriends();
    const { world, lap } = meeting;
    const { outbox } = lap.needs;
    const add = outbox.add.bind(outbox);
    const disk = Promise.withResolvers<void>();
    outbox.add = async (draft) => {
      await disk.promise;
      return await add(draft);
    };
    const sending = lap.peer.send("desk", "message", { text: "hello" });
    await still();
    expect(world.passages).toEqual([]);
    disk.resolve();
    expect(await sending).toMatchObject({ stage: "stored" });
  });
});

test("whoever says much is held up while too much waits for the peer, and may stop waiting", async () => {
  await using meeting = await meetAsFriends();
  const { world, clock, lap } = meeting;
  await lap.peer.ping("desk");
  const gate = Promise.withResolvers<undefined>();
  world.weather.before = () => gate.promise;
  let through = 0;
  const tells = Array.from({ length: limits.controlQueueMax + 40 }, (_, json) =>
    lap.peer.tell("desk", { json }).then(() => (through += 1)),
  );
  await still();
  expect(through).toBeGreaterThan(limits.controlQueueMax / 2);
  expect(through).toBeLessThan(tells.length);
  const caller = new AbortController();
  const given = failureOf(lap.peer.tell("desk", { json: "one more" }, { signal: caller.signal }));
  await still();
  caller.abort();
  expect(await given).toMatchObject({ code: "CANCELED" });
  await lap.peer.trust({ peer: "desk", level: "blocked" });
  await Promise.all(tells);
  gate.resolve(undefined);
  await clock.pass(1);
});
