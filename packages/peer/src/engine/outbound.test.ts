import { type ErrorCode, limits } from "@hikyaku/protocol";
import { failureOf, ManualClock, type Resident, risen, settle, World } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";

interface Meeting extends AsyncDisposable {
  readonly world: World;
  readonly clock: ManualClock;
  readonly desk: Resident;
  readonly lap: Resident;
}

async function arrange(isLapCallOutOnly = false): Promise<Meeting> {
  const world = new World();
  const clock = new ManualClock();
  const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock, isCallOutOnly: isLapCallOutOnly })];
  await world.introduce(desk, lap);
  return { world, clock, desk, lap, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const handshakes = (world: World): number => world.passages.filter(({ envelope }) => envelope?.msgType === "handshake").length;

describe("a peer that cannot be reached", () => {
  test("the error names each address with its cause, and nothing is said to be sent", async () => {
    await using meeting = await arrange();
    const { desk, lap } = meeting;
    await lap.peer.trust({ peer: "desk", addresses: ["http://nowhere:1", "http://elsewhere:2"] });
    const failure = await failureOf(lap.peer.send("desk", "message", { text: "hello" }));
    expect(failure).toMatchObject({ code: "UNREACHABLE" });
    expect(String(failure)).toMatch(
      /desk is not reachable: http:\/\/nowhere:1 .*nothing listens there.*http:\/\/elsewhere:2 .*nothing listens there/,
    );
    expect(await desk.peer.inbox({ limit: 1 })).toEqual([]);
  });

  test("whoever has no address and does not call is named so, with the way out", async () => {
    await using meeting = await arrange();
    await meeting.lap.peer.trust({ peer: "desk", addresses: [] });
    await expect(meeting.lap.peer.ping("desk")).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("no address of it is known"),
    });
  });

  test("the next address is tried, and the one that worked comes first from then on", async () => {
    await using meeting = await arrange();
    const { world, lap } = meeting;
    await lap.peer.trust({ peer: "desk", addresses: ["http://nowhere:1", "http://desk:7340"] });
    const dialled: string[] = [];
    world.weather.before = (to) => {
      dialled.push(to);
      return undefined;
    };
    await lap.peer.ping("desk");
    expect(dialled[0]).toBe("http://nowhere:1");
    dialled.length = 0;
    await lap.peer.ping("desk");
    expect(dialled).toEqual(["http://desk:7340"]);
  });

  test("nobody is called who is not known", async () => {
    await using meeting = await arrange();
    await expect(meeting.lap.peer.send("tab", "message", { text: "hello" })).rejects.toMatchObject({ code: "UNKNOWN_PEER" });
    expect(meeting.world.passages).toEqual([]);
  });
});

describe("patience", () => {
  test("a caller that has aborted sends nothing", async () => {
    await using meeting = await arrange();
    const signal = AbortSignal.abort();
    await expect(meeting.lap.peer.send("desk", "message", { text: "hello" }, { signal })).rejects.toMatchObject({ code: "CANCELED" });
    await expect(meeting.lap.peer.ping("desk", { signal })).rejects.toMatchObject({ code: "CANCELED" });
    expect(meeting.world.passages).toEqual([]);
  });

  test.each(["handshake", "message"])("a caller may abort while its %s is on the way", async (msgType) => {
    await using meeting = await arrange();
    const { world, lap } = meeting;
    const caller = new AbortController();
    world.weather.before = async (_, frame) => {
      if (!new TextDecoder().decode(frame).includes(`"msg_type":"${msgType}"`)) return undefined;
      caller.abort();
      await settle();
      return undefined;
    };
    await expect(lap.peer.send("desk", "message", { text: "1" }, { signal: caller.signal })).rejects.toMatchObject({ code: "CANCELED" });
    delete world.weather.before;
    expect((await lap.peer.send("desk", "message", { text: "2" })).stage).toBe("stored");
  });

  test("without a receipt the sender waits no longer than told, and says that nobody knows", async () => {
    await using meeting = await arrange();
    const { world, clock, lap } = meeting;
    await lap.peer.ping("desk");
    world.weather.before = () => "lost";
    const failure = failureOf(lap.peer.send("desk", "message", { text: "hello" }, { timeoutMs: 2000 }));
    await clock.pass(2000);
    expect(await failure).toMatchObject({ code: "TIMED_OUT", message: expect.stringContaining("Nobody knows whether it arrived") });
  });

  test("closing ends every request that waits, and later ones at once", async () => {
    await using meeting = await arrange();
    const { world, lap } = meeting;
    await lap.peer.ping("desk");
    world.weather.before = () => "lost";
    const waiting = [
      lap.peer.send("desk", "message", { text: "1" }),
      lap.peer.ask("desk", { text: "2" }),
      lap.peer.ping("desk"),
      lap.peer.capabilities("desk"),
    ].map(failureOf);
    await settle();
    await lap.peer.close();
    for (const failure of await Promise.all(waiting)) expect(failure).toMatchObject({ code: "CLOSED" });
    await expect(lap.peer.ping("desk")).rejects.toMatchObject({ code: "CLOSED" });
  });

  test("closing during a handshake ends it too", async () => {
    await using meeting = await arrange();
    const { world, lap } = meeting;
    world.weather.before = () => new Promise<undefined>(() => undefined);
    const failure = failureOf(lap.peer.ping("desk"));
    await settle();
    await lap.peer.close();
    expect(await failure).toMatchObject({ code: "CLOSED" });
  });
});

