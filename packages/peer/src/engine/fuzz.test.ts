/** A whole peer against mutated frames: from a stranger on the wire, from a stranger who signs what it says, and from a friend with a session. */
import { type Bytes, decodeEnvelope, type Envelope, encodeEnvelope, encodeUtf8, messageTypeNames } from "@hikyaku/protocol";
import { fuzzSeed, ManualClock, mutated, Puppet, type Resident, readHostileTexts, World } from "@hikyaku/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Reception } from "../ports/link.ts";

const objectKeys = Reflect.ownKeys(Object.prototype).length;
const bytesFrom = (frame: Bytes): string => Buffer.from(frame).toString("base64");

/** A call of our own may wait for its turn on a machine that does other things, so the slowest is held to a second and not to 50 ms. */
const frameMsMax = 1000;

interface Fuzzed {
  readonly slowestMs: number;
  readonly codes: ReadonlySet<string>;
}

/** Pokes mutated frames, each from a host of its own so that none is turned away for its number, and judges every answer. */
async function pokeAll(
  desk: Resident,
  frames: fc.Arbitrary<Bytes>,
  { runs, known }: { runs: number; known: readonly Bytes[] },
): Promise<Fuzzed> {
  const sent = new Set(known.map(bytesFrom));
  const codes = new Set<string>();
  let slowestMs = 0;
  let host = 0;
  const judge = async (frame: Bytes): Promise<void> => {
    host += 1;
    const beganAt = performance.now();
    const reception = await desk.poke(frame, `host-${host}`);
    slowestMs = Math.max(slowestMs, performance.now() - beganAt);
    codes.add(codeOf(reception));
    // A copy of what was really sent may be answered again; nothing else may be taken.
    expect(reception.kind === "refused" || sent.has(bytesFrom(frame))).toBe(true);
    expect(Reflect.ownKeys(Object.prototype)).toHaveLength(objectKeys);
  };
  await fc.assert(fc.asyncProperty(frames, judge), { numRuns: runs, seed: fuzzSeed });
  expect(slowestMs).toBeLessThan(frameMsMax);
  return { slowestMs, codes };
}

const codeOf = (reception: Reception): string => (reception.kind === "refused" ? reception.code : "taken");

/** What no frame of a stranger may change. */
const stateOf = async ({ peer }: Resident): Promise<object> => ({
  peers: peer.peers(),
  inbox: await peer.inbox({ limit: 1000 }),
  held: Object.fromEntries(Object.entries(peer.sizes()).map(([name, { held }]) => [name, held])),
});

/** The counts of who asked how often rise with every frame; everything else has to stay. */
const withoutCounts = (state: object): object => {
  const { held, ...rest } = state as { held: Record<string, number> };
  const { limitedPrefixes: _, ...tables } = held;
  return { ...rest, tables };
};

test("mutated frames of a live session are refused with the answers that any stranger gets, nothing is delivered, and the session goes on [ORD-2] [ERR-4] [SIG-1] [SIG-2]", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const lap = await world.peer("lap");
  await world.introduce(desk, lap);
  for (const text of ["one", "two", "three"]) await lap.peer.send("desk", "message", { text });
  await lap.peer.send("desk", "status_report", { state: "idle" });
  await desk.peer.send("lap", "message", { text: "four" });
  const frames = world.passages.flatMap(({ frame, reception }) =>
    reception.kind === "received" ? [frame].concat(reception.replies) : [frame],
  );
  const types = new Set(frames.map((frame) => decodeEnvelope(frame)?.msgType));
  for (const type of ["handshake", "handshake_ack", "handshake_confirm", "message", "receipt", "status_report"])
    expect(types).toContain(type);

  const before = withoutCounts(await stateOf(desk));
  const { codes } = await pokeAll(desk, mutated([...frames, ...readHostileTexts().slice(0, 50)]), { runs: 1000, known: frames });
  const byFields = await pokeAll(desk, withOtherFields(frames), { runs: 400, known: frames });
  const seen = [...codes, ...byFields.codes].filter((code) => code !== "taken");
  const told = ["MALFORMED_MESSAGE", "MESSAGE_TOO_LARGE", "REJECTED", "HANDSHAKE_FAILED", "INVALID_SIGNATURE", "INVALID_VERSION"];
  const allowed = new Set(told);
  expect(seen.filter((code) => !allowed.has(code))).toEqual([]);
  for (const code of ["MALFORMED_MESSAGE", "REJECTED", "HANDSHAKE_FAILED"]) expect(seen).toContain(code);
  expect(withoutCounts(await stateOf(desk))).toEqual(before);

  await lap.peer.send("desk", "message", { text: "five" });
  await desk.peer.send("lap", "message", { text: "six" });
  const textsAt = async ({ peer }: Resident): Promise<unknown[]> =>
    (await peer.inbox({ limit: 100 })).map(({ body }) => (JSON.parse(body) as { text: string }).text);
  expect(await textsAt(desk)).toEqual(["one", "two", "three", "five"]);
  expect(await textsAt(lap)).toEqual(["four", "six"]);
  expect(desk.log.filter(({ level }) => level === "error")).toEqual([]);
});

