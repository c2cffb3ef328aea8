import type { LaneKey, StoredMessage } from "@hikyaku/peer";
import { limits, type MessageBody } from "@hikyaku/protocol";
import { ManualClock, Puppet, type PuppetSession, type Resident, settle, still, World } from "@hikyaku/testkit";
import { describe, expect, test, vi } from "vitest";

const epoch = "00000000000000aa";
const idOf = (order: number, sender = 0): string => `019c0000-0000-7000-8000-${(sender * 4096 + order).toString(16).padStart(12, "0")}`;
interface Meeting extends AsyncDisposable {
  readonly world: World;
  readonly clock: ManualClock;
  readonly desk: Resident;
  readonly session: PuppetSession;
  /** Sends one message in a lane; resolves with the receipts that came back. */
  readonly say: (order: number, changes?: object) => Promise<readonly unknown[]>;
}

const saying =
  (session: PuppetSession, clock: ManualClock) =>
  async (order: number, changes: object = {}) => {
    const body = { id: idOf(order), sent_at: 1, exp: clock.now() + 60_000, text: `${order}`, lane: `${epoch}/normal`, order, floor: 1 };
    const { replies } = await session.send("message", { ...body, ...changes });
    return replies.filter(({ type }) => type === "receipt").map(({ body: receipt }) => receipt);
  };

