import { type Bytes, type Crypto, encodeEnvelope, encodeHex, HikyakuError, isSameBytes, limits, pureCrypto } from "@hikyaku/protocol";
import { everyAbility, failureOf, ManualClock, onlyReply, Puppet, type Resident, risen, settle, World } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";
import { MemoryTrustStore } from "../adapters/memory-trust-store.ts";

const refused = (code: string) => ({ kind: "refused", code });
const taken = (...replies: readonly Bytes[]) => ({ kind: "received", replies, more: false });
const flipped = (bytes: Bytes, at = 0): Bytes => bytes.with(at, (bytes[at] ?? 0) ^ 1);

interface Meeting extends AsyncDisposable {
  readonly world: World;
  readonly clock: ManualClock;
  readonly desk: Resident;
  readonly puppet: Puppet;
}

/** A desk under a clock that a test turns, and a puppet that it trusts. */
async function arrange(): Promise<Meeting> {
  const world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock });
  const puppet = new Puppet(99, { now: () => clock.now() });
  await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
  return { world, clock, desk, puppet, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

/** A trust store in which strangers have left so many places for others of their kind. */
function crowdedStore(placesLeft: number): MemoryTrustStore {
  const facts = { level: "seen", scopes: [], addresses: [], minVersion: "1.0", pinnedAt: 0 } as const;
  const seen = Array.from({ length: limits.seenPeersMax - placesLeft }, (_, index) => {
    return { ...facts, did: `seen-${index}`, publicKey: new Uint8Array(32).fill(index), name: `seen-${index}` };
  });
  const store = new MemoryTrustStore();
  store.load = async () => seen;
  return store;
}

/** The answer, the one counter, and then a genuine handshake. */
async function expectRefused({ desk, puppet }: Meeting, frame: Bytes, answer: object, counter: string): Promise<void> {
  const peers = desk.peer.peers();
  const rises = await risen(desk.peer, async () => expect(await desk.poke(frame)).toEqual(answer));
  expect(rises).toEqual({ [counter]: 1 });
  expect(desk.peer.peers()).toEqual(peers);
  const session = await puppet.connect(desk);
  expect((await session.send("ping", { n: 1 })).replies).toEqual([{ type: "pong", body: { n: 1 } }]);
}

describe("offers that are refused", () => {
  test("a bad signature is INVALID_SIGNATURE", async () => {
    await using meeting = await arrange();
    const { m1 } = meeting.puppet.offer(meeting.desk.peer.did);
    const frame = encodeEnvelope({ ...m1, signature: flipped(m1.signature) });
    await expectRefused(meeting, frame, refused("INVALID_SIGNATURE"), "refused.INVALID_SIGNATURE");
  });

  test("another version is INVALID_VERSION, with our own list", async () => {
    await using meeting = await arrange();
    const { m1 } = meeting.puppet.offer(meeting.desk.peer.did);
    const frame = meeting.puppet.resign(m1, { version: "2.0" });
    const answer = { ...refused("INVALID_VERSION"), versions: everyAbility.versions };
    await expectRefused(meeting, frame, answer, "refused.INVALID_VERSION");
  });

  test("a payload that is none is MALFORMED_MESSAGE", async () => {
    await using meeting = await arrange();
    const { m1 } = meeting.puppet.offer(meeting.desk.peer.did);
    const frame = meeting.puppet.resign(m1, { payload: { encrypted: false, data: new Uint8Array(3) } });
    await expectRefused(meeting, frame, refused("MALFORMED_MESSAGE"), "refused.MALFORMED_MESSAGE");
  });

  test("an offer to somebody else is REJECTED like any message to somebody else", async () => {
    await using meeting = await arrange();
    const { m1 } = meeting.puppet.offer(meeting.puppet.did);
    await expectRefused(meeting, encodeEnvelope(m1), refused("REJECTED"), "refused.UNKNOWN_RECIPIENT");
  });

  test.each([
    ["fast", 300_001],
    ["slow", -300_001],
  ])("a clock that is too %s is named to a verified sender, and to nobody else [ERR-3]", async (_, off) => {
    await using meeting = await arrange();
    const { desk, clock, puppet } = meeting;
    const wrong = new Puppet(99, { now: () => clock.now() + off });
    const { m1 } = wrong.offer(desk.peer.did);
    const unsigned = encodeEnvelope({ ...m1, signature: flipped(m1.signature) });
    await expectRefused(meeting, unsigned, refused("INVALID_SIGNATURE"), "refused.INVALID_SIGNATURE");
    await expectRefused(meeting, encodeEnvelope(m1), refused("CLOCK_SKEW"), "refused.CLOCK_SKEW");
    const barely = new Puppet(99, { now: () => clock.now() + Math.sign(off) * limits.clockSkewMsMax });
    expect((await (await barely.connect(desk)).send("ping", { n: 2 })).replies).toHaveLength(1);
    expect(puppet.did).toBe(barely.did);
  });

  test.each([301_000, -301_000])("whose clock is %i ms off reads a sentence about clocks [ERR-3]", async (off) => {
    await using world = new World();
    const clock = new ManualClock();
    const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock: new ManualClock(clock.now() + off) })];
    await world.introduce(desk, lap);
    expect(await lap.peer.send("desk", "message", { text: "hello" })).toMatchObject({
      stage: "queued",
      problem: expect.stringMatching(/clock and desk's .* 300 s apart; set both/),
    });
    expect(desk.peer.stats()).toEqual({ "refused.CLOCK_SKEW": 1 });
    await expect(lap.peer.ping("desk")).rejects.toMatchObject({ code: "CLOCK_SKEW" });
    expect(await desk.peer.inbox({ limit: 1 })).toEqual([]);
  });
});