/** Well-formed envelopes with a value of one in the place of another's: these come past the decoder. */
function withOtherFields(frames: readonly Bytes[]): fc.Arbitrary<Bytes> {
  const envelopes = frames.map((frame) => decodeEnvelope(frame)).filter((envelope) => envelope !== undefined);
  const names = Object.keys(envelopes[0] ?? {}) as (keyof Envelope)[];
  const one = fc.constantFrom(...envelopes);
  const pick = (other: Envelope, fields: readonly (keyof Envelope)[]): Partial<Envelope> =>
    Object.fromEntries(fields.map((field) => [field, other[field]]));
  const payload = ({ encrypted, data }: Envelope["payload"]): fc.Arbitrary<Partial<Envelope>> =>
    mutated([data]).map((changed) => ({ payload: { encrypted, data: changed } }));
  const types = [...messageTypeNames, "constructor", "__proto__", "handshake_", "0"];
  const changes: fc.Arbitrary<Partial<Envelope>> = fc.oneof(
    fc.tuple(one, fc.subarray(names, { minLength: 1 })).map(([other, fields]) => pick(other, fields)),
    one.chain((base) => payload(base.payload)),
    fc.constantFrom(0, 1, 2, 1024, 1025, 2 ** 32, 2 ** 53 - 1).map((sequenceNum) => ({ sequenceNum })),
    fc.constantFrom(...types).map((msgType) => ({ msgType })),
  );
  return fc.tuple(one, changes).map(([base, change]) => encodeEnvelope(Object.assign(structuredClone(base), change)));
}

test("mutated offers under a good signature begin no session, and are no mistake of ours [HS-3] [HS-4] [LIM-1]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock });
  const puppet = new Puppet(99, { now: () => clock.now() });
  await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
  const friend = await puppet.connect(desk);
  const { m1 } = puppet.offer(desk.peer.did);
  const rich = puppet.offer(desk.peer.did, { rolloverOf: friend.id, pairingToken: new Uint8Array(16).fill(7) }).m1;
  const wordsFor = readHostileTexts().slice(0, 20);
  const payloads = mutated([m1.payload.data, m1.payload.data, rich.payload.data, ...wordsFor]);
  // Well-formed offers of every kind, since few mutated ones are.
  const plain = JSON.parse(new TextDecoder().decode(m1.payload.data)) as Readonly<Record<string, unknown>>;
  const otherwise = fc.constantFrom<[string, unknown]>(
    ...["00", "ff"].flatMap((byte): [string, unknown][] => [
      ["challenge", byte.repeat(32)],
      ["pubkey", byte.repeat(32)],
      ["shares", { x25519: byte.repeat(32) }],
      ["pairing", byte.repeat(16)],
    ]),
    ...[["9.9"], ["9.9", "1.2"], ["1.1", "1.0"], ["1.0", "1.1"]].map((versions): [string, unknown] => ["versions", versions]),
    ...[["OTHER"], ["OTHER", "X25519_AES256GCM_SHA256"], []].map((suites): [string, unknown] => ["suites", suites]),
    ["features", ["chunk"]],
    ["rollover_of", friend.id],
    ["rollover_of", m1.sessionId],
  );
  const wellFormed = fc.array(otherwise, { minLength: 1, maxLength: 3 }).map((changes) => {
    const fields = Object.entries(Object.assign({ ...plain }, Object.fromEntries(changes)));
    return encodeUtf8(JSON.stringify(Object.fromEntries(fields.toSorted(([left], [right]) => (left < right ? -1 : 1)))));
  });
  const codes = new Set<string>();
  let runs = 0;
  const judge = async (data: Bytes): Promise<void> => {
    runs += 1;
    // Past the rate of handshakes that a trusted peer may begin, and past the life of those that wait.
    if (runs % 20 === 0) await clock.pass(31_000);
    const { m1: fresh } = puppet.offer(desk.peer.did);
    const frame = puppet.resign(fresh, { payload: { encrypted: false, data } });
    const beganAt = performance.now();
    const reception = await desk.poke(frame, `host-${runs}`);
    expect(performance.now() - beganAt).toBeLessThan(frameMsMax);
    codes.add(codeOf(reception));
  };
  await fc.assert(fc.asyncProperty(fc.oneof(payloads, wellFormed), judge), { numRuns: 120, seed: fuzzSeed, examples: [[m1.payload.data]] });
  expect(
    [...codes].filter((code) => !["taken", "MALFORMED_MESSAGE", "HANDSHAKE_FAILED", "INVALID_VERSION", "OVERLOADED"].includes(code)),
  ).toEqual([]);
  for (const code of ["taken", "MALFORMED_MESSAGE", "HANDSHAKE_FAILED"]) expect(codes).toContain(code);
  expect(desk.peer.stats()["refused.INTERNAL_ERROR"]).toBeUndefined();
  for (const { held, most } of Object.values(desk.peer.sizes())) expect(held).toBeLessThanOrEqual(most);
  expect(desk.log.filter(({ level }) => level === "error")).toEqual([]);
  expect(Reflect.ownKeys(Object.prototype)).toHaveLength(objectKeys);
  const later = await puppet.connect(desk);
  expect((await later.send("ping", { n: 1 })).replies).toEqual([{ type: "pong", body: { n: 1 } }]);
});

