import { type Bytes, type Envelope, encodeEnvelope, encodeHex, encodeUtf8, HikyakuError, limits, pureCrypto } from "@hikyaku/protocol";
import {
  countingCrypto,
  ManualClock,
  Puppet,
  type PuppetSession,
  PuppetStream,
  type Resident,
  rememberingCrypto,
  risen,
  World,
} from "@hikyaku/testkit";
import { describe, expect, test, vi } from "vitest";

const rejected = { kind: "refused", code: "REJECTED" } as const;
const received = { kind: "received", replies: [], more: false } as const;

interface Meeting extends AsyncDisposable {
  readonly world: World;
  readonly clock: ManualClock;
  readonly desk: Resident;
  readonly puppet: Puppet;
  readonly session: PuppetSession;
}

/** A desk that trusts a puppet with messages, and their session. */
async function meet(world: World = new World()): Promise<Meeting> {
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock });
  const puppet = new Puppet(99, { now: () => clock.now() });
  await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
  const session = await puppet.connect(desk);
  return { world, clock, desk, puppet, session, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

let asked = 0;
async function expectWorking(session: PuppetSession): Promise<void> {
  asked += 1;
  expect((await session.send("ping", { n: asked })).replies).toEqual([{ type: "pong", body: { n: asked } }]);
}

const idOf = (index: number): string => `019c0000-0000-7000-8000-${String(index).padStart(12, "0")}`;
const letter = (index: number, text = "hello") => ({ id: idOf(index), sent_at: 1, text });
const flipped = (bytes: Bytes, at = 0): Bytes => bytes.with(at, (bytes[at] ?? 0) ^ 1);

/** "Quiet": this answer, this counter and nothing else; and genuine messages before and after work. */
async function expectQuiet({ desk, session }: Meeting, frame: Bytes, answer: object, counter: string): Promise<void> {
  await expectWorking(session);
  const before = { peers: desk.peer.peers(), inbox: await desk.peer.inbox({ limit: 100 }) };
  const rises = await risen(desk.peer, async () => expect(await desk.poke(frame)).toEqual(answer));
  expect(rises).toEqual({ [counter]: 1 });
  expect({ peers: desk.peer.peers(), inbox: await desk.peer.inbox({ limit: 100 }) }).toEqual(before);
  await expectWorking(session);
}

describe("every check of a message, from version to signature, gives the same answer and changes nothing [ERR-4] [ORD-2]", () => {
  test.each<[string, string, (meeting: Meeting, genuine: Envelope) => Bytes]>([
    ["another recipient", "UNKNOWN_RECIPIENT", ({ puppet }, genuine) => puppet.resign(genuine, { recipientId: puppet.did })],
    ["our own name as the sender", "REFLECTED", ({ desk, puppet }, genuine) => puppet.resign(genuine, { senderId: desk.peer.did })],
    [
      "an unknown session",
      "NO_SESSION",
      ({ puppet }, genuine) => puppet.resign(genuine, { sessionId: "11111111-1111-4111-8111-111111111111" }),
    ],
    [
      "another sender in a session that exists",
      "NO_SESSION",
      (_, genuine) => new Puppet(98).resign(genuine, { senderId: new Puppet(98).did }),
    ],
    ["another version", "INVALID_VERSION", ({ puppet }, genuine) => puppet.resign(genuine, { version: "1.1" })],
    [
      "an open payload",
      "ENCRYPTION_REQUIRED",
      ({ puppet }, genuine) => puppet.resign(genuine, { payload: { encrypted: false, data: encodeUtf8("{}") } }),
    ],
    ["a time too late", "CLOCK_SKEW", ({ puppet }, genuine) => puppet.resign(genuine, { timestamp: genuine.timestamp + 300_001 })],
    ["a time too early", "CLOCK_SKEW", ({ puppet }, genuine) => puppet.resign(genuine, { timestamp: genuine.timestamp - 300_001 })],
    [
      "a number too far ahead",
      "SEQUENCE_ERROR",
      ({ puppet }, genuine) => puppet.resign(genuine, { sequenceNum: genuine.sequenceNum + 2000 }),
    ],
    ["the largest number", "SEQUENCE_ERROR", ({ puppet }, genuine) => puppet.resign(genuine, { sequenceNum: Number.MAX_SAFE_INTEGER })],
    [
      "a changed ciphertext",
      "DECRYPTION_FAILED",
      ({ puppet }, genuine) => puppet.resign(genuine, { payload: { encrypted: true, data: flipped(genuine.payload.data) } }),
    ],
    [
      "a tag cut off",
      "DECRYPTION_FAILED",
      ({ puppet }, genuine) => puppet.resign(genuine, { payload: { encrypted: true, data: genuine.payload.data.slice(0, -12) } }),
    ],
    [
      "no ciphertext at all",
      "DECRYPTION_FAILED",
      ({ puppet }, genuine) => puppet.resign(genuine, { payload: { encrypted: true, data: new Uint8Array(0) } }),
    ],
    ["another type", "DECRYPTION_FAILED", ({ puppet }, genuine) => puppet.resign(genuine, { msgType: "ping" })],
    ["another nonce", "DECRYPTION_FAILED", ({ puppet }, genuine) => puppet.resign(genuine, { nonce: flipped(genuine.nonce) })],
    ["another number", "DECRYPTION_FAILED", ({ puppet }, genuine) => puppet.resign(genuine, { sequenceNum: genuine.sequenceNum + 2 })],
    ["a changed signature", "INVALID_SIGNATURE", (_, genuine) => encodeEnvelope({ ...genuine, signature: flipped(genuine.signature) })],
    ["another's signature", "INVALID_SIGNATURE", (_, genuine) => new Puppet(98).resign(genuine, {})],
    [
      "a far number under a bad signature",
      "INVALID_SIGNATURE",
      (_, genuine) => encodeEnvelope({ ...genuine, sequenceNum: genuine.sequenceNum + 100 }),
    ],
    [
      "a handshake type that there is not",
      "UNSUPPORTED_TYPE",
      ({ puppet }, genuine) => puppet.resign(genuine, { msgType: "handshake_now" }),
    ],
  ])("%s is REJECTED", async (_, counted, forge) => {
    await using meeting = await meet();
    const genuine = meeting.session.seal("message", letter(1));
    await expectQuiet(meeting, forge(meeting, genuine), rejected, `refused.${counted}`);
    const { replies } = await meeting.session.deliver(encodeEnvelope(genuine));
    expect(replies).toEqual([{ type: "receipt", body: { ids: [idOf(1)], stage: "stored" } }]);
    expect(await meeting.desk.peer.inbox({ limit: 10 })).toHaveLength(1);
  });

  test("junk in a session is no sign of life: it does not keep the session, or the peer in good health", async () => {
    await using meeting = await meet();
    const { clock, desk, session } = meeting;
    const heard = desk.peer.peer("puppet").heardAt;
    await clock.pass(1);
    const genuine = session.seal("message", letter(1));
    expect(await desk.poke(encodeEnvelope({ ...genuine, signature: flipped(genuine.signature) }))).toEqual(rejected);
    expect(desk.peer.peer("puppet").heardAt).toBe(heard);
    await desk.poke(encodeEnvelope(genuine));
    expect(desk.peer.peer("puppet").heardAt).toBe(clock.now());
  });

  test("a session that was idle for 15 minutes is answered as one that never was [LIFE-2]", async () => {
    await using meeting = await meet();
    const { clock, desk, session } = meeting;
    await expectWorking(session);
    const late = encodeEnvelope(session.seal("ping", { n: 1 }, clock.now() + limits.sessionIdleMsMax));
    clock.stall(limits.sessionIdleMsMax);
    expect(await risen(desk.peer, async () => expect(await desk.poke(late)).toEqual(rejected))).toEqual({ "refused.SESSION_EXPIRED": 1 });
  });
});

describe("what is not an envelope, or too large, is named so to anybody", () => {
  test.each<[string, Bytes]>([
    ["nothing", new Uint8Array(0)],
    ["no UTF-8", Uint8Array.of(0xff, 0xfe)],
    ["an empty object", encodeUtf8("{}")],
    ["a deep object", encodeUtf8('{"a":'.repeat(1000) + "1" + "}".repeat(1000))],
  ])("%s is MALFORMED_MESSAGE", async (_, frame) => {
    await using meeting = await meet();
    await expectQuiet(meeting, frame, { kind: "refused", code: "MALFORMED_MESSAGE" }, "refused.MALFORMED_MESSAGE");
  });

  test("a genuine envelope with a space after it is MALFORMED_MESSAGE", async () => {
    await using meeting = await meet();
    const genuine = encodeEnvelope(meeting.session.seal("ping", { n: 0 }));
    const frame = Uint8Array.of(...genuine, 0x20);
    await expectQuiet(meeting, frame, { kind: "refused", code: "MALFORMED_MESSAGE" }, "refused.MALFORMED_MESSAGE");
  });

  test("more than 256 KiB, or a handshake of more than 12 KiB, is MESSAGE_TOO_LARGE", async () => {
    await using meeting = await meet();
    const tooLarge = { kind: "refused", code: "MESSAGE_TOO_LARGE" };
    await expectQuiet(meeting, new Uint8Array(limits.envelopeBytesMax + 1), tooLarge, "refused.MESSAGE_TOO_LARGE");
    const { m1 } = meeting.puppet.offer(meeting.desk.peer.did);
    const padded = meeting.puppet.resign(m1, { payload: { encrypted: false, data: new Uint8Array(limits.handshakeEnvelopeBytesMax) } });
    await expectQuiet(meeting, padded, tooLarge, "refused.MESSAGE_TOO_LARGE");
  });
});

describe("cheapest first: junk costs no cryptography [ORD-1]", () => {
  const arrange = async () => {
    const { crypto, take } = countingCrypto(rememberingCrypto(pureCrypto));
    const meeting = await meet(new World(crypto));
    const cost = async (frame: Bytes) => {
      take();
      await meeting.desk.poke(frame);
      return take();
    };
    return { ...meeting, cost };
  };

  test("form, recipient, session, time and window are judged without one call", async () => {
    await using meeting = await arrange();
    const { cost, puppet, session } = meeting;
    const genuine = session.seal("message", letter(1));
    for (const frame of [
      encodeUtf8("{}"),
      new Uint8Array(limits.envelopeBytesMax + 1),
      puppet.resign(genuine, { recipientId: puppet.did }),
      puppet.resign(genuine, { senderId: meeting.desk.peer.did }),
      puppet.resign(genuine, { sessionId: "11111111-1111-4111-8111-111111111111" }),
      puppet.resign(genuine, { senderId: new Puppet(98).did }),
      puppet.resign(genuine, { version: "1.0" }),
      puppet.resign(genuine, { payload: { encrypted: false, data: genuine.payload.data } }),
      puppet.resign(genuine, { timestamp: 0 }),
      puppet.resign(genuine, { sequenceNum: 5000 }),
      puppet.resign(genuine, { msgType: "handshake_ack" }),
      puppet.resign(genuine, { msgType: "handshake_confirm", sessionId: "11111111-1111-4111-8111-111111111111" }),
      puppet.resign(genuine, { msgType: "handshake_now" }),
    ])
      expect(await cost(frame)).toEqual({});
  });

  test("a broken seal costs no signature check; a far jump costs one and derives nothing [MSG-7]", async () => {
    await using meeting = await arrange();
    const { cost, puppet, session } = meeting;
    const genuine = session.seal("message", letter(1));
    const broken = await cost(puppet.resign(genuine, { payload: { encrypted: true, data: flipped(genuine.payload.data) } }));
    expect(broken).toMatchObject({ open: 1 });
    expect(broken["verify"]).toBeUndefined();
    const far = await cost(encodeEnvelope({ ...genuine, sequenceNum: genuine.sequenceNum + 100 }));
    expect(far).toEqual({ sha256: 1, verify: 1 });
  });

  test("an offer whose signature is bad makes no keys", async () => {
    await using meeting = await arrange();
    const { m1 } = new Puppet(97, { now: () => meeting.clock.now() }).offer(meeting.desk.peer.did);
    expect(await meeting.cost(encodeEnvelope({ ...m1, signature: flipped(m1.signature) }))).toEqual({ verifyingKey: 1, verify: 1 });
  });

  test("an offer of a verified stranger makes no keys either", async () => {
    await using meeting = await arrange();
    const { m1 } = new Puppet(97, { now: () => meeting.clock.now() }).offer(meeting.desk.peer.did);
    expect(await meeting.cost(encodeEnvelope(m1))).toEqual({ verifyingKey: 1, verify: 1 });
  });
});

describe("copies [MSG-5] [HTTP-7]", () => {
  test("a copied envelope is taken like the first, with nothing in return, and delivered once", async () => {
    await using meeting = await meet();
    const frame = encodeEnvelope(meeting.session.seal("message", letter(1)));
    expect((await meeting.session.deliver(frame)).replies).toHaveLength(1);
    for (let copy = 0; copy < 3; copy += 1) await expectQuiet(meeting, frame, received, "refused.REPLAY_DETECTED");
    expect(await meeting.desk.peer.inbox({ limit: 10 })).toHaveLength(1);
  });

  test("junk under a used number is answered as if there were no session", async () => {
    await using meeting = await meet();
    const genuine = meeting.session.seal("message", letter(1));
    await meeting.session.deliver(encodeEnvelope(genuine));
    const junk = encodeEnvelope({ ...genuine, signature: flipped(genuine.signature) });
    await expectQuiet(meeting, junk, rejected, "refused.INVALID_SIGNATURE");
    const elsewhere = meeting.puppet.resign(genuine, { sessionId: "11111111-1111-4111-8111-111111111111" });
    expect(await meeting.desk.poke(junk)).toEqual(await meeting.desk.poke(elsewhere));
  });

  test("whoever plays recorded frames again fetches nothing of what waits for their sender", async () => {
    await using meeting = await meet();
    const { desk, session } = meeting;
    const ping = encodeEnvelope(session.seal("ping", { n: 0 }));
    await session.deliver(ping);
    const { id, stage } = await desk.peer.send("puppet", "message", { text: "for the puppet" });
    expect(stage).toBe("queued");
    expect(await desk.poke(ping)).toEqual(received);
    expect(await desk.poke(session.frames.m3)).toEqual({ kind: "received", replies: [session.frames.ready], more: false });
    const { replies } = await session.send("heartbeat", { seq: 1 });
    expect(replies).toMatchObject([{ type: "message", body: { text: "for the puppet" } }]);
    // What went along counts as arrived once the puppet says so, and not before.
    expect(await desk.peer.explain(id)).toMatchObject({ stage: "queued" });
    await session.send("receipt", { ids: [id], stage: "stored" });
    expect(await desk.peer.explain(id)).toMatchObject({ stage: "stored" });
  });

  test("messages may overtake each other within the window, each is taken once", async () => {
    await using meeting = await meet();
    const frames = Array.from({ length: 5 }, (_, index) => encodeEnvelope(meeting.session.seal("message", letter(index))));
    for (const frame of [...frames.toReversed(), ...frames]) await meeting.desk.poke(frame);
    expect(await meeting.desk.peer.inbox({ limit: 10 })).toHaveLength(5);
    expect(meeting.desk.peer.stats()).toMatchObject({ "refused.REPLAY_DETECTED": 5, "received.message": 5 });
    await expectWorking(meeting.session);
  });
});

describe("after the signature: sealed errors, and what they say", () => {
  const refusal = async ({ desk, session }: Meeting, type: string, body: unknown) => {
    const envelope = session.seal(type, body);
    let replies: readonly unknown[] = [];
    const rises = await risen(desk.peer, async () => {
      ({ replies } = await session.deliver(encodeEnvelope(envelope)));
    });
    return { replies, rises, ref: encodeHex(envelope.nonce) };
  };

  test.each(["task_delegate", "wake_up", "chunk", "prekeys", "bundle", "frobnicate", "constructor"])(
    "the type %s, not allowed or not existing, is the same UNAUTHORIZED [ERR-5]",
    async (type) => {
      await using meeting = await meet();
      const { replies, rises, ref } = await refusal(meeting, type, letter(1));
      expect(replies).toEqual([{ type: "error", body: { code: "UNAUTHORIZED", ref } }]);
      expect(rises).toEqual({ "refused.UNAUTHORIZED": 1 });
      await expectWorking(meeting.session);
    },
  );

  test("an allowed type that nothing here answers is UNSUPPORTED_TYPE", async () => {
    await using meeting = await meet();
    await meeting.desk.peer.trust({ peer: "puppet", allow: ["wake_up"] });
    const { replies, rises, ref } = await refusal(meeting, "wake_up", letter(1));
    expect(replies).toEqual([{ type: "error", body: { code: "UNSUPPORTED_TYPE", ref } }]);
    expect(rises).toEqual({ "refused.UNSUPPORTED_TYPE": 1 });
  });

  test.each<[string, unknown]>([
    ["no JSON", encodeUtf8("{")],
    ["no fields", {}],
    ["no id", { text: "hello", sent_at: 1 }],
    ["both text and json", { ...letter(1), json: 1 }],
    ["a text too long", letter(1, "x".repeat(limits.textLengthMax + 1))],
  ])("a message with %s is INVALID_PAYLOAD, and nothing is stored", async (_, body) => {
    await using meeting = await meet();
    const { replies, rises, ref } = await refusal(meeting, "message", body);
    expect(replies).toEqual([{ type: "error", body: { code: "INVALID_PAYLOAD", ref } }]);
    expect(rises).toEqual({ "refused.INVALID_PAYLOAD": 1 });
    expect(await meeting.desk.peer.inbox({ limit: 10 })).toEqual([]);
    await expectWorking(meeting.session);
  });

  test("an expired message is refused by receipt and not stored", async () => {
    await using meeting = await meet();
    const { replies, rises } = await refusal(meeting, "message", { ...letter(1), exp: meeting.clock.now() - 1 });
    expect(replies).toEqual([{ type: "receipt", body: { ids: [idOf(1)], stage: "refused", reason: "MESSAGE_EXPIRED" } }]);
    expect(rises).toMatchObject({ "refused.MESSAGE_EXPIRED": 1 });
    expect(await meeting.desk.peer.inbox({ limit: 10 })).toEqual([]);
  });

  test("an error is never answered by an error, whatever it holds [ERR-6]", async () => {
    await using meeting = await meet();
    for (const body of [{}, encodeUtf8("{"), { code: "NEVER_HEARD", ref: "0".repeat(64) }, { code: "REJECTED", ref: "short" }]) {
      const { reception } = await meeting.session.send("error", body);
      expect(reception).toEqual(received);
    }
    expect(meeting.desk.peer.stats()).toMatchObject({ "refused.INVALID_PAYLOAD": 3, "received.error": 1 });
    await expectWorking(meeting.session);
  });

  test("a body cannot raise a right, or speak for another [TRUST-4]", async () => {
    await using meeting = await meet();
    const { desk, puppet, session } = meeting;
    const seen: unknown[] = [];
    desk.peer.on("message", ({ from, body }) => void seen.push({ from, body }));
    const claims = { from: desk.peer.did, sender_id: desk.peer.did, trust: "admin", level: "admin", scopes: ["wake_up"] };
    await session.send("message", { ...letter(1), ...claims });
    await session.send("status_report", { ...letter(2), text: undefined, ...claims });
    expect(seen).toEqual([{ from: { did: puppet.did, name: "puppet", trust: "trusted" }, body: { text: "hello" } }]);
    expect(desk.peer.peer("puppet")).toMatchObject({ level: "trusted", scopes: ["message"] });
    expect((await session.send("wake_up", { ...letter(3), ...claims })).replies).toMatchObject([{ body: { code: "UNAUTHORIZED" } }]);
  });

  test("a session that its peer closed is gone, and only its own peer can close it", async () => {
    await using meeting = await meet();
    const { desk, puppet, session } = meeting;
    const other = await puppet.connect(desk);
    expect((await other.send("session_close", {})).reception).toEqual(received);
    expect((await other.send("ping", { n: 1 })).reception).toEqual(rejected);
    // The other session is open still; it only receives, so that the answer waits for the next one that sends.
    expect((await session.send("ping", { n: 2 })).reception).toEqual(received);
    expect((await puppet.connect(desk)).greeting).toEqual([{ type: "pong", body: { n: 2 } }]);
  });
});

describe("storage that fails [BOX-1]", () => {
  test("a full disk tells the sender to come again, whichever way the message came, and stores nothing", async () => {
    await using world = new World();
    const puppet = new Puppet(99);
    const full = async (name: string, speaksStreams: boolean): Promise<Resident> => {
      const resident = await world.peer(name, { speaksStreams });
      await resident.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
      resident.needs.inbox.append = () => Promise.reject(new HikyakuError("STORAGE_FAILED", "The disk is full."));
      return resident;
    };
    const stream = await PuppetStream.connect(puppet, world.network, await full("lap", true));
    await stream.send("message", letter(1));
    await vi.waitFor(() => expect(stream.refusals).toMatchObject([{ code: "OVERLOADED" }]));
    const desk = await full("desk", false);
    const { reception } = await (await puppet.connect(desk)).send("message", letter(1));
    const retryAfterS = limits.storageRetryAfterS;
    expect(reception).toEqual({ kind: "refused", code: "OVERLOADED", retryAfterS, correlationId: expect.stringMatching(/^[0-9a-f]{8}$/) });
    expect(desk.log).toContainEqual(expect.objectContaining({ level: "error", event: "receive.failed" }));
    expect(desk.peer.stats()).toMatchObject({ "refused.OVERLOADED": 1 });
  });

  test("a message that could not be stored by a mistake of ours is an internal error with a name in our log, and not receipted", async () => {
    await using world = new World();
    const desk = await world.peer("desk");
    const puppet = new Puppet(99);
    await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
    const session = await puppet.connect(desk);
    const { inbox } = desk.needs;
    const append = inbox.append.bind(inbox);
    inbox.append = () => Promise.reject(new Error("disk full"));
    const { reception } = await session.send("message", letter(1));
    expect(reception).toEqual({ kind: "refused", code: "INTERNAL_ERROR", correlationId: expect.stringMatching(/^[0-9a-f]{8}$/) });
    const { correlationId } = reception as { correlationId: string };
    expect(desk.log).toContainEqual({
      level: "error",
      event: "receive.failed",
      fields: { correlationId, reason: expect.stringMatching(/^Error at /) },
    });
    expect(desk.peer.stats()).toMatchObject({ "refused.INTERNAL_ERROR": 1 });
    inbox.append = append;
    expect((await session.send("message", letter(1))).replies).toEqual([{ type: "receipt", body: { ids: [idOf(1)], stage: "stored" } }]);
  });

  test("the answer waits until the message is durable", async () => {
    await using world = new World();
    const desk = await world.peer("desk");
    const puppet = new Puppet(99);
    await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
    const session = await puppet.connect(desk);
    const { inbox } = desk.needs;
    const append = inbox.append.bind(inbox);
    const disk = Promise.withResolvers<void>();
    inbox.append = async (message) => {
      await disk.promise;
      return await append(message);
    };
    let isAnswered = false;
    const answer = session.send("message", letter(1)).finally(() => {
      isAnswered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isAnswered).toBe(false);
    disk.resolve();
    expect((await answer).replies).toHaveLength(1);
  });
});