describe("strangers", () => {
  test("a stranger is told so only after its signature verified, and is not remembered [TRUST-3]", async () => {
    await using meeting = await arrange();
    const stranger = new Puppet(98, { now: () => meeting.clock.now() });
    const { m1 } = stranger.offer(meeting.desk.peer.did);
    const unsigned = encodeEnvelope({ ...m1, signature: flipped(m1.signature) });
    await expectRefused(meeting, unsigned, refused("INVALID_SIGNATURE"), "refused.INVALID_SIGNATURE");
    await expectRefused(meeting, encodeEnvelope(m1), refused("UNKNOWN_SENDER"), "refused.UNKNOWN_SENDER");
    expect(meeting.desk.peer.peers().map(({ name }) => name)).toEqual(["puppet"]);
  });

  test("the sender reads that it has to pair", async () => {
    await using world = new World();
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
    await lap.peer.trust({ peer: desk.peer.did, name: "desk", addresses: desk.peer.addresses });
    await expect(lap.peer.ping("desk")).rejects.toMatchObject({ code: "UNKNOWN_SENDER", message: expect.stringContaining("hikyaku pair") });
  });

  test("with first contact `see`, a stranger is pinned as seen: it may report and ask, and send no message [TRUST-3]", async () => {
    await using world = new World();
    const desk = await world.peer("desk", { settings: { firstContact: "see" } });
    const stranger = new Puppet(98);
    const session = await stranger.connect(desk);
    const [seen] = desk.peer.peers();
    expect(seen).toMatchObject({ did: stranger.did, level: "seen", scopes: [], name: `seen-${stranger.did.slice(-12)}` });
    const status = { id: "019c0000-0000-7000-8000-000000000001", sent_at: 1, state: "idle" };
    expect((await session.send("heartbeat", { seq: 1 })).replies).toEqual([]);
    expect((await session.send("ping", { n: 1 })).replies).toMatchObject([{ type: "pong" }]);
    expect((await session.send("status_report", status)).replies).toMatchObject([{ body: { stage: "handled" } }]);
    expect((await session.send("capability_query", { n: 2 })).replies).toMatchObject([{ body: { accepts: ["status_report"] } }]);
    expect((await session.send("message", { ...status, text: "hello" })).replies).toMatchObject([
      { type: "error", body: { code: "UNAUTHORIZED" } },
    ]);
    expect(await desk.peer.inbox({ limit: 1 })).toEqual([]);
    expect(desk.peer.peer(stranger.did).status).toMatchObject({ state: "idle" });
  });

  test("strangers fill their own places and no others: one more is refused, and a person can still add peers [TRUST-8]", async () => {
    await using world = new World();
    const desk = await world.peer("desk", { needs: { trustStore: crowdedStore(0) }, settings: { firstContact: "see" } });
    const m1 = encodeEnvelope(new Puppet(98).offer(desk.peer.did).m1);
    expect(await risen(desk.peer, async () => expect(await desk.poke(m1)).toEqual(refused("UNKNOWN_SENDER")))).toEqual({
      "refused.UNKNOWN_SENDER": 1,
      "stranger.withoutRoom": 1,
    });
    const friend = new Puppet(97);
    await desk.peer.trust({ peer: friend.did, name: "friend", level: "seen" });
    await friend.connect(desk);
    await desk.peer.trust({ peer: "friend", level: "trusted" });
    await desk.peer.forget("seen-7");
    await new Puppet(98).connect(desk);
    await expect.poll(() => desk.peer.peers()).toHaveLength(limits.seenPeersMax + 1);
  });

  test("of two strangers that were let in on the last place one is pinned, and the other has no session [TRUST-8]", async () => {
    await using world = new World();
    const desk = await world.peer("desk", { needs: { trustStore: crowdedStore(1) }, settings: { firstContact: "see" } });
    const confirmations: Bytes[] = [];
    for (const puppet of [new Puppet(97), new Puppet(98)]) {
      const pending = puppet.offer(desk.peer.did);
      const m2 = onlyReply(await desk.poke(encodeEnvelope(pending.m1)));
      confirmations.push(encodeEnvelope(puppet.confirm(pending, m2, desk.needs.identity.publicKey).m3));
    }
    for (const m3 of confirmations) await desk.poke(m3);
    await expect.poll(() => desk.peer.stats()["stranger.withoutRoom"]).toBe(1);
    expect(desk.peer.peers()).toHaveLength(limits.seenPeersMax);
    expect(desk.peer.sizes()["sessions"]?.held).toBe(1);
  });

  test("a blocked peer gets the stranger's answer, also where strangers are seen", async () => {
    await using world = new World();
    const desk = await world.peer("desk", { settings: { firstContact: "see" } });
    const puppet = new Puppet(99);
    await desk.peer.trust({ peer: puppet.did, name: "puppet", level: "blocked", allow: ["message"] });
    const { m1 } = puppet.offer(desk.peer.did);
    expect(await risen(desk.peer, async () => expect(await desk.poke(encodeEnvelope(m1))).toEqual(refused("UNKNOWN_SENDER")))).toEqual({
      "refused.UNKNOWN_SENDER": 1,
    });
    expect(desk.peer.peers()).toMatchObject([{ level: "blocked" }]);
  });

  test("blocking and forgetting end the sessions that there are", async () => {
    await using meeting = await arrange();
    const { desk, puppet } = meeting;
    const session = await puppet.connect(desk);
    await desk.peer.trust({ peer: "puppet", level: "blocked" });
    expect((await session.send("ping", { n: 1 })).reception).toEqual(refused("REJECTED"));
    await desk.peer.trust({ peer: "puppet", level: "trusted" });
    const again = await puppet.connect(desk);
    await desk.peer.forget("puppet");
    expect((await again.send("ping", { n: 1 })).reception).toEqual(refused("REJECTED"));
    expect(await desk.poke(encodeEnvelope(puppet.offer(desk.peer.did).m1))).toEqual(refused("UNKNOWN_SENDER"));
  });

  test("whoever is blocked between its offer and its confirmation gets no session", async () => {
    await using meeting = await arrange();
    const { desk, puppet } = meeting;
    const pending = puppet.offer(desk.peer.did);
    const m2 = onlyReply(await desk.poke(encodeEnvelope(pending.m1)));
    await desk.peer.trust({ peer: "puppet", level: "blocked" });
    const { m3 } = puppet.confirm(pending, m2, desk.needs.identity.publicKey);
    expect(await desk.poke(encodeEnvelope(m3))).toEqual(refused("HANDSHAKE_FAILED"));
    expect(desk.peer.stats()).not.toHaveProperty("session.established");
  });

  test("an id that is no did:key is welcome only while it is pinned with its key [TRUST-5]", async () => {
    await using world = new World();
    const named = new Puppet(97, { did: "agent-7@example" });
    const trustStore = new MemoryTrustStore();
    await trustStore.put({
      did: named.did,
      publicKey: named.identity.publicKey,
      name: "agent",
      level: "trusted",
      scopes: ["message"],
      addresses: [],
      minVersion: "1.0",
      pinnedAt: 0,
    });
    const desk = await world.peer("desk", { needs: { trustStore }, settings: { firstContact: "see" } });
    expect((await (await named.connect(desk)).send("ping", { n: 1 })).replies).toMatchObject([{ type: "pong" }]);
    const impostor = new Puppet(96, { did: named.did });
    expect(await desk.poke(encodeEnvelope(impostor.offer(desk.peer.did).m1))).toEqual(refused("HANDSHAKE_FAILED"));
    const unpinned = new Puppet(97, { did: "agent-8@example" });
    expect(await desk.poke(encodeEnvelope(unpinned.offer(desk.peer.did).m1))).toEqual(refused("INVALID_SIGNATURE"));
    expect(desk.peer.sizes()["keys"]?.held).toBe(1);
    await desk.peer.forget("agent");
    expect(desk.peer.sizes()["keys"]?.held).toBe(0);
    expect(await desk.poke(encodeEnvelope(named.offer(desk.peer.did).m1))).toEqual(refused("INVALID_SIGNATURE"));
    await expect(desk.peer.trust({ peer: "agent-9@example", name: "nine" })).rejects.toMatchObject({ code: "UNKNOWN_PEER" });
  });
});

