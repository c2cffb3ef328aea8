import { type ErrorCode, encodeEnvelope, HikyakuError, limits } from "@hikyaku/protocol";
import {
  failureOf,
  ManualClock,
  type Meeting,
  meetAsFriends,
  Puppet,
  PuppetStream,
  type Resident,
  risen,
  still,
  World,
} from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";

const arrange = (speaksStreams: boolean): Promise<Meeting> => meetAsFriends({ desk: { speaksStreams }, lap: { speaksStreams } });

const texts = async ({ peer }: Resident): Promise<readonly string[]> =>
  (await peer.inbox({ limit: 1000 })).map(({ body }) => (JSON.parse(body) as { text: string }).text);
const handshakes = (world: World): number =>
  ["lap", "desk"].flatMap((name) => world.envelopes(name, name === "lap" ? "desk" : "lap", "handshake")).length;

describe("repetition [DLV-3]", () => {
  test("what has no receipt is sealed anew after 5 s, then ever more slowly up to 60 s, under the same id", async () => {
    await using meeting = await arrange(true);
    const { world, clock, lap, desk } = meeting;
    await lap.peer.ping("desk");
    const lost: string[] = [];
    world.weather.onStream = ({ from, envelope }) => {
      if (from !== "lap" || envelope?.msgType !== "message") return undefined;
      lost.push(envelope.nonce.toString());
      return "lost";
    };
    const sending = lap.peer.send("desk", "message", { text: "hello" }, { until: "stored", timeoutMs: 600_000 });
    await still();
    expect(lost).toHaveLength(1);
    let expected = 1;
    for (const seconds of [5, 10, 20, 40, 60, 60]) {
      await desk.peer.ping("lap");
      await clock.pass(seconds * 1000 - 1);
      expect(lost).toHaveLength(expected);
      await clock.pass(1);
      expected += 1;
      expect(lost).toHaveLength(expected);
    }
    expect(new Set(lost).size).toBe(lost.length);
    delete world.weather.onStream;
    await clock.pass(limits.repeatAfterMsMax);
    const { id, stage } = await sending;
    expect(stage).toBe("stored");
    expect(await desk.peer.inbox({ limit: 10 })).toMatchObject([{ id }]);
    expect(handshakes(world)).toBe(1);
    const { events } = await lap.peer.explain(id);
    expect(events.filter(({ detail }) => detail === "no receipt within 60 s").length).toBeGreaterThan(0);
  });

  test("after the recipient's receipt nothing is repeated", async () => {
    await using meeting = await arrange(true);
    const { world, clock, lap } = meeting;
    await lap.peer.ping("desk");
    await lap.peer.send("desk", "message", { text: "hello" });
    await clock.pass(2 * limits.repeatAfterMsMax);
    expect(world.envelopes("lap", "desk", "message")).toHaveLength(1);
  });

  test("a receipt that was lost comes with the repetition, and the message counts once [BOX-2]", async () => {
    await using meeting = await arrange(true);
    const { world, clock, desk, lap } = meeting;
    await lap.peer.ping("desk");
    let lost = 0;
    world.weather.onStream = ({ from, envelope }) => {
      if (from !== "desk" || envelope?.msgType !== "receipt" || lost > 0) return undefined;
      lost += 1;
      return "lost";
    };
    const sending = lap.peer.send("desk", "message", { text: "hello" }, { until: "stored" });
    await still();
    expect(lost).toBe(1);
    await clock.pass(limits.repeatAfterMsMin);
    expect((await sending).stage).toBe("stored");
    expect(await texts(desk)).toEqual(["hello"]);
    expect(desk.peer.stats()["message.duplicate"]).toBe(1);
  });

  test("three repetitions without any word: the stream is closed, and a new session made on the next", async () => {
    await using meeting = await arrange(true);
    const { world, clock, desk, lap } = meeting;
    await lap.peer.ping("desk");
    await clock.pass(1);
    world.weather.onStream = ({ from }) => (from === "desk" ? "lost" : undefined);
    const sending = lap.peer.send("desk", "message", { text: "hello" }, { until: "stored", timeoutMs: 600_000 });
    await clock.pass(34_999);
    expect([handshakes(world), world.envelopes("lap", "desk", "message").length]).toEqual([1, 3]);
    delete world.weather.onStream;
    await clock.pass(limits.retryMsMin);
    expect((await sending).stage).toBe("stored");
    expect(handshakes(world)).toBe(2);
    expect(await texts(desk)).toEqual(["hello"]);
  });

  test("what was on its way when a link ended goes again on the next one, at once", async () => {
    await using meeting = await arrange(true);
    const { world, clock, desk, lap } = meeting;
    await lap.peer.ping("desk");
    world.weather.onStream = ({ envelope }) => (envelope?.msgType === "message" ? "lost" : undefined);
    const sending = lap.peer.send("desk", "message", { text: "hello" }, { until: "stored" });
    await still();
    delete world.weather.onStream;
    world.cut("lap", "desk");
    await clock.pass(limits.retryMsMin);
    expect((await sending).stage).toBe("stored");
    expect(await texts(desk)).toEqual(["hello"]);
    expect(world.envelopes("lap", "desk", "message")).toHaveLength(1);
  });
});

