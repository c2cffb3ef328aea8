import {
  type Agreement,
  type Bytes,
  type Envelope,
  encodeHex,
  encodeUtf8,
  establishSession,
  type Identity,
  limits,
  type Moment,
  newSessionId,
  pureCrypto,
  seal,
  type VerifyingKey,
} from "@hikyaku/protocol";
import { failureOf, ManualClock, type Resident, settle, World } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";
import { webRandom } from "../adapters/web-random.ts";
import type { Exchange, Stream } from "../ports/link.ts";
import { LiveSession, SessionTable } from "./session-table.ts";

/** The wall clock says the same all the time: nothing here may be measured by it. */
const momentAt = (elapsed: number): Moment => ({ now: Date.parse("2026-02-01T00:00:00.000Z"), elapsed });

interface Shape {
  readonly sessionId?: string;
  readonly peerId?: string;
  /** When it began, by the monotonic clock. */
  readonly elapsed?: number;
  readonly crossedWith?: string;
  /** As if this many messages had come. */
  readonly received?: number;
}

const agreementOf = ({ sessionId = newSessionId(webRandom.bytes(16)), peerId = "did:desk" }: Shape): Agreement => ({
  sessionId,
  role: "initiator",
  selfId: "did:lap",
  peerId,
  version: "1.2",
  suite: "X25519_AES256GCM_SHA256",
  features: [],
  sendingChain: pureCrypto.sha256(new Uint8Array(1)),
  receivingChain: pureCrypto.sha256(new Uint8Array(2)),
  th3: new Uint8Array(32),
  exporter: new Uint8Array(32),
  clockOffsetMs: 0,
});

function live(shape: Shape = {}): LiveSession {
  const { elapsed = 0, crossedWith, received } = shape;
  const session = establishSession(agreementOf(shape), elapsed);
  const worn = received === undefined ? session : { ...session, window: { highest: received, seen: 1n } };
  return new LiveSession(worn, { at: momentAt(elapsed), isReady: true, crossedWith });
}

const one = "11111111-1111-4111-8111-111111111111";
const two = "22222222-2222-4222-8222-222222222222";

describe("when a session is due, and when it is over", () => {
  test("a new one is due after an hour or 65 536 messages, and not before [LIFE-1]", () => {
    expect(live().isDueForRollover(limits.rolloverAfterMs - 1)).toBe(false);
    expect(live().isDueForRollover(limits.rolloverAfterMs)).toBe(true);
    expect(live({ received: 2 ** 16 - 1 }).isDueForRollover(0)).toBe(false);
    expect(live({ received: 2 ** 16 }).isDueForRollover(0)).toBe(true);
  });

  test("it is over after a day, 2^20 messages or 15 silent minutes [LIFE-1] [LIFE-2]", () => {
    expect(live().isExpired(limits.sessionIdleMsMax - 1)).toBe(false);
    expect(live().isExpired(limits.sessionIdleMsMax)).toBe(true);
    expect(live({ received: 2 ** 20 - 1 }).isExpired(0)).toBe(false);
    expect(live({ received: 2 ** 20 }).isExpired(0)).toBe(true);
    const busy = live();
    busy.heard = momentAt(limits.sessionMsMax - 1);
    expect(busy.isExpired(limits.sessionMsMax - 1)).toBe(false);
    expect(busy.isExpired(limits.sessionMsMax)).toBe(true);
  });
});

