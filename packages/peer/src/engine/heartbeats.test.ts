import { type BundleItem, encodeBundle, encodeUtf8, HikyakuError, limits } from "@hikyaku/protocol";
import { type Meeting, meetAsFriends, Puppet, PuppetStream, World } from "@hikyaku/testkit";
import { describe, expect, test, vi } from "vitest";
import { isHealthy } from "./heartbeats.ts";

async function arrange(isCallOutOnly = false): Promise<Meeting> {
  const meeting = await meetAsFriends({ lap: { isCallOutOnly } });
  await meeting.lap.peer.ping("desk");
  return meeting;
}

test("each side of a session beats every thirty seconds, by the same count", async () => {
  await using meeting = await arrange();
  const { world, clock, desk, lap } = meeting;
  await clock.pass(limits.heartbeatIntervalMs - 1);
  expect([desk, lap].map(({ name }) => world.framesTo(name, "heartbeat").length)).toEqual([0, 0]);
  await clock.pass(1);
  expect([desk, lap].map(({ name }) => world.framesTo(name, "heartbeat").length)).toEqual([1, 1]);
  await clock.pass(2 * limits.heartbeatIntervalMs);
  expect([desk, lap].map(({ peer }) => peer.stats()["received.heartbeat"])).toEqual([3, 3]);
  expect(world.framesTo("desk", "handshake")).toHaveLength(1);
});

test("a heartbeat fetches what waits for a peer that can only call out; nobody beats at one that cannot be dialled [HTTP-7]", async () => {
  await using meeting = await arrange(true);
  const { world, clock, desk, lap } = meeting;
  const sending = desk.peer.send("lap", "message", { text: "for lap" }, { until: "stored", timeoutMs: 60_000 });
  await clock.pass(limits.heartbeatIntervalMs);
  expect((await sending).stage).toBe("stored");
  expect(await lap.peer.inbox({ limit: 1 })).toHaveLength(1);
  expect(world.framesTo("lap", "heartbeat")).toEqual([]);
});

test("a heartbeat to a peer that restarted brings the session back", async () => {
  await using meeting = await arrange();
  const { world, clock, desk } = meeting;
  const fresh = await world.restart(desk);
  await clock.pass(limits.heartbeatIntervalMs);
  expect(fresh.peer.stats()).toMatchObject({ "session.established": 1, "received.heartbeat": 1 });
  expect(fresh.peer.peer("lap").health).toBe("connected");
});

test("three missed beats make a peer silent, fifteen minutes make it idle, and its next word connects it again", async () => {
  await using meeting = await arrange();
  const { world, clock, desk, lap } = meeting;
  expect(lap.peer.peer("desk").health).toBe("connected");
  world.weather.before = () => {
    throw new HikyakuError("UNREACHABLE", "a storm");
  };
  await clock.pass(limits.heartbeatIntervalMs * limits.heartbeatsMissedMax - 1);
  expect(lap.peer.peer("desk").health).toBe("connected");
  await clock.pass(1);
  expect(lap.peer.peer("desk")).toMatchObject({ health: "silent", heardAt: expect.any(Number) });
  await clock.pass(limits.sessionIdleMsMax);
  expect(lap.peer.peer("desk").health).toBe("idle");
  delete world.weather.before;
  await desk.peer.ping("lap");
  expect(lap.peer.peer("desk").health).toBe("connected");
  const heard = { now: clock.now(), elapsed: 0 };
  expect([isHealthy(heard, 89_999), isHealthy(heard, 90_000)]).toEqual([true, false]);
});

test("a closed peer beats no more", async () => {
  await using meeting = await arrange();
  const { world, clock, desk, lap } = meeting;
  await lap.peer.close();
  await desk.peer.close();
  await clock.pass(limits.heartbeatIntervalMs);
  expect([desk, lap].map(({ name }) => world.framesTo(name, "heartbeat").length)).toEqual([0, 0]);
});

describe("where peers are", () => {
  test("both sides say where they listen, in the session: the responder in READY, the initiator after it", async () => {
    await using world = new World();
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
    await desk.peer.trust({ peer: lap.peer.did, name: "lap", allow: ["message"] });
    await lap.peer.trust({ peer: desk.peer.did, name: "desk", addresses: ["http://desk:7340"] });
    expect(desk.peer.peer("lap").addresses).toEqual([]);
    await lap.peer.ping("desk");
    expect(lap.peer.peer("desk").addresses).toEqual(["http://desk:7340"]);
    await desk.peer.ping("lap");
    expect(desk.peer.peer("lap").addresses).toEqual(["http://lap:7340"]);
    expect(await desk.needs.trustStore.load()).toMatchObject([{ addresses: [{ address: "http://lap:7340", source: "peer" }] }]);
  });

  test("however often one bundle says where its sender is, the last word is written, once [ORD-1]", async () => {
    await using world = new World();
    const desk = await world.peer("desk", { speaksStreams: true });
    const puppet = new Puppet(99);
    await desk.peer.trust({ peer: puppet.did, name: "puppet" });
    const stream = await PuppetStream.connect(puppet, world.network, desk);
    const { trustStore } = desk.needs;
    const put = trustStore.put.bind(trustStore);
    let writes = 0;
    trustStore.put = async (peer) => {
      writes += 1;
      await put(peer);
    };
    const says = (n: number): BundleItem => ({
      msgType: n % 2 === 0 ? "discovery" : "status_report",
      body: encodeUtf8(JSON.stringify({ addresses: [`http://a:${n}`], ...(n % 2 === 0 ? {} : { ready: true }) })),
    });
    await stream.send("bundle", encodeBundle(Array.from({ length: 500 }, (_, n) => says(n + 1))));
    await vi.waitFor(() => expect(desk.peer.peer("puppet").addresses).toEqual(["http://a:500"]));
    expect(writes).toBe(1);
  });

  test("what is no address is not kept, and a person's address stays first", async () => {
    await using world = new World();
    const desk = await world.peer("desk");
    const puppet = new Puppet(99);
    await desk.peer.trust({ peer: puppet.did, name: "puppet", addresses: ["http://person:1"] });
    const session = await puppet.connect(desk);
    await session.send("discovery", { addresses: ["http://b:2", "ftp://b:2", "http://b:2/path", "http://user@b:2", "b:2", "http://b:0"] });
    expect(desk.peer.peer("puppet").addresses).toEqual(["http://person:1", "http://b:2"]);
    await session.send("discovery", { addresses: ["http://c:3"] });
    expect(desk.peer.peer("puppet").addresses).toEqual(["http://person:1", "http://c:3"]);
  });
});