describe("refusals", () => {
  test("a bundle that is refused goes again one by one, and only what is refused alone is a dead letter [DLV-4]", async () => {
    await using meeting = await arrange(true);
    const { world, desk, lap } = meeting;
    await lap.peer.ping("desk");
    const tooLong = "x".repeat(limits.textLengthMax + 1);
    const outcomes = await Promise.all(
      ["1", "2", tooLong, "3"].map((text) =>
        lap.peer.send("desk", "message", { text }).then(
          ({ stage }) => stage,
          (error: { code: string }) => error.code,
        ),
      ),
    );
    expect(outcomes).toEqual(["stored", "stored", "INVALID_PAYLOAD", "stored"]);
    expect(await texts(desk)).toEqual(["1", "2", "3"]);
    expect(world.envelopes("lap", "desk", "bundle").length).toBeGreaterThan(0);
    expect(await lap.peer.dead({ limit: 10 })).toMatchObject([{ order: 3, stage: "refused", reason: "INVALID_PAYLOAD" }]);
  });

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

  test("whatever code comes back unsealed, the session stays and goes on [ERR-2]", async () => {
    await using meeting = await arrange(false);
    const { world, desk, lap } = meeting;
    await lap.peer.ping("desk");
    const before = lap.peer.peers().map(({ level, scopes }) => ({ level, scopes }));
    for (const code of codes) {
      world.weather.after = (to) => (to.includes("desk") ? { kind: "refused", code } : undefined);
      await expect(lap.peer.ping("desk")).rejects.toMatchObject({ code });
      delete world.weather.after;
      await lap.peer.ping("desk");
      await desk.peer.ping("lap");
    }
    expect(handshakes(world)).toBe(1);
    expect(lap.peer.peers().map(({ level, scopes }) => ({ level, scopes }))).toEqual(before);
  });

  async function meetOnStream(world: World) {
    const clock = new ManualClock();
    const desk = await world.peer("desk", { clock, speaksStreams: true });
    const puppet = new Puppet(99, { now: () => clock.now() });
    await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
    const stream = await PuppetStream.connect(puppet, world.network, desk);
    const messages = (): readonly string[] => stream.refs.filter((_, at) => stream.heard[at]?.type === "message");
    void failureOf(desk.peer.send("puppet", "message", { text: "hello" }));
    await still();
    return { clock, stream, messages };
  }

  test("an unsealed wait holds up what waits for a minute at most, however long it says [ERR-2] [DLV-4]", async () => {
    await using world = new World();
    const { clock, stream, messages } = await meetOnStream(world);
    stream.refuse({ code: "OVERLOADED", retryAfterS: limits.retryAfterSMax }, messages()[0] ?? "");
    await clock.pass(limits.retryMsMax - 1);
    expect(messages()).toHaveLength(1);
    await clock.pass(2);
    expect(messages()).toHaveLength(2);
  });

  test("a sealed wait of nothing is no invitation to come again at once [DLV-4]", async () => {
    await using world = new World();
    const { clock, stream, messages } = await meetOnStream(world);
    for (let turn = 0; turn < 5; turn += 1) {
      await stream.send("error", { code: "OVERLOADED", ref: messages().at(-1), retry_after: 0 });
      await still();
    }
    expect(messages()).toHaveLength(1);
    await clock.pass(limits.retryMsMin);
    expect(messages()).toHaveLength(2);
  });

  test("REJECTED brings a new handshake; the session that it was said of still receives [HS-13]", async () => {
    await using meeting = await arrange(false);
    const { world, desk, lap } = meeting;
    await lap.peer.ping("desk");
    let lies = 1;
    world.weather.after = (to, frame) => {
      if (!to.includes("desk") || !new TextDecoder().decode(frame).includes('"msg_type":"message"')) return undefined;
      lies -= 1;
      return lies >= 0 ? { kind: "refused", code: "REJECTED" } : undefined;
    };
    const gate = Promise.withResolvers<void>();
    world.weather.before = async (_, frame) => {
      if (new TextDecoder().decode(frame).includes('"msg_type":"handshake"')) await gate.promise;
      return undefined;
    };
    const sending = lap.peer.send("desk", "message", { text: "hello" });
    await still();
    // In the middle of lap's new handshake desk goes on in the old session.
    const meanwhile = desk.peer.send("lap", "message", { text: "meanwhile" });
    await still();
    expect(await texts(lap)).toEqual(["meanwhile"]);
    gate.resolve();
    expect(await meanwhile).toMatchObject({ stage: "stored" });
    expect((await sending).stage).toBe("stored");
    expect(handshakes(world)).toBe(2);
    // The first envelope had arrived: the id is the same, so it counts once.
    expect(await texts(desk)).toEqual(["hello"]);
    expect(desk.peer.stats()["message.duplicate"]).toBe(1);
  });

  test("a 200 without a receipt is no success [BOX-3]", async () => {
    await using meeting = await arrange(false);
    const { world, clock, lap } = meeting;
    await lap.peer.ping("desk");
    world.weather.before = (to) => {
      if (to.includes("lap")) throw new HikyakuError("UNREACHABLE", "unheard");
      return undefined;
    };
    world.weather.after = (to) => (to.includes("desk") ? { kind: "received", replies: [], more: false } : undefined);
    const sending = lap.peer.send("desk", "message", { text: "hello" });
    await clock.pass(limits.requestTimeoutMsDefault);
    expect(await sending).toMatchObject({ stage: "queued", problem: "no receipt within 30 s" });
  });

  test("junk in an answer is counted and harms nobody", async () => {
    await using meeting = await arrange(false);
    const { world, lap } = meeting;
    await lap.peer.ping("desk");
    await still();
    const copy = world.framesTo("desk", "ping").at(-1)?.reception;
    world.weather.after = (to, _, reception) =>
      reception.kind === "received" && to.includes("desk")
        ? { ...reception, replies: [new Uint8Array(3), ...(copy?.kind === "received" ? copy.replies : []), ...reception.replies] }
        : reception;
    const rises = await risen(lap.peer, () => lap.peer.ping("desk"));
    expect(rises).toEqual({ "received.pong": 1, "refused.MALFORMED_MESSAGE": 1, "refused.REPLAY_DETECTED": 1 });
  });
});

