import { pureCrypto } from "@hikyaku/protocol";
import { failureOf, ManualClock, Puppet, World } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";
import { MemoryTrustStore } from "../adapters/memory-trust-store.ts";

test("two peers that trust each other exchange messages under one session", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const lap = await world.peer("lap");
  await world.introduce(desk, lap);

  const receipt = await lap.peer.send("desk", "message", { text: "backup finished" });
  expect(receipt.stage).toBe("stored");
  const [message] = await desk.peer.inbox({ limit: 10 });
  expect(message).toMatchObject({ from: lap.peer.did, body: '{"text":"backup finished"}', stage: "stored" });

  await desk.peer.send("lap", "message", { json: { seen: true } });
  expect(await lap.peer.inbox({ limit: 10 })).toHaveLength(1);
  expect(await lap.peer.ping("desk")).toBeGreaterThan(0);
  expect(world.framesTo("desk", "handshake")).toHaveLength(1);
  expect(world.framesTo("lap", "handshake")).toHaveLength(0);
});

test("two peers pair by a link and agree on the safety number", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const lap = await world.peer("lap");
  const invitation = desk.peer.invite({ name: "lap", allow: ["message"] });
  const paired = await lap.peer.accept(invitation.link, { name: "desk", allow: ["message"] });
  expect((await invitation.paired).safetyNumber).toBe(paired.safetyNumber);
  expect((await lap.peer.send("desk", "message", { text: "hello" })).stage).toBe("stored");
  expect((await desk.peer.send("lap", "message", { text: "hello back" })).stage).toBe("stored");
});

describe("questions", () => {
  const arrange = async (world: World) => {
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
    await world.introduce(desk, lap);
    return { desk, lap };
  };

  test("capabilities say what this very peer may send, and nothing of others' rights", async () => {
    await using world = new World();
    const { desk, lap } = await arrange(world);
    expect(await lap.peer.capabilities("desk")).toMatchObject({
      capabilities: [],
      accepts: ["status_report", "message", "task_update"],
      features: [],
    });
    await desk.peer.trust({ peer: "lap", allow: [] });
    expect((await lap.peer.capabilities("desk", { fresh: true })).accepts).toEqual(["status_report", "task_update"]);
  });

  test("a status report is shown beside its peer, until the peer is forgotten", async () => {
    await using world = new World();
    const { desk, lap } = await arrange(world);
    expect((await lap.peer.send("desk", "status_report", { state: "busy", detail: "backing up" })).stage).toBe("handled");
    expect(desk.peer.peer("lap")).toMatchObject({ health: "connected", status: { state: "busy", detail: "backing up" } });
    await desk.peer.forget("lap");
    expect(desk.peer.peers()).toEqual([]);
    await desk.peer.trust({ peer: lap.peer.did, name: "lap" });
    expect(desk.peer.peer("lap")).not.toHaveProperty("status");
  });

  test("a question that gets no answer ends when its time is up", async () => {
    await using world = new World();
    const clock = new ManualClock();
    const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock })];
    await world.introduce(desk, lap);
    await lap.peer.ping("desk");
    const failure = failureOf(lap.peer.ask("desk", { text: "?" }, { timeoutMs: 5000 }));
    await clock.pass(5000);
    expect(await failure).toMatchObject({ code: "TIMED_OUT", message: expect.stringContaining("answer from desk within 5 s") });
    expect(await desk.peer.inbox({ limit: 10 })).toHaveLength(1);
  });
});

