import { encodeEnvelope, toldByPeer } from "@hikyaku/protocol";
import { everyAbility, Puppet, type Resident, World } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { MemoryTrustStore } from "../adapters/memory-trust-store.ts";

const foreignId = "urn:agent:desk-7";

/** A desk that pinned a name which is no did:key, with the key of a puppet. */
async function pinForeign(world: World, owner: Puppet): Promise<Resident> {
  const trustStore = new MemoryTrustStore();
  const { publicKey } = owner.identity;
  await trustStore.put({
    did: foreignId,
    publicKey,
    name: "seven",
    level: "trusted",
    scopes: [],
    addresses: [],
    minVersion: "1.0",
    pinnedAt: 0,
  });
  return await world.peer("desk", { needs: { trustStore } });
}

test("another key under a pinned name is refused, and a person sees it until the person decides [TRUST-7]", async () => {
  await using world = new World();
  const owner = new Puppet(50, { did: foreignId });
  const desk = await pinForeign(world, owner);
  await owner.connect(desk);
  expect(desk.peer.peer("seven").alarm).toBeUndefined();

  const thief = new Puppet(51, { did: foreignId });
  for (let tries = 0; tries < 3; tries += 1) {
    const { m1 } = thief.offer(desk.peer.did);
    expect(await desk.poke(encodeEnvelope(m1))).toEqual({ kind: "refused", code: "HANDSHAKE_FAILED" });
  }
  expect(desk.peer.peer("seven").alarm).toMatchObject({ code: "KEY_CHANGED", count: 3 });
  expect(desk.log.filter(({ event }) => event === "alarm.raised")).toHaveLength(1);
  expect(desk.peer.stats()["alarm.KEY_CHANGED"]).toBe(3);

  await desk.peer.trust({ peer: "seven", level: "trusted" });
  expect(desk.peer.peer("seven").alarm).toBeUndefined();
});

test("a did:key cannot change its key, so a message that says so raises nothing [TRUST-7]", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const owner = new Puppet(50);
  await desk.peer.trust({ peer: owner.did, name: "owner" });
  const impostor = new Puppet(51, { did: owner.did });
  expect(await desk.poke(encodeEnvelope(impostor.offer(desk.peer.did).m1))).toEqual({ kind: "refused", code: "HANDSHAKE_FAILED" });
  expect(desk.peer.peer("owner").alarm).toBeUndefined();
});

test("a peer that stops ends its sessions, so that the next message begins a new one [LIFE-5]", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const lap = await world.peer("lap");
  await world.introduce(desk, lap);
  await lap.peer.send("desk", "message", { text: "hello" });
  await desk.peer.close();
  expect(lap.peer.stats()["received.session_close"]).toBe(1);
  expect(lap.peer.sizes()["sessions"]?.held).toBe(0);
});

test("a session_close that nobody sealed closes nothing [LIFE-5] [ERR-2]", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const puppet = new Puppet(50);
  await desk.peer.trust({ peer: puppet.did, name: "puppet" });
  const session = await puppet.connect(desk);
  const genuine = session.seal("session_close", {});
  const stripped = { ...genuine, payload: { encrypted: false, data: new TextEncoder().encode("{}") } };
  expect(await desk.poke(puppet.resign(stripped, {}))).toEqual({ kind: "refused", code: "REJECTED" });
  expect((await session.send("ping", { n: 1 })).replies).toEqual([{ type: "pong", body: { n: 1 } }]);
  expect((await session.deliver(encodeEnvelope(genuine))).replies).toEqual([]);
  expect(desk.peer.sizes()["sessions"]?.held).toBe(0);
});

test("a peer that is pinned at a version is not let in below it, whoever begins [HS-6] [TRUST-7]", async () => {
  await using world = new World();
  const trustStore = new MemoryTrustStore();
  const puppet = new Puppet(50);
  const { did, publicKey } = puppet.identity;
  await trustStore.put({ did, publicKey, name: "puppet", level: "trusted", scopes: [], addresses: [], minVersion: "1.2", pinnedAt: 0 });
  const desk = await world.peer("desk", { needs: { trustStore } });
  const old = puppet.offer(desk.peer.did, { abilities: { ...everyAbility, versions: ["1.1", "1.0"] } });
  expect(await desk.poke(encodeEnvelope(old.m1))).toEqual({ kind: "refused", code: "HANDSHAKE_FAILED" });
  expect(desk.peer.peer("puppet").alarm).toMatchObject({ code: "DOWNGRADE_REFUSED", count: 1 });
  await puppet.connect(desk);
});

test("what a peer says of a message sounds like no alarm of ours [ERR-1]", () => {
  expect(["KEY_CHANGED", "FOLDER_IN_USE", "DECRYPTION_FAILED", "nonsense"].map(toldByPeer)).toEqual(Array<string>(4).fill("REJECTED"));
  expect(toldByPeer("UNAUTHORIZED")).toBe("UNAUTHORIZED");
});