describe("when to try again [DLV-5]", () => {
  test("a mistake of ours is loud, and is not made again at once", async () => {
    await using meeting = await arrange(false);
    const { world, clock, desk, lap } = meeting;
    let mistakes = 0;
    world.weather.before = () => {
      mistakes += 1;
      if (mistakes === 1) throw new TypeError("canary-7f3a");
      return undefined;
    };
    expect(await lap.peer.send("desk", "message", { text: "hello" })).toMatchObject({
      stage: "queued",
      problem: expect.stringContaining("by a mistake of its own"),
    });
    expect(mistakes).toBe(1);
    expect(lap.log).toContainEqual(expect.objectContaining({ level: "error", event: "background.failed" }));
    await clock.pass(limits.retryMsMin);
    expect(await texts(desk)).toEqual(["hello"]);
  });

  test("a peer that was heard of is tried at once, however long the wait still was", async () => {
    await using meeting = await arrange(true);
    const { world, clock, desk, lap } = meeting;
    await desk.peer.close();
    expect(await lap.peer.send("desk", "message", { text: "hello" })).toMatchObject({
      stage: "queued",
      problem: expect.stringContaining("nothing listens there"),
    });
    await clock.pass(10 * limits.retryMsMax);
    const fresh = await world.restart(desk);
    expect(await texts(fresh)).toEqual([]);
    await fresh.peer.ping("lap");
    await still();
    expect(await texts(fresh)).toEqual(["hello"]);
  });

  test("a peer that comes back in silence is found within the longest wait", async () => {
    await using meeting = await arrange(true);
    const { world, clock, desk, lap } = meeting;
    await desk.peer.close();
    const { id } = await lap.peer.send("desk", "message", { text: "hello" });
    expect((await lap.peer.explain(id)).trouble).toMatchObject({
      reason: expect.stringContaining("nothing listens there"),
      retryInMs: expect.any(Number),
    });
    await clock.pass(10 * limits.retryMsMax);
    const fresh = await world.restart(desk);
    await clock.pass(limits.retryMsMax + limits.circuitOpenMs);
    expect(await texts(fresh)).toEqual(["hello"]);
    expect(await lap.peer.explain(id)).toMatchObject({ stage: "stored" });
  });

  test("who sends while the peer rests learns at once why; who asks is tried for at once", async () => {
    await using meeting = await arrange(true);
    const { world, desk, lap } = meeting;
    await desk.peer.close();
    await lap.peer.send("desk", "message", { text: "1" });
    expect(await lap.peer.send("desk", "message", { text: "2" })).toMatchObject({
      stage: "queued",
      problem: expect.stringContaining("nothing listens there"),
    });
    const fresh = await world.restart(desk);
    expect(await lap.peer.ping("desk")).toBeGreaterThanOrEqual(0);
    await still();
    expect(await texts(fresh)).toEqual(["1", "2"]);
  });
});