async function arrange(): Promise<Meeting> {
  const world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock });
  const puppet = new Puppet(99, { now: () => clock.now() });
  await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
  const session = await puppet.connect(desk);
  return { world, clock, desk, session, say: saying(session, clock), [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const textOf = (body: MessageBody): string => ("text" in body ? body.text : "");

/** What a handler got, one after the other. */
function listening({ peer }: Resident): string[] {
  const heard: string[] = [];
  peer.on("message", ({ body }) => void heard.push(textOf(body)));
  return heard;
}

describe("order [LANE-2]", () => {
  test("messages of a lane are handed over by rising order, however they arrive", async () => {
    await using meeting = await arrange();
    const heard = listening(meeting.desk);
    for (const order of [3, 1, 4, 2]) await meeting.say(order);
    await still();
    expect(heard).toEqual(["1", "2", "3", "4"]);
  });

  test("a missing order holds up those behind it while it may still come; at the floor above it they wait no longer [LANE-3]", async () => {
    await using meeting = await arrange();
    const { desk, say } = meeting;
    const heard = listening(desk);
    await say(1);
    await say(3);
    await say(4);
    await still();
    expect(heard).toEqual(["1"]);
    expect((await desk.peer.inbox({ unread: true, limit: 10 })).map(({ body }) => body)).toEqual([]);
    await say(5, { floor: 3 });
    await still();
    expect(heard).toEqual(["1", "3", "4", "5"]);
    expect(await say(2, { floor: 1 })).toContainEqual({ ids: [idOf(2)], stage: "refused", reason: "SEQUENCE_ERROR" });
    expect(heard).toHaveLength(4);
  });

  test("a query raises the floor as well, where nothing follows the message that expired [LANE-3]", async () => {
    await using meeting = await arrange();
    const { desk, session, say } = meeting;
    const heard = listening(desk);
    await say(2);
    await still();
    expect(heard).toEqual([]);
    await session.send("receipt_query", { ids: [idOf(2)], lanes: [{ lane: `${epoch}/normal`, floor: 2 }] });
    await still();
    expect(heard).toEqual(["2"]);
  });

  test("lanes do not wait for each other, nor do senders, nor messages without a lane [LANE-4]", async () => {
    await using meeting = await arrange();
    const { desk, clock, say } = meeting;
    const heard = listening(desk);
    await say(2);
    await say(9, { lane: `${epoch}/high`, order: 1 });
    await say(10, { lane: undefined, order: undefined, floor: undefined });
    const other = new Puppet(98, { now: () => clock.now() });
    await desk.peer.trust({ peer: other.did, name: "other", allow: ["message"] });
    await saying(await other.connect(desk), clock)(1, { text: "other's" });
    await still();
    expect(heard).toEqual(["9", "10", "other's"]);
  });

  test("what exceeds the reorder buffer is neither stored nor receipted, and comes in when it is repeated later [LANE-5]", async () => {
    await using meeting = await arrange();
    const { desk, session, say } = meeting;
    const heard = listening(desk);
    // Sealed in one go, as 256 signatures are slow enough.
    for (let order = 2; order <= limits.reorderCountMax + 1; order += 1) expect(await say(order)).toHaveLength(1);
    expect(await say(limits.reorderCountMax + 2)).toEqual([]);
    expect(desk.peer.stats()["message.ahead"]).toBe(1);
    await say(1);
    await still();
    expect(heard).toHaveLength(limits.reorderCountMax + 1);
    expect(await say(limits.reorderCountMax + 2)).toContainEqual(expect.objectContaining({ ids: [idOf(limits.reorderCountMax + 2)] }));
    await session.send("heartbeat", { seq: 1 });
    await still();
    expect(heard.at(-1)).toBe(`${limits.reorderCountMax + 2}`);
  });

  test("sixteen lanes of one sender and not one more: the seventeenth is told to come back [LANE-6]", async () => {
    await using meeting = await arrange();
    const { desk, session, say } = meeting;
    const laneOf = (index: number): string => `${index.toString(16).padStart(16, "0")}/normal`;
    for (let index = 1; index <= limits.lanesPerSenderMax; index += 1)
      expect(await say(index, { lane: laneOf(index), order: 1 })).toHaveLength(1);
    const body = { id: idOf(17), sent_at: 1, exp: meeting.clock.now() + 60_000, text: "17", lane: laneOf(17), order: 1, floor: 1 };
    expect((await session.send("message", body)).replies).toMatchObject([
      { type: "error", body: { code: "QUOTA_EXCEEDED", retry_after: 60 } },
    ]);
    expect(await desk.peer.inbox({ limit: 100 })).toHaveLength(limits.lanesPerSenderMax);
    expect(await say(18, { lane: laneOf(1), order: 2 })).toHaveLength(1);
  });

  test.each<[string, object]>([
    ["an order without a lane", { lane: undefined }],
    ["a lane without an order", { order: undefined }],
    ["a lane without a floor", { floor: undefined }],
    ["a floor above the order", { order: 1, floor: 2 }],
    ["an order of zero", { order: 0, floor: 0 }],
    ["a lane of another form", { lane: "mine" }],
  ])("%s is INVALID_PAYLOAD [LANE-1]", async (_, changes) => {
    await using meeting = await arrange();
    const body = { id: idOf(1), sent_at: 1, text: "1", lane: `${epoch}/normal`, order: 1, floor: 1, ...changes };
    expect((await meeting.session.send("message", body)).replies).toMatchObject([{ type: "error", body: { code: "INVALID_PAYLOAD" } }]);
    expect(await meeting.desk.peer.inbox({ limit: 1 })).toEqual([]);
  });

  test("floors and orders that jump as far as numbers go, or go backwards, cost nothing and end nothing [LANE-3]", async () => {
    await using meeting = await arrange();
    const { desk, say } = meeting;
    const heard = listening(desk);
    await say(1);
    await say(Number.MAX_SAFE_INTEGER, { id: idOf(6), text: "far" });
    await say(3, { id: idOf(3), floor: 2 });
    await say(2, { floor: 1 });
    await still();
    expect(heard).toEqual(["1", "2", "3"]);
    await say(Number.MAX_SAFE_INTEGER - 1, { id: idOf(4), text: "near", floor: Number.MAX_SAFE_INTEGER - 1 });
    await still();
    expect(heard).toEqual(["1", "2", "3", "near", "far"]);
    expect(await say(5)).toContainEqual({ ids: [idOf(5)], stage: "refused", reason: "SEQUENCE_ERROR" });
    expect(desk.log.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("at most once [BOX-2] [BOX-4]", () => {
  test("that a handler starts is durable before it starts, and its sender is told so", async () => {
    await using meeting = await arrange();
    const { desk, say } = meeting;
    const stages: unknown[] = [];
    desk.peer.on("message", async ({ id }) => {
      stages.push((await desk.needs.inbox.list({ type: "message", limit: 10 })).find((message) => message.id === id)?.stage);
    });
    await say(1);
    await still();
    expect(stages).toEqual(["started"]);
  });

  test("what its reader was done with in the same moment is not handed over as well", async () => {
    await using meeting = await arrange();
    const { desk, say } = meeting;
    const { inbox } = desk.needs;
    const due = inbox.due.bind(inbox);
    inbox.due = async (lane, type, limit) => {
      const messages = await due(lane, type, limit);
      await desk.peer.acknowledge(messages);
      return messages;
    };
    const heard = listening(desk);
    await say(1);
    await still();
    expect(heard).toEqual([]);
    expect(await desk.peer.inbox({ limit: 1 })).toMatchObject([{ stage: "handled" }]);
  });

  test("what could not be noted as started is not run, and is run once it can be", async () => {
    await using meeting = await arrange();
    const { clock, desk, say } = meeting;
    const { inbox } = desk.needs;
    const advance = inbox.advance.bind(inbox);
    const { HikyakuError } = await import("@hikyaku/protocol");
    inbox.advance = () => Promise.reject(new HikyakuError("STORAGE_FAILED", "The disk is full."));
    const heard = listening(desk);
    await say(1);
    await still();
    expect(heard).toEqual([]);
    inbox.advance = advance;
    await clock.pass(limits.retryMsMin);
    expect(heard).toEqual(["1"]);
  });

  test("one of a lane at a time; of all lanes together 64", async () => {
    await using meeting = await arrange();
    const { desk, clock } = meeting;
    // Straight into the inbox, as 65 senders who sign would take long.
    for (let lane = 0; lane <= limits.handlersAtOnceMax; lane += 1)
      await desk.needs.inbox.append(
        [1, 2].map((order) => ({
          id: idOf(order, lane),
          from: `did:key:zSender${lane}`,
          type: "message",
          body: '{"text":"x"}',
          sentAt: 1,
          exp: clock.now() + 60_000,
          receivedAt: 1,
          place: { lane: `${epoch}/normal`, order, floor: 1 },
        })),
      );
    const fresh = await meeting.world.restart(desk);
    let begun = 0;
    const gate = Promise.withResolvers<void>();
    fresh.peer.on("message", async () => {
      begun += 1;
      await gate.promise;
    });
    await still();
    expect(begun).toBe(limits.handlersAtOnceMax);
    gate.resolve();
    await expect.poll(() => begun).toBe(2 * (limits.handlersAtOnceMax + 1));
  });
});

describe("after a crash [BOX-5]", () => {
  /** A desk that died while its handler was at work on the first of two messages. */
  async function crash({ world, desk, say }: Meeting): Promise<Resident> {
    const never = new Promise<void>(() => undefined);
    desk.peer.on("message", () => never);
    await say(1);
    await say(2);
    await still();
    const { inbox } = desk.needs;
    const advance = inbox.advance.bind(inbox);
    // Whatever the closing peer still wants to note comes too late.
    inbox.advance = () => never as Promise<never>;
    const closing = world.restart(desk);
    await meetingClockPass(desk);
    const fresh = await closing;
    inbox.advance = advance;
    return fresh;
  }
  const meetingClockPass = async ({ needs }: Resident): Promise<void> => {
    if (needs.clock instanceof ManualClock) await needs.clock.pass(limits.closeMsMax + limits.goodbyeMsMax);
  };

  test("what was being handled is not run again, its sender learns INTERRUPTED, and what follows is handed over", async () => {
    await using meeting = await arrange();
    const fresh = await crash(meeting);
    const heard = listening(fresh);
    await still();
    expect(heard).toEqual(["2"]);
    const session = await new Puppet(99, { now: () => meeting.clock.now() }).connect(fresh);
    const { replies } = await session.send("receipt_query", { ids: [idOf(1), idOf(2)] });
    expect([...session.greeting, ...replies].filter(({ type }) => type === "receipt").map(({ body }) => body)).toEqual(
      expect.arrayContaining([
        { ids: [idOf(1)], stage: "refused", reason: "INTERRUPTED" },
        { ids: [idOf(2)], stage: "handled" },
      ]),
    );
    expect(await fresh.peer.inbox({ limit: 10 })).toMatchObject([{ stage: "refused", reason: "INTERRUPTED" }, { stage: "handled" }]);
  });

  test("an idempotent handler runs it again, before what follows", async () => {
    await using meeting = await arrange();
    const fresh = await crash(meeting);
    const heard: string[] = [];
    fresh.peer.on("message", ({ body }) => void heard.push(textOf(body)), { idempotent: true });
    await still();
    expect(heard).toEqual(["1", "2"]);
    expect(await fresh.peer.inbox({ limit: 10 })).toMatchObject([{ stage: "handled" }, { stage: "handled" }]);
  });

  test("what ends the program each time is not run a fourth time, and what follows is handed over", async () => {
    await using meeting = await arrange();
    const fresh = await crash(meeting);
    const { inbox } = fresh.needs;
    const from = (await inbox.interrupted("message", 1))[0]?.from ?? "";
    // As often as it was started again without coming to an end.
    for (let starts = 2; starts <= limits.handlerStartsMax; starts += 1) expect(await inbox.startAgain(from, idOf(1))).toBe(starts);
    const heard: string[] = [];
    fresh.peer.on("message", ({ body }) => void heard.push(textOf(body)), { idempotent: true });
    await still();
    expect(heard).toEqual(["2"]);
    expect(await fresh.peer.inbox({ limit: 10 })).toMatchObject([{ stage: "refused", reason: "INTERRUPTED" }, { stage: "handled" }]);
  });

  test("where no handler comes, the sender is told at the next round of upkeep", async () => {
    await using meeting = await arrange();
    const fresh = await crash(meeting);
    await meeting.clock.pass(limits.heartbeatIntervalMs);
    expect(await fresh.peer.inbox({ limit: 10 })).toMatchObject([{ stage: "refused", reason: "INTERRUPTED" }, { stage: "stored" }]);
  });
});

describe("time [DLV-7]", () => {
  test("what expired while it waited is not handed over, and its sender is told", async () => {
    await using meeting = await arrange();
    const { clock, desk, session, say } = meeting;
    await say(1);
    await say(2, { exp: clock.now() + 600_000 });
    await clock.pass(60_001);
    const heard = listening(desk);
    await still();
    expect(heard).toEqual(["2"]);
    const { replies } = await session.send("receipt_query", { ids: [idOf(1)] });
    expect(replies).toContainEqual({ type: "receipt", body: { ids: [idOf(1)], stage: "refused", reason: "MESSAGE_EXPIRED" } });
  });

  test("what arrives too late is refused with its reason and not stored", async () => {
    await using meeting = await arrange();
    const { clock, desk, say } = meeting;
    expect(await say(1, { exp: clock.now() - 1 })).toEqual([{ ids: [idOf(1)], stage: "refused", reason: "MESSAGE_EXPIRED" }]);
    expect(await desk.peer.inbox({ limit: 1 })).toEqual([]);
  });
});

test("lanes whose messages never end make room for one that waits for its turn [LIM-10]", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const { inbox } = desk.needs;
  const endless = Array.from({ length: limits.handlersAtOnceMax }, (_, n) => ({ from: "did:loud", lane: `${n}` }));
  let handed = 0;
  const messageIn = ({ from, lane }: LaneKey): StoredMessage => {
    handed += 1;
    const body = JSON.stringify({ text: lane });
    return {
      id: idOf(handed),
      from,
      type: "message",
      body,
      sentAt: 1,
      exp: Number.MAX_SAFE_INTEGER,
      receivedAt: 1,
      position: handed,
      stage: "stored",
    };
  };
  inbox.lanesDue = async () => [...endless, { from: "did:quiet", lane: "quiet" }];
  inbox.due = async (lane) => [messageIn(lane)];
  inbox.advance = async (_, ids) => ids;
  let isHeard = false;
  desk.peer.on("message", async ({ from }) => {
    if (from.did === "did:quiet") isHeard = true;
    await settle();
    // Not for ever: so many turns are more than a fair one takes.
    if (handed > 20 * endless.length) inbox.due = async () => [];
  });
  await vi.waitFor(() => expect(isHeard).toBe(true), 5000);
});

describe("what nobody keeps", () => {
  test("while the handler is busy it waits in the room of its text, and what is too much is dropped [LIM-9]", async () => {
    await using meeting = await arrange();
    const { desk, say } = meeting;
    const gate = Promise.withResolvers<void>();
    const heard: MessageBody[] = [];
    desk.peer.on("message", async ({ body }) => {
      heard.push(body);
      await gate.promise;
    });
    const json = Array.from({ length: 40_000 }, () => []);
    const unkept = { transient: true, lane: undefined, order: undefined, floor: undefined, exp: undefined, text: undefined, json };
    const room = Math.floor(limits.transientBytesPerSenderMax / (JSON.stringify({ json }).length + limits.transientEntryBytes));
    // One is with the handler.
    for (let order = 1; order <= room + 2; order += 1) await say(order, unkept);
    expect(desk.peer.stats()).toMatchObject({ "message.transient": room + 1, "message.transient.dropped": 1 });
    gate.resolve();
    await still();
    await vi.waitFor(() => expect(heard).toHaveLength(room + 1));
    expect(heard.at(-1)).toEqual({ json });
  });

  test("it goes to the handler that is there, in order, without a receipt; without one it is gone", async () => {
    await using meeting = await arrange();
    const { desk, say } = meeting;
    const unkept = { transient: true, lane: undefined, order: undefined, floor: undefined, exp: undefined };
    expect(await say(1, unkept)).toEqual([]);
    const heard = listening(desk);
    expect(await say(2, unkept)).toEqual([]);
    expect(await say(3, unkept)).toEqual([]);
    await still();
    expect(heard).toEqual(["2", "3"]);
    expect(await desk.peer.inbox({ limit: 10 })).toEqual([]);
    expect(desk.peer.stats()).toMatchObject({ "message.transient": 2, "message.transient.unheard": 1 });
  });
});
