/** Whole stories of delivery over streams: what arrives, once, whatever happens in between (spec "Delivery"). */
import { type BundleItem, encodeBundle, encodeUtf8, HikyakuError, limits, type MessageType } from "@hikyaku/protocol";
import {
  everyAbility,
  failureOf,
  ManualClock,
  type Meeting,
  meetAsFriends,
  type PeerOptions,
  Puppet,
  PuppetStream,
  type Resident,
  still,
  World,
} from "@hikyaku/testkit";
import { describe, expect, test, vi } from "vitest";

const streams = { speaksStreams: true } as const;

const arrange = (lap: PeerOptions = streams, desk: PeerOptions = streams): Promise<Meeting> => meetAsFriends({ desk, lap });

const textOf = (body: unknown): string => (body as { readonly text: string }).text;

/** What a peer's handler got, in order. */
function listening({ peer }: Resident): string[] {
  const heard: string[] = [];
  peer.on("message", ({ body }) => void heard.push(textOf(body)));
  return heard;
}

const idOf = (last: number): string => `019c0000-0000-7000-8000-${last.toString(16).padStart(12, "0")}`;

describe.each([
  ["over a stream", streams],
  ["over exchanges", {}],
])("%s", (_, options) => {
  test("a message is stored, handed over and handled, and many come in the order of their sending", async () => {
    await using meeting = await arrange(options, options);
    const { desk, lap } = meeting;
    const heard = listening(desk);
    expect((await lap.peer.send("desk", "message", { text: "first" }, { until: "handled" })).stage).toBe("handled");
    const many = Array.from({ length: 30 }, (_none, n) => `${n}`);
    const receipts = await Promise.all(many.map((text) => lap.peer.send("desk", "message", { text }, { until: "handled" })));
    expect(receipts.every(({ stage }) => stage === "handled")).toBe(true);
    expect(heard).toEqual(["first", ...many]);
    expect(await lap.peer.dead({ limit: 1 })).toEqual([]);
  });

  test("what was sent while the peer was down arrives once when it comes up, in order [DLV-1]", async () => {
    await using meeting = await arrange(options, options);
    const { world, clock, desk, lap } = meeting;
    await desk.peer.close();
    for (const text of ["1", "2", "3"]) expect(await lap.peer.send("desk", "message", { text })).toMatchObject({ stage: "queued" });
    await clock.pass(limits.retryMsMax);
    const fresh = await world.restart(desk, options);
    const heard = listening(fresh);
    await clock.pass(limits.retryMsMax + limits.circuitOpenMs);
    expect(heard).toEqual(["1", "2", "3"]);
    expect(fresh.peer.stats()["message.duplicate"]).toBeUndefined();
  });

  test("a sender that was restarted goes on with what it had kept, and nothing arrives twice [DLV-1] [BOX-2]", async () => {
    await using meeting = await arrange(options, options);
    const { world, clock, desk, lap } = meeting;
    const heard = listening(desk);
    await lap.peer.send("desk", "message", { text: "before" });
    world.weather.onStream = ({ from }) => (from === "lap" ? "lost" : undefined);
    world.weather.before = (to) => {
      if (to.includes("desk")) throw new HikyakuError("UNREACHABLE", "a storm");
      return undefined;
    };
    const kept = failureOf(lap.peer.send("desk", "message", { text: "kept" }));
    await still();
    const restarting = world.restart(lap, options);
    delete world.weather.onStream;
    delete world.weather.before;
    await clock.pass(limits.goodbyeMsMax + limits.closeMsMax);
    const fresh = await restarting;
    await kept;
    // Long before anything else would remind it of them.
    await clock.pass(limits.retryMsMin);
    expect(heard).toEqual(["before", "kept"]);
    await fresh.peer.send("desk", "message", { text: "after" });
    await still();
    expect(heard).toEqual(["before", "kept", "after"]);
  });
});

describe("restarts in the middle", () => {
  test("a recipient that dies after storing tells its sender when it is asked, and handles the message once [BOX-1] [BOX-2]", async () => {
    await using meeting = await arrange();
    const { world, clock, desk, lap } = meeting;
    await lap.peer.ping("desk");
    world.weather.onStream = ({ from }) => (from === "desk" ? "lost" : undefined);
    const sending = lap.peer.send("desk", "message", { text: "hello" }, { until: "handled", timeoutMs: 600_000 });
    await still();
    const fresh = await world.restart(desk, streams);
    delete world.weather.onStream;
    const heard = listening(fresh);
    await clock.pass(limits.retryMsMax);
    expect((await sending).stage).toBe("handled");
    expect(heard).toEqual(["hello"]);
  });

  test("a sender that was restarted gets the receipts that it missed by asking [DLV-9]", async () => {
    await using meeting = await arrange();
    const { world, clock, desk, lap } = meeting;
    const { id } = await lap.peer.send("desk", "message", { text: "hello" });
    await lap.peer.close();
    const heard = listening(desk);
    await still();
    expect(heard).toEqual(["hello"]);
    const fresh = await world.restart(lap, streams);
    expect((await fresh.peer.explain(id)).stage).toBe("stored");
    await fresh.peer.ping("desk");
    await clock.pass(1);
    expect((await fresh.peer.explain(id)).stage).toBe("handled");
    expect(desk.peer.stats()["received.receipt_query"]).toBeGreaterThan(0);
  });
});