describe("a peer that can only call, and calls over exchanges [HTTP-7]", () => {
  async function meet(world: World) {
    const clock = new ManualClock();
    const desk = await world.peer("desk", { clock });
    const puppet = new Puppet(99, { now: () => clock.now() });
    await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
    return { clock, desk, session: await puppet.connect(desk) };
  }

  test("one answer carries at most 64 frames and says that more wait; the rest comes with the next, in order", async () => {
    await using world = new World();
    const { desk, session } = await meet(world);
    for (let n = 0; n < limits.repliesCountMax + 2; n += 1)
      expect(await desk.peer.send("puppet", "message", { text: `${n}` })).toMatchObject({ stage: "queued" });
    const first = await session.send("heartbeat", { seq: 1 });
    expect(first.replies).toHaveLength(limits.repliesCountMax);
    expect(first.reception).toMatchObject({ more: true });
    const second = await session.send("heartbeat", { seq: 2 });
    expect(second.reception).toMatchObject({ more: false });
    expect([...first.replies, ...second.replies].map(({ body }) => (body as { text: string }).text)).toEqual(
      Array.from({ length: limits.repliesCountMax + 2 }, (_, n) => `${n}`),
    );
  });

  test("one answer carries at most 256 KiB, and the largest message there is", async () => {
    await using world = new World();
    const { desk, session } = await meet(world);
    const json = "x".repeat(limits.bodyBytesMax - 2048);
    for (let n = 0; n < 2; n += 1) await desk.peer.send("puppet", "message", { json });
    await desk.peer.send("puppet", "message", { json: "small" });
    const answers = [];
    for (let seq = 1; seq <= 3; seq += 1) answers.push((await session.send("heartbeat", { seq })).reception);
    const sizes = answers.map((reception) =>
      reception.kind === "received" ? reception.replies.reduce((sum, { length }) => sum + length, 0) : 0,
    );
    for (const size of sizes) expect(size).toBeLessThanOrEqual(limits.repliesBytesMax);
    expect(answers.map((reception) => reception.kind === "received" && [reception.replies.length, reception.more])).toEqual([
      [1, true],
      [1, true],
      [1, false],
    ]);
  });

  test("what went along is kept until it is receipted, and goes along again after 5 s [DLV-3]", async () => {
    await using world = new World();
    const { clock, desk, session } = await meet(world);
    const { id } = await desk.peer.send("puppet", "message", { text: "hello" });
    const heartbeat = async (seq: number) => (await session.send("heartbeat", { seq })).replies;
    expect(await heartbeat(1)).toMatchObject([{ type: "message", body: { id } }]);
    expect(await heartbeat(2)).toEqual([]);
    await clock.pass(limits.repeatAfterMsMin);
    expect(await heartbeat(3)).toMatchObject([{ type: "message", body: { id } }]);
    await session.send("receipt", { ids: [id], stage: "stored" });
    await clock.pass(limits.repeatAfterMsMax);
    expect(await heartbeat(4)).toEqual([]);
  });

  test("a question waits for its next call for 90 s after the last one, and not without one", async () => {
    await using world = new World();
    const { clock, desk, session } = await meet(world);
    const waiting = desk.peer.ping("puppet");
    await still();
    const frame = session.seal("heartbeat", { seq: 1 });
    const { replies } = await session.deliver(encodeEnvelope(frame));
    expect(replies).toMatchObject([{ type: "ping" }]);
    await session.send("pong", replies[0]?.body);
    expect(await waiting).toBeGreaterThanOrEqual(0);
    await clock.pass(limits.heartbeatIntervalMs * limits.heartbeatsMissedMax);
    expect(await failureOf(desk.peer.ping("puppet"))).toMatchObject({ code: "UNREACHABLE" });
  });
});