describe("which session sends [LIFE-3]", () => {
  test("the one completed last", () => {
    const table = new SessionTable();
    const [older, newer] = [live({ sessionId: one }), live({ sessionId: two })];
    table.add(older);
    table.add(newer);
    expect(table.sendingTo("did:desk", 0)).toBe(newer);
    expect(table.find("did:desk", one)).toBe(older);
  });

  test.each([
    [one, two],
    [two, one],
  ])("of two that crossed the one with the smaller id, whichever is completed last: %s then %s", (first, last) => {
    const table = new SessionTable();
    table.add(live({ sessionId: first, crossedWith: last }));
    table.add(live({ sessionId: last, crossedWith: first }));
    expect(table.sendingTo("did:desk", 0)?.facts.sessionId).toBe(one);
  });

  test("before the peer has shown the keys, none but on the stream that carried our handshake [HS-12]", () => {
    const stream = { kind: "stream" } as Stream;
    const exchange = { kind: "exchange" } as Exchange;
    for (const [bornOn, mayFollow] of [
      [stream, true],
      [exchange, false],
    ] as const) {
      const table = new SessionTable();
      const session = new LiveSession(establishSession(agreementOf({}), 0), { at: momentAt(0), isReady: false, bornOn });
      table.add(session);
      expect(table.sendingTo("did:desk", 0)).toBeUndefined();
      expect(table.sendingTo("did:desk", 0, { kind: "stream" } as Stream)).toBeUndefined();
      expect(table.sendingTo("did:desk", 0, bornOn)).toBe(mayFollow ? session : undefined);
    }
  });

  test("one that crossed an attempt which never ended counts as the last", () => {
    const table = new SessionTable();
    table.add(live({ sessionId: two, crossedWith: one }));
    expect(table.sendingTo("did:desk", 0)?.facts.sessionId).toBe(two);
  });

  test("none that expired, was retired or was dropped; what is retired still receives", () => {
    const table = new SessionTable();
    const session = live();
    table.add(session);
    expect(table.sendingTo("did:desk", limits.sessionIdleMsMax)).toBeUndefined();
    table.retire(session);
    expect(table.sendingTo("did:desk", 0)).toBeUndefined();
    expect(table.find("did:desk", session.facts.sessionId)).toBe(session);
    table.drop(session);
    expect(table.find("did:desk", session.facts.sessionId)).toBeUndefined();
  });
});

describe("what goes, and when", () => {
  test("what no longer sends goes after a silent minute; what sends stays [LIFE-3]", () => {
    const table = new SessionTable();
    const [older, newer] = [live({ sessionId: one }), live({ sessionId: two })];
    table.add(older);
    table.add(newer);
    older.heard = momentAt(1000);
    table.sweep(limits.retiredSessionMsMax + 999);
    expect(table.find("did:desk", one)).toBe(older);
    table.sweep(limits.retiredSessionMsMax + 1000);
    expect([table.find("did:desk", one), table.find("did:desk", two)]).toEqual([undefined, newer]);
    table.sweep(limits.sessionIdleMsMax);
    expect(table.find("did:desk", two)).toBeUndefined();
  });

  test("each peer has at most four, and never loses the one that sends", () => {
    const table = new SessionTable();
    const sessions = Array.from({ length: 6 }, () => live());
    for (const session of sessions) table.add(session);
    const held = sessions.filter(({ facts }) => table.find("did:desk", facts.sessionId) !== undefined);
    expect(held).toEqual(sessions.slice(-limits.sessionsPerPeerMax));
    expect(table.sendingTo("did:desk", 0)).toBe(sessions.at(-1));
  });

  test("there is a bound on all of them, and room again when some have gone", () => {
    const table = new SessionTable();
    const session = live();
    for (let index = 0; index < limits.sessionsMax - 1; index += 1)
      table.add(Object.assign(Object.create(session), { facts: { ...session.facts, peerId: `did:${index}` } }));
    expect(table.isFull()).toBe(false);
    table.add(session);
    expect(table.isFull()).toBe(true);
    table.drop(session);
    expect(table.isFull()).toBe(false);
    expect([...table.sending()]).toHaveLength(limits.sessionsMax - 1);
  });

  test("a peer's sessions go together, and others stay", () => {
    const table = new SessionTable();
    for (const peerId of ["did:desk", "did:desk", "did:tab"]) table.add(live({ peerId }));
    table.dropPeer("did:desk");
    expect([...table.sending()].map(({ facts }) => facts.peerId)).toEqual(["did:tab"]);
    table.clear();
    expect([...table.sending()]).toEqual([]);
  });
});