describe("whom a peer trusts", () => {
  test("a new peer needs a did with a good key, and a name", async () => {
    await using world = new World();
    const { peer } = await world.peer("desk");
    const { did } = new Puppet(99);
    const wrong = [
      { peer: did },
      { peer: peer.did, name: "me" },
      { peer: "did:key:z6Mk", name: "short" },
      { peer: did, name: "lap", addresses: ["lap:7340"] },
      { peer: did, name: "lap", addresses: ["http://lap:7340/inbox"] },
    ];
    for (const change of wrong)
      await expect(peer.trust(change)).rejects.toMatchObject({ code: expect.stringMatching(/INVALID_ARGUMENT|UNKNOWN_PEER/) });
    expect(peer.peers()).toEqual([]);
    expect(await peer.trust({ peer: did, name: "lap" })).toMatchObject({ level: "trusted", scopes: [], health: "idle" });
  });

  test("what is not named in a change stays as it is", async () => {
    await using world = new World();
    const { peer } = await world.peer("desk");
    await peer.trust({ peer: new Puppet(99).did, name: "lap", allow: ["message"], addresses: ["http://lap:1"] });
    expect(await peer.trust({ peer: "lap", name: "notebook" })).toMatchObject({ scopes: ["message"], addresses: ["http://lap:1"] });
    expect(() => peer.peer("lap")).toThrow(expect.objectContaining({ code: "UNKNOWN_PEER" }));
    await expect(peer.forget("lap")).rejects.toMatchObject({ code: "UNKNOWN_PEER" });
  });

  test("both sides read the same safety number, and no view shows a key [TRUST-1]", async () => {
    await using world = new World();
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
    await world.introduce(desk, lap);
    expect(desk.peer.safetyNumber("lap")).toBe(lap.peer.safetyNumber("desk"));
    expect(desk.peer.peer("lap")).toMatchObject({ fingerprint: lap.peer.fingerprint });
    expect(desk.peer.peer("lap")).not.toHaveProperty("publicKey");
  });

  test("blocking waits for an announcement that is being written, and is not undone by it [TRUST-4]", async () => {
    await using world = new World();
    const trustStore = new MemoryTrustStore();
    const desk = await world.peer("desk", { needs: { trustStore } });
    const puppet = new Puppet(99);
    await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
    const session = await puppet.connect(desk);
    const put = trustStore.put.bind(trustStore);
    const disk = Promise.withResolvers<void>();
    trustStore.put = async (peer) => {
      await disk.promise;
      await put(peer);
    };
    const blocking = desk.peer.trust({ peer: "puppet", level: "blocked" });
    const announcing = session.send("discovery", { addresses: ["http://a:1"] });
    disk.resolve();
    await Promise.all([blocking, announcing.catch(() => undefined)]);
    expect(desk.peer.peer("puppet").level).toBe("blocked");
    expect(await trustStore.load()).toMatchObject([{ level: "blocked" }]);
  });
});

describe("start and end", () => {
  test("a primitive that lies keeps the peer from starting, and nothing listens [CRY-1]", async () => {
    await using world = new World();
    const crypto = { ...pureCrypto, isTorsionFree: () => true };
    await expect(world.peer("desk", { needs: { crypto } })).rejects.toMatchObject({ code: "CRYPTO_UNAVAILABLE" });
    const { peer } = await world.peer("desk");
    expect(peer.addresses).toEqual(["http://desk:7340"]);
  });

  test("an address that is taken is named, and what was opened is closed again", async () => {
    await using world = new World();
    await world.peer("desk");
    let closed = 0;
    const resources = { [Symbol.asyncDispose]: async () => void (closed += 1) };
    await expect(world.peer("desk", { needs: { resources } })).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
    expect(closed).toBe(1);
  });

  test("session keys do not outlive the peer: what was recorded opens nothing after a restart [LIFE-4]", async () => {
    await using world = new World();
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
    await world.introduce(desk, lap);
    await lap.peer.send("desk", "message", { text: "hello" });
    const [recorded] = world.framesTo("desk", "message");
    const fresh = await world.restart(desk);
    expect(await fresh.poke(recorded?.frame ?? new Uint8Array(1))).toEqual({ kind: "refused", code: "REJECTED" });
    expect(await fresh.peer.inbox({ limit: 10 })).toHaveLength(1);
  });

  test("closing twice is closing once", async () => {
    await using world = new World();
    const { peer } = await world.peer("desk");
    await peer.close();
    await peer.close();
    await expect(peer.ping("nobody")).rejects.toMatchObject({ code: "UNKNOWN_PEER" });
  });
});