describe("a key outside of the prime-order subgroup [ID-3]", () => {
  /** Finds one key to be such a key; whoever signs with it cannot tell. */
  const suspicious = (suspect: Bytes): Crypto => ({
    ...pureCrypto,
    isTorsionFree: (key) => !isSameBytes(key, suspect) && pureCrypto.isTorsionFree(key),
  });

  test("gets no answer to its offer, though its signature verifies and strangers are welcome", async () => {
    const puppet = new Puppet(99);
    await using world = new World(suspicious(puppet.identity.publicKey));
    const desk = await world.peer("desk", { settings: { firstContact: "see" } });
    expect(await desk.poke(encodeEnvelope(puppet.offer(desk.peer.did).m1))).toEqual(refused("INVALID_SIGNATURE"));
    expect(desk.peer.peers()).toEqual([]);
    expect((await desk.poke(encodeEnvelope(new Puppet(98).offer(desk.peer.did).m1))).kind).toBe("received");
  });

  test("gets no confirmation of its answer, though it was pinned in some way", async () => {
    const { identity } = new Puppet(99);
    await using world = new World(suspicious(identity.publicKey));
    const trustStore = new MemoryTrustStore();
    const addresses = [{ address: "http://desk:7340", source: "person" as const }];
    const { did, publicKey } = identity;
    await trustStore.put({ did, publicKey, name: "desk", level: "trusted", scopes: [], addresses, minVersion: "1.0", pinnedAt: 1 });
    const lap = await world.peer("lap", { needs: { trustStore } });
    const desk = await world.peer("desk", { seed: 99, settings: { firstContact: "see" } });
    expect(await failureOf(lap.peer.ping("desk"))).toMatchObject({ code: "HANDSHAKE_FAILED" });
    expect(world.framesTo("desk", "handshake_confirm")).toEqual([]);
    expect(desk.peer.stats()["session.established"]).toBeUndefined();
  });
});