describe("secrets of skipped messages [LIM-6]", () => {
  /** Real but for the signatures: sealing a thousand messages would cost seconds of curve arithmetic, and the count does not depend on them. */
  const signature: Bytes = new Uint8Array(64);
  const publicKey: Bytes = new Uint8Array(32);
  const peerKey: VerifyingKey = { publicKey, verify: () => true };
  const peer: Identity = { did: "did:desk", publicKey, key: { publicKey, sign: () => signature } };

  /** Every session of these tests has the same chain keys, so that what was sealed once opens in each of them. */
  const sealedBySomePeer = (count: number): readonly Envelope[] => {
    let session = establishSession({ ...agreementOf({}), role: "responder", sendingChain: pureCrypto.sha256(new Uint8Array(2)) }, 0);
    return Array.from({ length: count }, () => {
      const message = { msgType: "ping", plaintext: encodeUtf8("{}") } as const;
      const sealed = seal(pureCrypto, peer, session, message, { nonces: () => publicKey, ...momentAt(0) });
      session = sealed.session;
      return sealed.envelope;
    });
  };
  const envelopes = sealedBySomePeer(1100);

  /** Whether the message with this number opens in the session now. */
  const opens = (table: SessionTable, session: LiveSession, sequenceNum: number, elapsed = 0): boolean => {
    const envelope = envelopes[sequenceNum - 1];
    if (envelope === undefined) throw new Error(`message ${sequenceNum} was never sealed`);
    return table.open(pureCrypto, session, peerKey, envelope, momentAt(elapsed)).kind === "opened";
  };
  const member = (table: SessionTable, peerId: string): LiveSession => {
    const session = live({ peerId });
    table.add(session);
    return session;
  };

  /** Two sessions far below their own bound, and as many full ones beside them as make it 65 536. */
  const fullTable = () => {
    const table = new SessionTable();
    const fullOnes = limits.skippedSecretsPerNodeMax / limits.skippedSecretsMax - 1;
    for (let index = 0; index < fullOnes; index += 1) {
      const full = member(table, `did:${index}`);
      expect([opens(table, full, 1024), opens(table, full, 1026), full.skippedSecrets]).toEqual([true, true, 1024]);
    }
    const [one, other] = [member(table, "did:one"), member(table, "did:other")];
    expect([opens(table, one, 501), opens(table, other, 525)]).toEqual([true, true]);
    return { table, one, other };
  };

  test("all sessions together keep at most 65 536; the one that goes on skipping gives up its own oldest, and no other loses any", () => {
    const { table, one, other } = fullTable();
    expect([table.skippedSecrets, limits.skippedSecretsPerNodeMax]).toEqual([65_536, 65_536]);
    expect(opens(table, one, 503)).toBe(true);
    expect([table.skippedSecrets, one.skippedSecrets, other.skippedSecrets]).toEqual([65_536, 500, 524]);
    expect([1, 2, 502].map((sequenceNum) => opens(table, one, sequenceNum))).toEqual([false, true, true]);
    expect([1, 2].map((sequenceNum) => opens(table, other, sequenceNum))).toEqual([true, true]);
    expect(table.skippedSecrets).toBe(65_532);

    // Four places are free: a newcomer that skips nine keeps its newest four, and the next one none, but both may go on.
    const [late, later] = [member(table, "did:late"), member(table, "did:later")];
    expect([opens(table, late, 10), opens(table, later, 10)]).toEqual([true, true]);
    expect([table.skippedSecrets, late.skippedSecrets, later.skippedSecrets]).toEqual([65_536, 4, 0]);
    expect([5, 6, 9].map((sequenceNum) => opens(table, late, sequenceNum))).toEqual([false, true, true]);
    expect([9, 11].map((sequenceNum) => opens(table, later, sequenceNum))).toEqual([false, true]);

    // What ends makes room: of the next 999 that it skips it keeps as many as the ended one kept, and two more.
    table.drop(other);
    expect(opens(table, later, 1011)).toBe(true);
    expect([table.skippedSecrets, later.skippedSecrets]).toEqual([65_536, 524]);
    table.sweep(limits.skippedSecretMsMax + 1);
    expect(table.skippedSecrets).toBe(0);
  });

  test("the count follows what is used, dropped, swept and refused", () => {
    const table = new SessionTable();
    const [one, other] = [member(table, "did:one"), member(table, "did:other")];
    expect([opens(table, one, 10), opens(table, other, 5)]).toEqual([true, true]);
    expect(table.skippedSecrets).toBe(9 + 4);
    expect([opens(table, one, 3), opens(table, one, 3)]).toEqual([true, false]);
    expect(table.skippedSecrets).toBe(8 + 4);
    const forged = { ...(envelopes[19] as Envelope), nonce: new Uint8Array(32).fill(1) };
    expect(table.open(pureCrypto, one, peerKey, forged, momentAt(0)).kind).toBe("refused");
    expect(table.skippedSecrets).toBe(8 + 4);
    table.drop(other);
    table.drop(other);
    expect(table.skippedSecrets).toBe(8);
    expect(opens(table, one, 12, 60_000)).toBe(true);
    table.sweep(limits.skippedSecretMsMax + 1);
    expect(table.skippedSecrets).toBe(1);
    table.clear();
    expect(table.skippedSecrets).toBe(0);
  });
});