describe("answers of the transport are hints [ERR-2]", () => {
  const codes: readonly ErrorCode[] = [
    "INVALID_SIGNATURE",
    "UNKNOWN_SENDER",
    "HANDSHAKE_FAILED",
    "SESSION_EXPIRED",
    "REPLAY_DETECTED",
    "MALFORMED_MESSAGE",
    "OVERLOADED",
    "INTERNAL_ERROR",
    "KEY_CHANGED",
  ];

  test("whatever code comes back unsealed, the session stays and goes on", async () => {
    await using meeting = await arrange();
    const { world, desk, lap } = meeting;
    await lap.peer.ping("desk");
    const before = lap.peer.peers().map(({ level, scopes }) => ({ level, scopes }));
    for (const code of codes) {
      world.weather.after = () => ({ kind: "refused", code });
      await expect(lap.peer.ping("desk")).rejects.toMatchObject({ code });
      delete world.weather.after;
      await lap.peer.ping("desk");
      await desk.peer.ping("lap");
    }
    expect(handshakes(world)).toBe(1);
    expect(lap.peer.peers().map(({ level, scopes }) => ({ level, scopes }))).toEqual(before);
  });

  test("REJECTED brings a new handshake; the session that it was said of still receives [HS-13]", async () => {
    await using meeting = await arrange();
    const { world, desk, lap } = meeting;
    await lap.peer.ping("desk");
    let lies = 1;
    world.weather.after = (_, __, reception) => {
      lies -= 1;
      return lies >= 0 ? { kind: "refused", code: "REJECTED" } : reception;
    };
    const gate = Promise.withResolvers<void>();
    world.weather.before = async (_, frame) => {
      if (new TextDecoder().decode(frame).includes('"msg_type":"handshake"')) await gate.promise;
      return undefined;
    };
    const sending = lap.peer.send("desk", "message", { text: "hello" });
    await settle();
    // In the middle of lap's new handshake desk goes on in the old session.
    const meanwhile = desk.peer.send("lap", "message", { text: "meanwhile" });
    await settle();
    const stored = lap.peer.stats()["message.stored"];
    gate.resolve();
    expect(stored).toBe(1);
    expect((await meanwhile).stage).toBe("stored");
    expect((await sending).stage).toBe("stored");
    expect(handshakes(world)).toBe(2);
    // The first envelope had arrived: the id is the same, so it counts once.
    expect(await desk.peer.inbox({ limit: 10 })).toHaveLength(1);
    expect(desk.peer.stats()["message.duplicate"]).toBe(1);
  });

  test("a 200 without a receipt is no success", async () => {
    await using meeting = await arrange();
    const { world, clock, lap } = meeting;
    await lap.peer.ping("desk");
    world.weather.after = () => ({ kind: "received", replies: [], more: false });
    const failure = failureOf(lap.peer.send("desk", "message", { text: "hello" }));
    await clock.pass(limits.requestTimeoutMsDefault);
    expect(await failure).toMatchObject({ code: "TIMED_OUT" });
  });

  test("junk in an answer is counted and harms nobody", async () => {
    await using meeting = await arrange();
    const { world, lap } = meeting;
    await lap.peer.ping("desk");
    const copy = world.framesTo("desk", "ping").at(-1)?.reception;
    world.weather.after = (_, __, reception) =>
      reception.kind === "received"
        ? { ...reception, replies: [new Uint8Array(3), ...(copy?.kind === "received" ? copy.replies : []), ...reception.replies] }
        : reception;
    const rises = await risen(lap.peer, () => lap.peer.ping("desk"));
    expect(rises).toEqual({ "received.pong": 1, "refused.MALFORMED_MESSAGE": 1, "refused.REPLAY_DETECTED": 1 });
  });

  test("what comes back and cannot be stored here is not the fault of what was sent", async () => {
    await using meeting = await arrange(true);
    const { desk, lap } = meeting;
    await lap.peer.ping("desk");
    const failure = failureOf(desk.peer.send("lap", "message", { text: "for lap" }));
    await settle();
    lap.needs.inbox.append = () => Promise.reject(new Error("disk full"));
    expect((await lap.peer.send("desk", "message", { text: "hello" })).stage).toBe("stored");
    await settle();
    expect(lap.peer.stats()["absorb.failed"]).toBe(1);
    await desk.peer.close();
    expect(await failure).toMatchObject({ code: "CLOSED" });
  });
});