describe("repetition [HS-9]", () => {
  test("an identical M1 gets the identical M2, and an identical M3 the identical READY", async () => {
    await using meeting = await arrange();
    const { desk, puppet } = meeting;
    const pending = puppet.offer(desk.peer.did);
    const m1 = encodeEnvelope(pending.m1);
    const m2 = onlyReply(await desk.poke(m1));
    expect(await risen(desk.peer, async () => expect(await desk.poke(m1)).toEqual(taken(m2)))).toEqual({});
    const m3 = encodeEnvelope(puppet.confirm(pending, m2, desk.needs.identity.publicKey).m3);
    const ready = onlyReply(await desk.poke(m3));
    expect(await risen(desk.peer, async () => expect(await desk.poke(m3)).toEqual(taken(ready)))).toEqual({});
    expect(await desk.poke(m1)).toEqual(taken(m2));
    expect(desk.peer.stats()).toEqual({ "session.established": 1 });
  });

  test("other bytes under a session id that is in use are refused, half open or established", async () => {
    await using meeting = await arrange();
    const { clock, desk, puppet } = meeting;
    const open = puppet.offer(desk.peer.did);
    onlyReply(await desk.poke(encodeEnvelope(open.m1)));
    const reused = encodeEnvelope(puppet.offer(desk.peer.did, { sessionId: open.m1.sessionId }).m1);
    await expectRefused(meeting, reused, refused("HANDSHAKE_FAILED"), "refused.HANDSHAKE_FAILED");
    const pending = puppet.offer(desk.peer.did);
    const m2 = onlyReply(await desk.poke(encodeEnvelope(pending.m1)));
    const { m3 } = puppet.confirm(pending, m2, desk.needs.identity.publicKey);
    expect(await desk.poke(encodeEnvelope({ ...m3, signature: flipped(m3.signature) }))).toEqual(refused("HANDSHAKE_FAILED"));
    onlyReply(await desk.poke(encodeEnvelope(m3)));
    expect(await desk.poke(puppet.resign(m3, { timestamp: m3.timestamp + 1 }))).toEqual(refused("HANDSHAKE_FAILED"));
    await clock.pass(limits.halfOpenMsMax);
    await expectRefused(
      meeting,
      encodeEnvelope(puppet.offer(desk.peer.did, { sessionId: pending.m1.sessionId }).m1),
      refused("HANDSHAKE_FAILED"),
      "refused.HANDSHAKE_FAILED",
    );
  });

  test("every M3 that is not sound gets the same answer and leaves the way free for the sound one [HS-8]", async () => {
    await using meeting = await arrange();
    const { desk, puppet } = meeting;
    const pending = puppet.offer(desk.peer.did);
    const m2 = onlyReply(await desk.poke(encodeEnvelope(pending.m1)));
    const { m3 } = puppet.confirm(pending, m2, desk.needs.identity.publicKey);
    const { payload } = m3;
    for (const frame of [
      encodeEnvelope({ ...m3, signature: flipped(m3.signature) }),
      puppet.resign(m3, { payload: { encrypted: true, data: flipped(payload.data) } }),
      puppet.resign(m3, { payload: { encrypted: false, data: payload.data } }),
      puppet.resign(m3, { sequenceNum: 2 }),
      puppet.resign(m3, { version: "1.2" }),
      puppet.resign(m3, { sessionId: "11111111-1111-4111-8111-111111111111" }),
      new Puppet(98).resign(m3, {}),
    ]) {
      const rises = await risen(desk.peer, async () => expect(await desk.poke(frame)).toEqual(refused("HANDSHAKE_FAILED")));
      expect(rises).toEqual({ "refused.HANDSHAKE_FAILED": 1 });
    }
    expect(onlyReply(await desk.poke(encodeEnvelope(m3)))).toBeDefined();
  });
});