describe("between two peers", () => {
  const pair = async (world: World) => {
    const clock = new ManualClock();
    const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock })];
    await world.introduce(desk, lap);
    return { clock, desk, lap };
  };
  const say = async (from: Resident, to: Resident): Promise<void> => {
    expect((await from.peer.send(to.name, "message", { text: `from ${from.name}` })).stage).toBe("stored");
  };
  /** The session that a peer sends in now. */
  const sendingIn = async (world: World, from: Resident, to: Resident): Promise<string | undefined> => {
    const seen = new Set(world.envelopes(from.name, to.name, "ping").map(({ nonce }) => encodeHex(nonce)));
    await from.peer.ping(to.name);
    return world.envelopes(from.name, to.name, "ping").find(({ nonce }) => !seen.has(encodeHex(nonce)))?.sessionId;
  };

  test("after an hour a new session takes over, and both directions go on in it [LIFE-1]", async () => {
    await using world = new World();
    const { clock, desk, lap } = await pair(world);
    await say(lap, desk);
    const first = await sendingIn(world, lap, desk);
    for (let quarter = 0; quarter < 5; quarter += 1) {
      clock.stall(13 * 60_000);
      await say(desk, lap);
      await say(lap, desk);
    }
    const second = await sendingIn(world, lap, desk);
    expect(second).not.toBe(first);
    expect(await sendingIn(world, desk, lap)).toBe(second);
    expect(world.passages.filter(({ envelope }) => envelope?.msgType === "handshake")).toHaveLength(2);
    expect(await desk.peer.inbox({ limit: 100 })).toHaveLength(6);
    expect(await lap.peer.inbox({ limit: 100 })).toHaveLength(5);
  });

  test("after 15 silent minutes whoever sends makes a new session first [LIFE-2]", async () => {
    await using world = new World();
    const { clock, desk, lap } = await pair(world);
    await say(lap, desk);
    clock.stall(limits.sessionIdleMsMax);
    await say(desk, lap);
    expect(world.framesTo("lap", "handshake")).toHaveLength(1);
    expect(desk.peer.stats()).not.toHaveProperty("refused.SESSION_EXPIRED");
  });

  /** Everything that a message or a handshake was refused for. */
  const refusalsOf = (...residents: readonly Resident[]): readonly string[] =>
    residents.flatMap(({ peer }) => Object.keys(peer.stats()).filter((name) => name.startsWith("refused.")));

  test.each([-10 * limits.sessionMsMax, -limits.sessionIdleMsMax, limits.sessionIdleMsMax, 10 * limits.sessionMsMax])(
    "clocks that are set by %d ms, both alike, end no session and begin none [LIFE-6]",
    async (setByMs) => {
      await using world = new World();
      const { clock, desk, lap } = await pair(world);
      await say(lap, desk);
      clock.set(clock.now() + setByMs);
      await clock.pass(limits.heartbeatIntervalMs);
      await say(lap, desk);
      await say(desk, lap);
      expect(lap.peer.peer("desk")).toMatchObject({ health: "connected", heardAt: clock.now() });
      expect(world.passages.filter(({ envelope }) => envelope?.msgType === "handshake")).toHaveLength(1);
      expect(refusalsOf(desk, lap)).toEqual([]);
    },
  );

  test("a clock that is set back keeps no session alive: each side sees it idle after 15 minutes [LIFE-6] [LIFE-2]", async () => {
    await using world = new World();
    const { clock, desk, lap } = await pair(world);
    await say(lap, desk);
    const health = () => [lap.peer.peer("desk").health, desk.peer.peer("lap").health];
    clock.stall(limits.sessionIdleMsMax - 1);
    clock.set(clock.now() - limits.sessionMsMax);
    expect(health()).toEqual(["silent", "silent"]);
    clock.stall(1);
    expect(health()).toEqual(["idle", "idle"]);
    await say(lap, desk);
    expect(refusalsOf(desk, lap)).toEqual([]);
  });

  test.each(["lap", "desk"] as const)(
    "nor does it put off a new session: an hour after lap began one, %s begins the next [LIFE-6] [LIFE-1]",
    async (next) => {
      await using world = new World();
      const { clock, desk, lap } = await pair(world);
      await say(lap, desk);
      const first = await sendingIn(world, lap, desk);
      const [from, to] = next === "lap" ? ([lap, desk] as const) : ([desk, lap] as const);
      for (let part = 0; part < 5; part += 1) {
        clock.stall(limits.rolloverAfterMs / 5 - 1);
        clock.set(clock.now() - limits.rolloverAfterMs);
        expect(await sendingIn(world, from, to)).toBe(first);
      }
      clock.stall(5);
      expect(await sendingIn(world, from, to)).not.toBe(first);
      expect(refusalsOf(desk, lap)).toEqual([]);
    },
  );

  /** Two peers with a clock each; desk's is behind by as much as told. */
  const pairWithOwnClocks = async (world: World, deskBehindMs: number) => {
    const clocks = { desk: new ManualClock(), lap: new ManualClock() };
    clocks.desk.set(clocks.lap.now() - deskBehindMs);
    const [desk, lap] = [await world.peer("desk", { clock: clocks.desk }), await world.peer("lap", { clock: clocks.lap })];
    await world.introduce(desk, lap);
    await say(lap, desk);
    return { clocks, desk, lap };
  };

  test.each(["lap", "desk"] as const)(
    "one side's clock jumps by 400 s: %s's next message is refused, a handshake measures anew, and it arrives [LIFE-6] [MSG-9] [HS-13]",
    async (sender) => {
      await using world = new World();
      const { clocks, desk, lap } = await pairWithOwnClocks(world, 200_000);
      clocks.desk.set(clocks.desk.now() + 400_000);
      const [from, to] = sender === "lap" ? ([lap, desk] as const) : ([desk, lap] as const);
      await say(from, to);
      await say(to, from);
      expect(to.peer.stats()).toMatchObject({ "refused.CLOCK_SKEW": 1, "session.established": 2 });
      expect(world.passages.filter(({ envelope }) => envelope?.msgType === "handshake")).toHaveLength(2);
    },
  );

  test("a clock that jumps too far for a handshake is named, and once it is right again everything goes on [LIFE-6]", async () => {
    await using world = new World();
    const { clocks, desk, lap } = await pairWithOwnClocks(world, 0);
    clocks.desk.set(clocks.desk.now() + 3_600_000);
    for (const [from, to] of [
      [lap, desk],
      [desk, lap],
    ] as const) {
      const asking = failureOf(from.peer.ping(to.name));
      expect(await from.peer.send(to.name, "message", { text: "too early" })).toMatchObject({
        stage: "queued",
        problem: expect.stringContaining("more than 300 s apart"),
      });
      expect(await asking).toMatchObject({ code: "CLOCK_SKEW" });
    }
    clocks.desk.set(clocks.desk.now() - 3_600_000);
    const both = [
      lap.peer.send("desk", "message", { text: "1" }, { until: "stored", timeoutMs: 2 * limits.retryMsMax }),
      desk.peer.send("lap", "message", { text: "2" }, { until: "stored", timeoutMs: 2 * limits.retryMsMax }),
    ];
    for (const clock of Object.values(clocks)) await clock.pass(limits.retryMsMax);
    for (const sending of both) expect((await sending).stage).toBe("stored");
    expect((await desk.peer.inbox({ limit: 10 })).map(({ body }) => body)).toEqual(
      ["from lap", "too early", "1"].map((text) => JSON.stringify({ text })),
    );
  });

  /** Holds frames of one type to one peer until told. */
  const gates = (world: World, phase: "before" | "after", msgType: string) => {
    const open = { desk: Promise.withResolvers<void>(), lap: Promise.withResolvers<void>() };
    const reached = { desk: Promise.withResolvers<void>(), lap: Promise.withResolvers<void>() };
    const hold = async (to: string, frame: Uint8Array): Promise<undefined> => {
      if (!new TextDecoder().decode(frame).includes(`"msg_type":"${msgType}"`)) return undefined;
      const name = to.includes("desk") ? "desk" : "lap";
      reached[name].resolve();
      await open[name].promise;
      return undefined;
    };
    world.weather[phase] = hold;
    return { open, reached };
  };

  test("two handshakes that cross end in one session for both sides, and nothing is lost [LIFE-3]", async () => {
    for (let round = 0; round < 4; round += 1) {
      await using world = new World();
      const { desk, lap } = await pair(world);
      const before = gates(world, "before", "handshake");
      const after = gates(world, "after", "handshake");
      const both = Promise.all([say(lap, desk), say(desk, lap)]);
      await Promise.all([before.reached.desk.promise, before.reached.lap.promise]);
      before.open.desk.resolve();
      before.open.lap.resolve();
      await Promise.all([after.reached.desk.promise, after.reached.lap.promise]);
      // Either answer may come first.
      const [first, last] = round % 2 === 0 ? (["desk", "lap"] as const) : (["lap", "desk"] as const);
      after.open[first].resolve();
      await settle();
      after.open[last].resolve();
      await both;
      // What waited may have gone along with the first of the two; the other is completed as well.
      for (const { peer } of [desk, lap]) await expect.poll(() => peer.sizes()["sessions"]?.held).toBe(2);
      const offered = world.passages.flatMap(({ envelope }) => (envelope?.msgType === "handshake" ? [envelope.sessionId] : []));
      expect(offered).toHaveLength(2);
      expect(await sendingIn(world, lap, desk)).toBe(offered.toSorted()[0]);
      expect(await sendingIn(world, desk, lap)).toBe(offered.toSorted()[0]);
      await say(lap, desk);
      await say(desk, lap);
      expect(await desk.peer.inbox({ limit: 10 })).toHaveLength(2);
      expect(await lap.peer.inbox({ limit: 10 })).toHaveLength(2);
      expect(world.passages.filter(({ envelope }) => envelope?.msgType === "handshake")).toHaveLength(2);
    }
  });

  test("where only one side's offer was unanswered, nothing is lost either, now and later [LIFE-3]", async () => {
    for (let round = 0; round < 3; round += 1) {
      await using world = new World();
      const { clock, desk, lap } = await pair(world);
      const { open, reached } = gates(world, "before", "handshake");
      const late = say(lap, desk);
      await reached.desk.promise;
      open.lap.resolve();
      await say(desk, lap);
      open.desk.resolve();
      await late;
      for (let minute = 0; minute < 3; minute += 1) {
        await clock.pass(60_000);
        await say(lap, desk);
        await say(desk, lap);
      }
      expect(world.passages.filter(({ envelope }) => envelope?.msgType === "handshake")).toHaveLength(2);
      expect([desk, lap].map(({ peer }) => Object.keys(peer.stats()).filter((name) => name.startsWith("refused.")))).toEqual([[], []]);
    }
  });

  test("one after the other: the later session sends on both sides, and the older one still receives [LIFE-3]", async () => {
    await using world = new World();
    const { clock, desk, lap } = await pair(world);
    await say(lap, desk);
    const [older] = world.framesTo("desk", "message");
    const fresh = await world.restart(lap);
    await say(fresh, desk);
    const later = await sendingIn(world, fresh, desk);
    expect(await sendingIn(world, desk, fresh)).toBe(later);
    expect(later).not.toBe(older?.envelope?.sessionId);
    // What was on its way in the older session is still opened: a copy of it is known as a copy.
    expect(await desk.poke(older?.frame ?? new Uint8Array(1))).toEqual({ kind: "received", replies: [], more: false });
    await clock.pass(limits.retiredSessionMsMax + limits.heartbeatIntervalMs);
    expect(await desk.poke(older?.frame ?? new Uint8Array(1))).toEqual({ kind: "refused", code: "REJECTED" });
  });
});