describe("a peer that can only call out", () => {
  test("while its stream is up it is reached as if it could be called, with everything [STREAM-7]", async () => {
    await using meeting = await arrange({ isCallOutOnly: true, settings: { keepLinks: true } });
    const { world, clock, desk, lap } = meeting;
    await clock.pass(limits.heartbeatIntervalMs);
    const heard = listening(lap);
    expect(await desk.peer.send("lap", "message", { text: "for lap" }, { until: "handled" })).toMatchObject({ stage: "handled" });
    expect(heard).toEqual(["for lap"]);
    expect(await desk.peer.ping("lap")).toBeGreaterThanOrEqual(0);
    expect(world.passages).toEqual([]);
    const { id } = await desk.peer.send("lap", "message", { text: "again" });
    expect((await desk.peer.explain(id)).events.find(({ kind }) => kind === "sent")?.detail).toBe("its call from lap");
  });

  test("what was for it while its stream was down comes when it is up again [DLV-1] [DLV-5]", async () => {
    await using meeting = await arrange({ isCallOutOnly: true, settings: { keepLinks: true } });
    const { world, clock, desk, lap } = meeting;
    await clock.pass(limits.heartbeatIntervalMs);
    const heard = listening(lap);
    world.cut("lap", "desk");
    await still();
    const sending = desk.peer.send("lap", "message", { text: "for lap" }, { until: "handled" });
    await still();
    expect(heard).toEqual([]);
    await clock.pass(limits.retryMsMin);
    expect(await sending).toMatchObject({ stage: "handled" });
    expect(heard).toEqual(["for lap"]);
  });
});

test("a peer of version 1.1 gets JSON and single messages over the stream, receipts as well [BUNDLE-6]", async () => {
  const old = { ...streams, settings: { abilities: { ...everyAbility, versions: ["1.1", "1.0"] as const } } };
  await using meeting = await arrange(old);
  const { world, desk, lap } = meeting;
  const heard = listening(desk);
  await lap.peer.ping("desk");
  await Promise.all(["1", "2", "3"].map((text) => lap.peer.send("desk", "message", { text }, { until: "handled" })));
  const back = await Promise.all(["4", "5"].map((text) => desk.peer.send("lap", "message", { text })));
  expect([heard, back.map(({ stage }) => stage)]).toEqual([
    ["1", "2", "3"],
    ["stored", "stored"],
  ]);
  expect(world.carried.filter(({ isBinary }) => isBinary)).toEqual([]);
  expect(world.carried.map(({ envelope }) => envelope?.msgType)).not.toContain("bundle");
  expect(world.passages).toEqual([]);
});