describe("half-open state", () => {
  test("whoever completes a handshake leaves no older one behind that could complete late [LIFE-3]", async () => {
    await using world = new World();
    const clock = new ManualClock();
    const desk = await world.peer("desk", { clock });
    const puppet = new Puppet(99, { now: () => clock.now() });
    await desk.peer.trust({ peer: puppet.did, name: "puppet" });
    const given = puppet.offer(desk.peer.did);
    const m2 = onlyReply(await desk.poke(encodeEnvelope(given.m1)));
    const late = encodeEnvelope(puppet.confirm(given, m2, desk.needs.identity.publicKey).m3);

    const session = await puppet.connect(desk);
    expect(await desk.poke(late)).toEqual({ kind: "refused", code: "HANDSHAKE_FAILED" });
    expect((await session.send("ping", { n: 1 })).replies).toEqual([{ type: "pong", body: { n: 1 } }]);
    expect(desk.peer.sizes()["sessions"]?.held).toBe(1);
  });

  test("it lives thirty seconds, also where the wall clock is set back [HS-10]", async () => {
    await using meeting = await arrange();
    const { clock, desk, puppet } = meeting;
    const begin = async () => {
      const pending = puppet.offer(desk.peer.did);
      const m2 = onlyReply(await desk.poke(encodeEnvelope(pending.m1)));
      return encodeEnvelope(puppet.confirm(pending, m2, desk.needs.identity.publicKey).m3);
    };
    const [inTime, tooLate] = [await begin(), await begin()];
    clock.set(clock.now() - 200_000);
    await clock.pass(limits.halfOpenMsMax - 1);
    expect((await desk.poke(inTime)).kind).toBe("received");
    await clock.pass(1);
    expect(await desk.poke(tooLate)).toEqual(refused("HANDSHAKE_FAILED"));
  });

  test("a recorded M1 is REPLAY_DETECTED once its half-open state has gone, and by a stranger at once [HS-11]", async () => {
    await using meeting = await arrange();
    const { clock, desk, puppet } = meeting;
    const m1 = encodeEnvelope(puppet.offer(desk.peer.did).m1);
    await desk.poke(m1);
    await clock.pass(limits.halfOpenMsMax);
    await expectRefused(meeting, m1, refused("REPLAY_DETECTED"), "refused.REPLAY_DETECTED");
    const stranger = encodeEnvelope(new Puppet(98, { now: () => clock.now() }).offer(desk.peer.did).m1);
    expect(await desk.poke(stranger)).toEqual(refused("UNKNOWN_SENDER"));
    expect(await desk.poke(stranger)).toEqual(refused("REPLAY_DETECTED"));
  });

  test("an offer's nonce is not remembered before its signature verified [HS-11]", async () => {
    await using meeting = await arrange();
    const { desk, puppet } = meeting;
    const { m1 } = puppet.offer(desk.peer.did);
    expect(await desk.poke(encodeEnvelope({ ...m1, signature: flipped(m1.signature) }))).toEqual(refused("INVALID_SIGNATURE"));
    expect((await desk.poke(encodeEnvelope(m1))).kind).toBe("received");
  });
});

