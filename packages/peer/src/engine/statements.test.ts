import { type CapabilityResponseBody, encodeUtf8, limits, pureCrypto, signStatement } from "@hikyaku/protocol";
import { failureOf, ManualClock, Puppet, PuppetStream, type Resident, risen, World } from "@hikyaku/testkit";
import { expect, test, vi } from "vitest";

async function neighbours() {
  const world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock });
  const lap = await world.peer("lap", { clock });
  await world.introduce(desk, lap);
  await desk.peer.trust({ peer: "lap", allow: ["message", "task_delegate"] });
  await desk.peer.capability("sum", { description: "adds" }, () => 0);
  const asked = () => world.envelopes("lap", "desk", "capability_query").length;
  return { world, desk, lap, clock, asked, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

test("what a peer offers is signed: who says so, to whom, and for five minutes [CAP-1]", async () => {
  await using scene = await neighbours();
  const { desk, lap, clock } = scene;
  const statement = await lap.peer.capabilities("desk");
  expect(statement).toEqual({
    capabilities: [{ name: "sum", version: "1", description: "adds", limits: { concurrency: 1 }, load: { running: 0, waiting: 0 } }],
    accepts: ["status_report", "message", "task_delegate", "task_update", "task_query", "task_cancel", "task_input"].sort(
      (a, b) => statement.accepts.indexOf(a) - statement.accepts.indexOf(b),
    ),
    features: [],
    from: desk.peer.did,
    to: lap.peer.did,
    issued_at: clock.now(),
    valid_until: clock.now() + 300_000,
    signature: expect.stringMatching(/^[0-9a-f]{128}$/),
  });
});

test("who may not delegate is told of no capability, nor how busy it is [CAP-2]", async () => {
  await using scene = await neighbours();
  const { desk, lap } = scene;
  expect((await lap.peer.capabilities("desk", { fresh: true })).capabilities).toHaveLength(1);
  await desk.peer.trust({ peer: "lap", allow: ["message"] });
  expect((await lap.peer.capabilities("desk", { fresh: true })).capabilities).toEqual([]);
  await desk.peer.trust({ peer: "lap", level: "seen", allow: [] });
  expect((await lap.peer.capabilities("desk", { fresh: true })).capabilities).toEqual([]);
});

test("an answer is good until it ends, and no longer; a fresh one is always asked for [CAP-4]", async () => {
  await using scene = await neighbours();
  const { desk, lap, clock, asked } = scene;
  await lap.peer.capabilities("desk");
  await desk.peer.withdraw("sum");
  await clock.pass(limits.statementMsDefault - 1);
  expect((await lap.peer.capabilities("desk")).capabilities).toHaveLength(1);
  expect(asked()).toBe(1);
  expect((await lap.peer.capabilities("desk", { fresh: true })).capabilities).toEqual([]);
  expect((await lap.peer.capabilities("desk")).capabilities).toEqual([]);
  expect(asked()).toBe(2);
  await clock.pass(limits.statementMsDefault);
  await lap.peer.capabilities("desk");
  expect(asked()).toBe(3);
});

test("a wall clock that is set makes no old answer good again, and no good one old [CAP-4]", async () => {
  await using scene = await neighbours();
  const { lap, clock, asked } = scene;
  await lap.peer.capabilities("desk");
  const now = clock.now();
  clock.set(now + 86_400_000);
  await lap.peer.capabilities("desk");
  expect(asked()).toBe(1);
  clock.set(now);
  await clock.pass(limits.statementMsDefault);
  clock.set(now);
  await lap.peer.capabilities("desk");
  expect(asked()).toBe(2);
});

test.each<[string, (scene: { readonly desk: Resident; readonly lap: Resident }) => Promise<unknown>]>([
  ["what we let the peer do has changed", ({ lap }) => lap.peer.trust({ peer: "desk", allow: [] })],
  [
    "the peer was forgotten",
    async ({ desk, lap }) => {
      await lap.peer.forget("desk");
      await lap.peer.trust({ peer: desk.peer.did, name: "desk", addresses: desk.peer.addresses });
    },
  ],
])("an answer is forgotten once %s [CAP-4]", async (_, change) => {
  await using scene = await neighbours();
  await scene.lap.peer.capabilities("desk");
  await change(scene);
  await scene.lap.peer.capabilities("desk");
  expect(scene.asked()).toBe(2);
});

test("an answer that a delegation has belied is forgotten [CAP-4]", async () => {
  await using scene = await neighbours();
  const { desk, lap, asked } = scene;
  await lap.peer.capabilities("desk");
  await desk.peer.trust({ peer: "lap", allow: ["message"] });
  const task = await lap.peer.delegate("desk", "sum", []);
  await failureOf(task.result());
  expect((await lap.peer.capabilities("desk")).accepts).not.toContain("task_delegate");
  expect(asked()).toBe(2);
});

/** A peer that answers every question about its capabilities as it is told. */
async function liar(answer: (n: number, told: { readonly from: string; readonly to: string }, puppet: Puppet) => object) {
  const world = new World();
  const clock = new ManualClock();
  const lap = await world.peer("lap", { clock, speaksStreams: true });
  const puppet = new Puppet(90, { now: () => clock.now() });
  await lap.peer.trust({ peer: puppet.did, name: "puppet" });
  const stream = await PuppetStream.connect(puppet, world.network, lap);
  const ask = async () => {
    const asked = lap.peer.capabilities("puppet", { fresh: true });
    asked.catch(() => undefined);
    const query = await vi.waitFor(() => {
      const last = stream.heard.findLast(({ type }) => type === "capability_query");
      if (last === undefined) throw new Error("nobody has asked yet");
      return last;
    });
    const { n } = query.body as { readonly n: number };
    await stream.send("capability_response", { n, ...answer(n, { from: puppet.did, to: lap.peer.did }, puppet) });
    return await asked;
  };
  return { lap, clock, puppet, stream, ask, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}
const plain = { capabilities: [], accepts: [], features: [] };
const times = { issued_at: 1, valid_until: 1 + limits.statementMsDefault };
const signedBy = (puppet: Puppet, statement: object): object =>
  signStatement({ ...plain, ...statement }, (message) => puppet.identity.key.sign(message));

test.each<[string, Parameters<typeof liar>[0]]>([
  ["changed after it was signed", (_, told, puppet) => ({ ...signedBy(puppet, { ...told, ...times }), accepts: ["wake_up"] })],
  ["signed by somebody else", (_, told) => signedBy(new Puppet(91), { ...told, ...times })],
  ["signed for somebody else", (_, { from }, puppet) => signedBy(puppet, { from, to: from, ...times })],
  ["unsigned and of somebody else", (_, { to }) => ({ ...plain, from: to })],
])("an answer that was %s is refused: whoever asked is told, and it is counted and not kept [CAP-3]", async (_, answer) => {
  await using scene = await liar(answer);
  const rises = await risen(scene.lap.peer, async () => {
    expect(await failureOf(scene.ask())).toMatchObject({ code: "INVALID_SIGNATURE", message: expect.stringContaining("puppet") });
  });
  expect(rises).toMatchObject({ "statement.refused": 1 });
  expect(scene.lap.peer.sizes()["statements"]).toMatchObject({ held: 0 });
});

test("an older peer's answer without a signature is shown and not kept [CAP-3] [CAP-4]", async () => {
  await using scene = await liar(() => ({ ...plain, accepts: ["message"] }));
  expect(await scene.ask()).toEqual({ ...plain, accepts: ["message"] });
  expect(scene.lap.peer.sizes()["statements"]).toMatchObject({ held: 0 });
});

test("an answer is kept for an hour at most, whatever it says [CAP-4]", async () => {
  await using scene = await liar((_, told, puppet) => signedBy(puppet, { ...told, issued_at: 1, valid_until: 2 ** 50 }));
  const { lap, clock } = scene;
  await scene.ask();
  scene.stream.close();
  clock.stall(limits.statementMsMax - 1);
  expect(await lap.peer.capabilities("puppet")).toMatchObject({ valid_until: 2 ** 50 });
  clock.stall(1);
  expect(await failureOf(lap.peer.capabilities("puppet"))).toMatchObject({ code: "UNREACHABLE" });
});

test("an answer that nobody waits for is not looked at [CAP-3]", async () => {
  await using scene = await liar((_, told, puppet) => signedBy(puppet, { ...told, ...times }));
  await scene.stream.send("capability_response", { n: 77, ...signedBy(scene.puppet, { from: "x", ...times }) });
  await scene.ask();
  expect(scene.lap.peer.stats()).not.toHaveProperty("statement.refused");
});

test("schemas that would not fit are left out, the largest first, and the answer says so [CAP-5]", async () => {
  await using scene = await neighbours();
  const { desk, lap } = scene;
  const schema = (length: number) => ({ description: "飛".repeat(length) });
  for (let n = 0; n < 5; n += 1)
    await desk.peer.capability(`big${n}`, { inputJsonSchema: schema(8000 + n), outputJsonSchema: schema(7900) }, () => 0);
  const statement = await lap.peer.capabilities("desk");
  expect(statement).toMatchObject({ truncated: true });
  expect(encodeUtf8(JSON.stringify({ n: 1, ...statement } satisfies CapabilityResponseBody)).length).toBeLessThanOrEqual(
    limits.bodyBytesMax,
  );
  const left = statement.capabilities.filter(({ name }) => name.startsWith("big"));
  expect(left).toHaveLength(5);
  expect(left.filter(({ input }) => input !== undefined).map(({ name }) => name)).toEqual([]);
  expect(left.filter(({ output }) => output !== undefined)).toHaveLength(5);
});

test.each([
  ["a version", { version: "1".repeat(65) }],
  ["a description", { description: "x".repeat(257) }],
  ["half a character", { description: "\ud800" }],
  ["half a character in a schema", { inputJsonSchema: { title: "\udc00" } }],
])("%s that no peer could be told is refused where it is offered [CAP-5]", async (_, settings) => {
  await using scene = await neighbours();
  expect(await failureOf(Promise.resolve().then(() => scene.desk.peer.capability("wrong", settings, () => 0)))).toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  expect(scene.desk.peer.ownCapabilities().map(({ name }) => name)).toEqual(["sum"]);
});

test("the owner sees whom a capability is for and whether its program is here", async () => {
  await using scene = await neighbours();
  const { world, desk, lap } = scene;
  await desk.peer.capability("secret", { for: ["lap"], idempotent: true, concurrency: 3 }, () => 0);
  const secret = { name: "secret", version: "1", idempotent: true, limits: { concurrency: 3 }, for: [lap.peer.did] };
  expect(desk.peer.ownCapabilities()).toMatchObject([
    { name: "sum", isLive: true },
    { ...secret, isLive: true },
  ]);
  const again = await world.restart(desk);
  expect(again.peer.ownCapabilities()).toMatchObject([
    { ...secret, isLive: false, load: { running: 0, waiting: 0 } },
    { name: "sum", isLive: false },
  ]);
});

test("the signature is the peer's own, and fits what others can compute [CAP-1]", async () => {
  await using scene = await neighbours();
  const { desk, lap } = scene;
  const { signature, ...said } = await lap.peer.capabilities("desk");
  expect(signStatement(said, (message) => desk.needs.identity.key.sign(message)).signature).toBe(signature);
  expect(signStatement(said, (message) => pureCrypto.signingKey(new Uint8Array(32)).sign(message)).signature).not.toBe(signature);
});