describe("a peer that can only call out [HTTP-7]", () => {
  test("what is for it waits, and goes back with the answer to its next call", async () => {
    await using meeting = await arrange(true);
    const { clock, desk, lap } = meeting;
    await lap.peer.ping("desk");
    const sending = desk.peer.send("lap", "message", { text: "for lap" }, { timeoutMs: 60_000 });
    await settle();
    expect(await lap.peer.inbox({ limit: 1 })).toEqual([]);
    await clock.pass(limits.heartbeatIntervalMs);
    expect((await sending).stage).toBe("stored");
    expect(await lap.peer.inbox({ limit: 1 })).toMatchObject([{ body: '{"text":"for lap"}' }]);
  });

  test("no more than 64 frames wait, and the peer is told so", async () => {
    await using meeting = await arrange(true);
    const { desk, lap } = meeting;
    await lap.peer.ping("desk");
    const waiting = Array.from({ length: limits.pickupCountMax }, (_, index) => desk.peer.send("lap", "message", { text: `${index}` }));
    await settle();
    await expect(desk.peer.send("lap", "message", { text: "one more" })).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
    await lap.peer.ping("desk");
    await lap.peer.ping("desk");
    await Promise.all(waiting);
    const bodies = (await lap.peer.inbox({ limit: 100 })).map(({ body }) => body);
    expect(bodies.toSorted()).toEqual(
      Array.from({ length: limits.pickupCountMax }, (_, index) => JSON.stringify({ text: `${index}` })).toSorted(),
    );
  });

  test("one that has not called for 90 seconds is not reachable", async () => {
    await using meeting = await arrange(true);
    const { clock, desk, lap } = meeting;
    await lap.peer.ping("desk");
    await lap.peer.close();
    await clock.pass(limits.heartbeatIntervalMs * limits.heartbeatsMissedMax);
    await expect(desk.peer.send("lap", "message", { text: "hello" })).rejects.toMatchObject({ code: "UNREACHABLE" });
  });
});

describe("what no peer could take is refused before anything leaves", () => {
  test.each<[string, unknown, string]>([
    ["more than 128 KiB", "x".repeat(limits.bodyBytesMax), "MESSAGE_TOO_LARGE"],
    ["a number that JSON has not", 1n, "INVALID_ARGUMENT"],
  ])("%s", async (_, json, code) => {
    await using meeting = await arrange();
    await expect(meeting.lap.peer.send("desk", "message", { json })).rejects.toMatchObject({ code });
    expect(meeting.world.passages).toEqual([]);
  });

  test("what the recipient refuses by a sealed error is told with its code", async () => {
    await using meeting = await arrange();
    const text = "x".repeat(limits.textLengthMax + 1);
    await expect(meeting.lap.peer.send("desk", "message", { text })).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
    await meeting.desk.peer.trust({ peer: "lap", allow: [] });
    await expect(meeting.lap.peer.send("desk", "message", { text: "hello" })).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      message: expect.stringContaining("does not allow"),
    });
  });
});

test("no more requests wait than the bound allows, and the next one is told", async () => {
  await using meeting = await arrange();
  const { world, lap } = meeting;
  world.weather.before = () => new Promise<undefined>(() => undefined);
  const waiting = Array.from({ length: limits.pendingRequestsMax }, () => failureOf(lap.peer.ping("desk")));
  await expect(lap.peer.ping("desk")).rejects.toMatchObject({ code: "OVERLOADED" });
  await lap.peer.close();
  for (const failure of await Promise.all(waiting)) expect(failure).toMatchObject({ code: "CLOSED" });
});