describe("a handshake on a bad line", () => {
  test("a lost READY: the same M3 goes out until READY comes [HS-12]", async () => {
    await using world = new World();
    const clock = new ManualClock();
    const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock })];
    await world.introduce(desk, lap);
    let lost = 2;
    world.weather.after = (_, frame) => {
      if (lost === 0 || !new TextDecoder().decode(frame).includes('"handshake_confirm"')) return undefined;
      lost -= 1;
      return { kind: "received", replies: [], more: false };
    };
    const sending = lap.peer.send("desk", "message", { text: "hello" });
    for (let second = 0; second < 3; second += 1) await clock.pass(limits.confirmRepeatMs);
    expect((await sending).stage).toBe("stored");
    const confirms = world.framesTo("desk", "handshake_confirm").map(({ frame }) => encodeHex(frame));
    expect(confirms).toHaveLength(3);
    expect(new Set(confirms).size).toBe(1);
    expect(desk.peer.stats()["session.established"]).toBe(1);
  });

  test("a confirmation that does not get through at all is repeated too [HS-12]", async () => {
    await using world = new World();
    const clock = new ManualClock();
    const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock })];
    await world.introduce(desk, lap);
    let storms = 2;
    const { before } = stormy(() => {
      storms -= 1;
      return storms >= 0;
    });
    world.weather.before = before;
    const sending = lap.peer.send("desk", "message", { text: "hello" }).catch((error: unknown) => error);
    for (let second = 0; second < 3; second += 1) await clock.pass(limits.confirmRepeatMs);
    expect(await sending).toMatchObject({ stage: "stored" });
    expect(lap.peer.stats()["answer.lost"]).toBe(2);
  });

  test("without READY the attempt ends after thirty seconds, and the next one works", async () => {
    await using world = new World();
    const clock = new ManualClock();
    const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock })];
    await world.introduce(desk, lap);
    const { before } = stormy(() => true);
    world.weather.before = before;
    let isOver = false;
    const sending = lap.peer.send("desk", "message", { text: "1" }, { timeoutMs: 60_000 }).finally(() => {
      isOver = true;
    });
    const asking = failureOf(lap.peer.ping("desk", { timeoutMs: 60_000 }));
    await clock.pass(limits.halfOpenMsMax - 1);
    expect(isOver).toBe(false);
    await clock.pass(1);
    const what = expect.stringContaining("desk began a handshake and did not finish it");
    expect(await sending).toMatchObject({ stage: "queued", problem: what });
    expect(await asking).toMatchObject({ code: "TIMED_OUT", message: what });
    delete world.weather.before;
    const next = lap.peer.send("desk", "message", { text: "2" }, { until: "stored" });
    await clock.pass(limits.retryMsMin);
    expect((await next).stage).toBe("stored");
    expect((await desk.peer.inbox({ limit: 10 })).map(({ body }) => body)).toEqual(['{"text":"1"}', '{"text":"2"}']);
  });

  test("a lost M2 fails the attempt, and the next one works [HS-12]", async () => {
    await using world = new World();
    const clock = new ManualClock();
    const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock })];
    await world.introduce(desk, lap);
    world.weather.before = () => "lost";
    const asking = failureOf(lap.peer.ping("desk"));
    const first = await lap.peer.send("desk", "message", { text: "1" });
    expect(first).toMatchObject({ stage: "queued", problem: "desk gave no answer to the handshake." });
    expect(await asking).toMatchObject({ code: "HANDSHAKE_FAILED" });
    delete world.weather.before;
    const next = lap.peer.send("desk", "message", { text: "2" }, { until: "stored" });
    await clock.pass(limits.retryMsMin);
    expect((await next).stage).toBe("stored");
    expect(await lap.peer.explain(first.id)).toMatchObject({ stage: "stored" });
    expect(world.framesTo("desk", "handshake")).toHaveLength(2);
  });

  test("an answer by somebody else, or a changed one, makes no session and no M3", async () => {
    await using world = new World();
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
    await world.introduce(desk, lap);
    world.weather.after = (_, frame, reception) => {
      if (reception.kind === "refused" || !new TextDecoder().decode(frame).includes('"handshake"')) return undefined;
      const [m2] = reception.replies;
      return { ...reception, replies: [flipped(m2 ?? new Uint8Array(1), (m2?.length ?? 1) - 200)] };
    };
    await expect(lap.peer.ping("desk")).rejects.toMatchObject({ code: "HANDSHAKE_FAILED" });
    expect(world.framesTo("desk", "handshake_confirm")).toEqual([]);
    expect(lap.peer.stats()).not.toHaveProperty("session.established");
  });

  test("callers that come together share one handshake, and no data goes before READY", async () => {
    await using world = new World();
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
    await world.introduce(desk, lap);
    const order: string[] = [];
    world.weather.before = async (_, frame) => {
      order.push(/"msg_type":"(\w+)"/.exec(new TextDecoder().decode(frame))?.[1] ?? "?");
      // The confirmation is slow: whatever is sent now would overtake it.
      const turns = order.at(-1) === "handshake_confirm" ? 10 : 1;
      for (let turn = 0; turn < turns; turn += 1) await settle();
      return undefined;
    };
    const first = lap.peer.send("desk", "message", { text: "1" });
    while (!order.includes("handshake_confirm")) await settle();
    await Promise.all([first, lap.peer.send("desk", "message", { text: "2" }), lap.peer.send("desk", "message", { text: "3" })]);
    expect(order.slice(0, 2)).toEqual(["handshake", "handshake_confirm"]);
    expect(order.filter((type) => type.startsWith("handshake"))).toHaveLength(2);
    expect(await desk.peer.inbox({ limit: 10 })).toHaveLength(3);
    expect(desk.peer.stats()).not.toHaveProperty("refused.NO_SESSION");
  });
});