describe("what others may not do", () => {
  async function meet(world: World) {
    const clock = new ManualClock();
    const desk = await world.peer("desk", { clock, ...streams });
    const puppet = new Puppet(99, { now: () => clock.now() });
    await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
    return { clock, desk, puppet, call: () => PuppetStream.connect(puppet, world.network, desk) };
  }

  test("receipts of another peer, of ids that never were, and of whoever is no recipient change nothing [DLV-2]", async () => {
    await using meeting = await arrange();
    const { world, clock, desk, lap } = meeting;
    await desk.peer.close();
    const { id } = await lap.peer.send("desk", "message", { text: "hello" });
    const mallory = new Puppet(98, { now: () => clock.now() });
    await lap.peer.trust({ peer: mallory.did, name: "mallory", allow: ["message"] });
    const call = await PuppetStream.connect(mallory, world.network, lap);
    for (const stage of ["stored", "delivered", "handled", "refused"]) await call.send("receipt", { ids: [id, idOf(7)], stage });
    await still();
    expect(await lap.peer.explain(id)).toMatchObject({ stage: "queued" });
    expect(await lap.peer.dead({ limit: 10 })).toEqual([]);
    expect(await failureOf(lap.peer.explain(idOf(7)))).toMatchObject({ code: "INVALID_ARGUMENT" });
    // And it is still sent.
    const fresh = await world.restart(desk, streams);
    await fresh.peer.ping("lap");
    await still();
    expect(await fresh.peer.inbox({ limit: 10 })).toMatchObject([{ id }]);
  });

  test("a query about messages of others, or of nobody, is answered with nothing [BOX-3]", async () => {
    await using world = new World();
    const { clock, desk, call } = await meet(world);
    const other = new Puppet(98, { now: () => clock.now() });
    await desk.peer.trust({ peer: other.did, name: "other", allow: ["message"] });
    await (await PuppetStream.connect(other, world.network, desk)).send("message", { id: idOf(1), sent_at: 1, text: "secret" });
    const puppet = await call();
    await puppet.send("receipt_query", { ids: [idOf(1), idOf(2)] });
    await still();
    expect(puppet.heard.filter(({ type }) => type === "receipt")).toEqual([]);
    expect(desk.peer.stats()["received.receipt_query"]).toBe(1);
  });

  test("after a final receipt nothing is sent again, and a second final word changes nothing [DLV-2]", async () => {
    await using world = new World();
    const { clock, desk, call } = await meet(world);
    const puppet = await call();
    const sending = desk.peer.send("puppet", "message", { text: "hello" }, { until: "handled" });
    await still();
    const got = puppet.heard.find(({ type }) => type === "message")?.body as { readonly id: string };
    await puppet.send("receipt", { ids: [got.id], stage: "handled" });
    await puppet.send("receipt", { ids: [got.id], stage: "refused", reason: "INTERRUPTED" });
    expect(await sending).toMatchObject({ id: got.id, stage: "handled" });
    await clock.pass(2 * limits.repeatAfterMsMax);
    expect(puppet.heard.filter(({ type }) => type === "message")).toHaveLength(1);
    expect(await desk.peer.explain(got.id)).toMatchObject({ stage: "handled" });
    expect(await desk.peer.dead({ limit: 1 })).toEqual([]);
  });

  const letter = (last: number): BundleItem => ({
    msgType: "message",
    body: encodeUtf8(JSON.stringify({ id: idOf(last), sent_at: 1, text: `${last}` })),
  });
  const item = (msgType: string, body: unknown): BundleItem => ({
    msgType: msgType as MessageType,
    body: encodeUtf8(JSON.stringify(body)),
  });

  test.each<[string, readonly BundleItem[], string]>([
    ["one body that is off", [letter(1), item("message", { text: "no id" })], "INVALID_PAYLOAD"],
    ["one type that is not allowed", [letter(1), item("task_query", { id: idOf(9), sent_at: 1 })], "UNAUTHORIZED"],
    ["one body that is no JSON", [letter(1), { msgType: "message", body: encodeUtf8("{") }], "INVALID_PAYLOAD"],
  ])("a bundle with %s acts on nothing [BUNDLE-5]", async (_, items, code) => {
    await using world = new World();
    const { desk, call } = await meet(world);
    const puppet = await call();
    const { nonce } = await puppet.send("bundle", encodeBundle(items));
    await still();
    expect(puppet.heard.filter(({ type }) => type === "error")).toMatchObject([
      { body: { code, ref: Buffer.from(nonce).toString("hex") } },
    ]);
    expect(puppet.heard.filter(({ type }) => type === "receipt")).toEqual([]);
    expect(await desk.peer.inbox({ limit: 10 })).toEqual([]);
    await puppet.send("bundle", encodeBundle([letter(1), letter(2)]));
    await still();
    expect((await desk.peer.inbox({ limit: 10 })).map(({ id }) => id)).toEqual([idOf(1), idOf(2)]);
    expect(puppet.heard).toContainEqual({ type: "receipt", body: { ids: [idOf(1), idOf(2)], stage: "stored" } });
  });

  test("no bundle comes over an exchange, or in version 1.1 [BUNDLE-6]", async () => {
    await using world = new World();
    const { desk, puppet } = await meet(world);
    const plaintext = encodeBundle([letter(1), letter(2)]);
    const abilities = { ...everyAbility, versions: ["1.1"] as const };
    const old = await PuppetStream.connect(puppet, world.network, desk, { abilities });
    await old.send("bundle", plaintext);
    await still();
    expect(old.heard.filter(({ type }) => type === "error")).toMatchObject([{ body: { code: "UNAUTHORIZED" } }]);
    expect(await desk.peer.inbox({ limit: 10 })).toEqual([]);
  });
});

test("what is told in one breath travels in few envelopes", async () => {
  await using world = new World();
  const desk = await world.peer("desk", { speaksStreams: true });
  const lap = await world.peer("lap", { speaksStreams: true });
  await world.introduce(desk, lap);
  const heard: unknown[] = [];
  desk.peer.on("message", ({ body }) => void heard.push(body.json));
  await lap.peer.ping("desk");
  const numbers = Array.from({ length: 100 }, (_, n) => n);
  for (const json of numbers) await lap.peer.tell("desk", { json });
  await vi.waitFor(() => expect(heard).toEqual(numbers));
  const envelopes = [...world.envelopes("lap", "desk", "bundle"), ...world.envelopes("lap", "desk", "message")];
  expect(envelopes.length).toBeLessThan(5);
});