test("a friend who sends mutated bodies of every type gets answers of the protocol, and delivers nothing that it did not send [BODY-1] [ERR-5] [ERR-6] [BOX-2]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock });
  const puppet = new Puppet(99, { now: () => clock.now() });
  await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message", "wake_up", "task_delegate"] });
  let session = await puppet.connect(desk);
  const id = "019c0000-0000-7000-8000-000000000001";
  const ref = "ab".repeat(32);
  const own = [
    ["message", { id, sent_at: 1, text: "hello", exp: clock.now() + 3_600_000, reply_to: id, thread: id }],
    ["message", { id: id.replace(/1$/, "2"), sent_at: 1, json: { deep: [1, "é", null] } }],
    ["status_report", { id, sent_at: 1, state: "idle", addresses: ["http://192.0.2.1:7420"] }],
    ["discovery", { addresses: ["http://192.0.2.1:7420", "http://10.0.0.1:1"] }],
    ["receipt", { ids: [id], stage: "refused", reason: "UNAUTHORIZED" }],
    ["error", { code: "RATE_LIMITED", ref, retry_after: 3 }],
    ["capability_query", { n: 1 }],
    ["capability_response", { n: 1, capabilities: [{ name: "sum", version: "1", description: "adds" }], accepts: [], features: ["chunk"] }],
    ["ping", { n: 7 }],
    ["pong", { n: 7 }],
    ["heartbeat", { seq: 7 }],
    ["session_close", { reason: "bye" }],
    ["task_delegate", { id, sent_at: 1, task_id: id, capability: "sum", input: [1] }],
  ] as const;
  const samples = own.map(([type, body]) => [type, encodeUtf8(JSON.stringify(body))] as const);
  const corpus = [...samples.map(([, body]) => body), ...readHostileTexts().slice(0, 20)];
  const strange = fc.constantFrom(
    ...messageTypeNames.filter((type) => !type.startsWith("handshake")),
    "constructor",
    "__proto__",
    "valueof",
  );
  const letters = fc.oneof(
    fc.constantFrom(...samples).chain(([type, body]) => fc.tuple(fc.constant(type), mutated([body]))),
    fc.tuple(strange, mutated(corpus)),
  );
  const answers = new Set<string>();
  const sent = new Set<string>();
  const judge = async ([type, body]: readonly [string, Bytes]): Promise<void> => {
    await clock.pass(1000);
    sent.add(new TextDecoder().decode(body));
    const beganAt = performance.now();
    const { reception, replies } = await session.send(type, body);
    expect(performance.now() - beganAt).toBeLessThan(frameMsMax);
    expect(reception.kind).toBe("received");
    for (const reply of replies) answers.add(reply.type);
    expect(type === "error" ? replies : []).toEqual([]);
    // Only a close that was understood ends the session.
    if (type !== "session_close" || codeOf(await desk.poke(encodeEnvelope(session.seal("heartbeat", { seq: 1 })))) === "taken") return;
    session = await puppet.connect(desk);
  };
  await fc.assert(fc.asyncProperty(letters, judge), { numRuns: 120, seed: fuzzSeed });
  // A heartbeat waits for it as well, since it said where it can be reached.
  const known = new Set(["error", "receipt", "pong", "capability_response", "status_report", "heartbeat"]);
  expect([...answers].filter((type) => !known.has(type))).toEqual([]);
  for (const type of ["error", "receipt", "pong"]) expect(answers).toContain(type);
  expect(desk.peer.stats()["refused.INTERNAL_ERROR"]).toBeUndefined();
  expect(desk.log.filter(({ level }) => level === "error")).toEqual([]);
  const stored = await desk.peer.inbox({ limit: 1000 });
  expect(stored.length).toBeGreaterThan(0);
  expect(new Set(stored.map((message) => message.id)).size).toBe(stored.length);
  const values = [...sent].map((text) => contentOf(text));
  for (const { body, from } of stored) {
    expect(from).toBe(puppet.did);
    expect(values).toContain(body);
  }
  expect(Reflect.ownKeys(Object.prototype)).toHaveLength(objectKeys);
});

/** What the inbox keeps of a message. */
function contentOf(text: string): string | undefined {
  try {
    const body = JSON.parse(text) as { readonly text?: unknown; readonly json?: unknown } | null;
    return JSON.stringify(body !== null && "text" in body ? { text: body.text } : { json: body?.json });
  } catch {
    return undefined;
  }
}