/** Weather that throws confirmations away while it is told to. */
const stormy = (isStorm: () => boolean) => ({
  before: (_: string, frame: Bytes): undefined => {
    if (new TextDecoder().decode(frame).includes('"handshake_confirm"') && isStorm()) throw new HikyakuError("UNREACHABLE", "a storm");
    return undefined;
  },
});

describe("after a restart", () => {
  const pair = async (world: World, clock: ManualClock) => {
    const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock })];
    await world.introduce(desk, lap);
    await lap.peer.send("desk", "message", { text: "0" });
    return { desk, lap };
  };

  test("one REJECTED, one new handshake, and the message arrives exactly once [HS-13]", async () => {
    await using world = new World();
    const { desk, lap } = await pair(world, new ManualClock());
    const fresh = await world.restart(desk);
    expect((await lap.peer.send("desk", "message", { text: "1" })).stage).toBe("stored");
    expect(fresh.peer.stats()).toMatchObject({ "refused.NO_SESSION": 1, "session.established": 1, "message.stored": 1 });
    expect(world.framesTo("desk", "handshake")).toHaveLength(2);
    expect((await fresh.peer.inbox({ limit: 10 })).map(({ body }) => body)).toEqual(['{"text":"0"}', '{"text":"1"}']);
  });

  test("many messages on their way share that one handshake [HS-13]", async () => {
    await using world = new World();
    const { desk, lap } = await pair(world, new ManualClock());
    const fresh = await world.restart(desk);
    await Promise.all(["1", "2", "3", "4"].map((text) => lap.peer.send("desk", "message", { text })));
    expect(await fresh.peer.inbox({ limit: 10 })).toHaveLength(5);
    expect(world.framesTo("desk", "handshake")).toHaveLength(2);
  });

  test("at most one such handshake in ten seconds [HS-13]", async () => {
    await using world = new World();
    const clock = new ManualClock();
    const { desk, lap } = await pair(world, clock);
    const second = await world.restart(desk);
    await lap.peer.send("desk", "message", { text: "1" });
    const third = await world.restart(second);
    const sending = lap.peer.send("desk", "message", { text: "2" });
    expect(await sending).toMatchObject({ stage: "queued", problem: expect.stringContaining("did not take the message (REJECTED)") });
    expect(third.peer.stats()).toEqual({ "refused.NO_SESSION": 1 });
    await clock.pass(limits.handshakeIntervalMsMin - 1);
    expect(world.framesTo("desk", "handshake")).toHaveLength(2);
    expect(third.peer.stats()["session.established"]).toBeUndefined();
    // The wait between two tries is a random one, and may be longer by now than what was left of the ten seconds.
    await clock.pass(limits.retryMsMax);
    expect((await lap.peer.send("desk", "message", { text: "3" }, { until: "stored" })).stage).toBe("stored");
    expect((await third.peer.inbox({ limit: 10 })).map(({ body }) => body)).toEqual(
      ["0", "1", "2", "3"].map((text) => JSON.stringify({ text })),
    );
    expect(world.framesTo("desk", "handshake")).toHaveLength(3);
  });

  test("frames recorded before the restart are worth nothing after it", async () => {
    await using world = new World();
    const { desk, lap } = await pair(world, new ManualClock());
    const recorded = world.passages.filter(({ to }) => to === "http://desk:7340");
    const fresh = await world.restart(desk);
    for (const { frame, envelope } of recorded) {
      const reception = await fresh.poke(frame);
      // A recorded M1 is answered: whoever plays it cannot confirm the answer.
      expect(reception.kind).toBe(envelope?.msgType === "handshake" ? "received" : "refused");
    }
    expect(fresh.peer.stats()).not.toHaveProperty("session.established");
    expect((await lap.peer.send("desk", "message", { text: "1" })).stage).toBe("stored");
    expect(await fresh.peer.inbox({ limit: 10 })).toHaveLength(2);
  });
});

test("a pairing token that was never given out is HANDSHAKE_FAILED [PAIR-2]", async () => {
  await using meeting = await arrange();
  const { desk } = meeting;
  const token = new Uint8Array(16).fill(7);
  const stranger = new Puppet(98, { now: () => meeting.clock.now() });
  const { m1 } = stranger.offer(desk.peer.did, { pairingToken: token });
  await expectRefused(meeting, encodeEnvelope(m1), refused("HANDSHAKE_FAILED"), "refused.HANDSHAKE_FAILED");
});
