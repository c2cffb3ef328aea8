import { type Bytes, encodeEnvelope, encodeUtf8, limits } from "@hikyaku/protocol";
import { deafHolder, failureOf, ManualClock, Puppet, type Resident, settle, World } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";
import type { Listener } from "../ports/link.ts";
import { FriendlyHosts } from "./friendly-hosts.ts";

const junk = encodeUtf8("{}");

async function pokeMany(desk: Resident, count: number, host: string): Promise<readonly string[]> {
  const codes: string[] = [];
  for (let at = 0; at < count; at += 1) {
    const reception = await desk.poke(junk, host);
    codes.push(reception.kind === "refused" ? reception.code : reception.kind);
  }
  return codes;
}

test("a network that sends junk is told to wait, before anything is read, and others are not [LIM-2]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock });
  const { burst } = limits.prefixRate;
  const codes = await pokeMany(desk, burst + 2, "noisy");
  expect(codes).toEqual([...Array<string>(burst).fill("MALFORMED_MESSAGE"), "RATE_LIMITED", "RATE_LIMITED"]);
  expect(await desk.poke(junk, "noisy")).toEqual({ kind: "refused", code: "RATE_LIMITED", retryAfterS: 1 });
  expect(await pokeMany(desk, 1, "quiet")).toEqual(["MALFORMED_MESSAGE"]);
  expect(desk.peer.stats()).toEqual({ "refused.MALFORMED_MESSAGE": burst + 1, "refused.RATE_LIMITED": 3 });
  await clock.pass(100);
  expect(await pokeMany(desk, 1, "noisy")).toEqual(["MALFORMED_MESSAGE"]);
});

test("a proven peer is not counted with its network, however much it sends [LIM-2] [LIM-3]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock });
  const puppet = new Puppet(99, { now: () => clock.now() });
  await desk.peer.trust({ peer: puppet.did, name: "puppet" });
  const session = await puppet.connect(desk);
  for (let n = 0; n <= limits.prefixRate.burst; n += 1) expect((await session.send("ping", { n })).replies).toHaveLength(1);
});

describe("among noisy neighbours [LIM-8]", () => {
  /** A desk for which all hosts are one network. */
  async function arrange(world: World): Promise<{ readonly clock: ManualClock; readonly desk: Resident; readonly puppet: Puppet }> {
    const clock = new ManualClock();
    const inner = world.network.listener("http://desk:7340");
    const listener: Listener = {
      start: (receiver, holder) => inner.start((frame, { host }) => receiver(frame, { host, prefix: "one" }), holder),
      get addresses() {
        return inner.addresses;
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
    const desk = await world.peer("desk", { clock, settings: { firstContact: "see" }, needs: { listener } });
    return { clock, desk, puppet: new Puppet(99, { now: () => clock.now() }) };
  }
  const wait = { kind: "refused", code: "RATE_LIMITED" };

  test("a host at which a friend was proven lately is counted by itself, and is limited as well", async () => {
    await using world = new World();
    const { clock, desk, puppet } = await arrange(world);
    await desk.peer.trust({ peer: puppet.did, name: "puppet" });
    const session = await puppet.connect(desk);
    const ping = (host: string) => session.deliver(encodeEnvelope(session.seal("ping", { n: 1 })), host);
    await ping("friend");
    const { burst } = limits.prefixRate;
    await pokeMany(desk, burst, "noisy");
    expect(await desk.poke(junk, "noisy")).toMatchObject(wait);
    for (let n = 0; n < 3; n += 1) expect((await ping("friend")).replies).toHaveLength(1);
    // Neither elsewhere in that network, nor without end.
    expect((await ping("elsewhere")).reception).toMatchObject(wait);
    expect(await pokeMany(desk, burst + 1, "friend")).toEqual([...Array<string>(burst).fill("MALFORMED_MESSAGE"), "RATE_LIMITED"]);

    await clock.pass(limits.friendlyHostMsMax - 1);
    await pokeMany(desk, burst, "noisy");
    expect(await pokeMany(desk, 1, "friend")).toEqual(["MALFORMED_MESSAGE"]);
    await clock.pass(1);
    await pokeMany(desk, 1, "noisy");
    expect(await desk.poke(junk, "friend")).toMatchObject(wait);
  });

  test("a host at which only strangers were proven is not", async () => {
    await using world = new World();
    const { desk, puppet } = await arrange(world);
    const session = await puppet.connect(desk);
    await session.deliver(encodeEnvelope(session.seal("ping", { n: 1 })), "seen");
    await pokeMany(desk, limits.prefixRate.burst, "noisy");
    expect(await desk.poke(junk, "seen")).toMatchObject(wait);
  });

  test("a bounded number of hosts is, those of the last proofs", () => {
    const hosts = new FriendlyHosts();
    for (let at = 0; at < limits.friendlyHostsMax; at += 1) hosts.add(`${at}`, at);
    hosts.add("0", 2000);
    hosts.add("new", 2000);
    expect([hosts.size, hosts.has("0", 2000), hosts.has("1", 2000), hosts.has("2", 2000)]).toEqual([
      limits.friendlyHostsMax,
      true,
      false,
      true,
    ]);
    hosts.sweep(2000 + limits.friendlyHostMsMax);
    expect(hosts.size).toBe(0);
  });
});

test("who is only seen may ask 120 times at once, and then hears when to come back [LIM-3] [ERR-7]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock, settings: { firstContact: "see" } });
  const puppet = new Puppet(99, { now: () => clock.now() });
  const session = await puppet.connect(desk);
  await expect.poll(() => desk.peer.peers()).toHaveLength(1);
  const ask = async (n: number) => (await session.send("ping", { n })).replies;
  const { burst } = limits.strangerRates.other;
  for (let n = 0; n < burst; n += 1) expect(await ask(n)).toEqual([{ type: "pong", body: { n } }]);
  expect(await ask(burst)).toMatchObject([{ type: "error", body: { code: "RATE_LIMITED", retry_after: 1 } }]);
  for (let told = 1; told < limits.errorRate.burst; told += 1) expect(await ask(0)).toHaveLength(1);
  // From here on nothing is said any more; it is still counted.
  expect(await ask(0)).toEqual([]);
  expect(desk.peer.stats()["refused.RATE_LIMITED"]).toBe(limits.errorRate.burst + 1);
});

test("every table that the network can fill has a bound and says how full it is [LIM-1]", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const lap = await world.peer("lap");
  await world.introduce(desk, lap);
  await lap.peer.send("desk", "message", { text: "hello" });
  const sizes = desk.peer.sizes();
  expect(Object.keys(sizes)).toHaveLength(21);
  for (const { held, most } of Object.values(sizes)) expect(held).toBeLessThanOrEqual(most);
  expect([sizes["sessions"]?.held, sizes["knownPeers"]?.held, sizes["keys"]?.held]).toEqual([1, 1, 1]);
});

test("secrets of messages that were skipped are counted, and forgotten with their session [LIM-1] [LIM-6]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock });
  const puppet = new Puppet(99, { now: () => clock.now() });
  await desk.peer.trust({ peer: puppet.did, name: "puppet" });
  const session = await puppet.connect(desk);
  const skipped = [1, 2, 3].map((n) => encodeEnvelope(session.seal("ping", { n })));
  const held = (): number | undefined => desk.peer.sizes()["skippedSecrets"]?.held;
  await session.send("ping", { n: 4 });
  expect(desk.peer.sizes()["skippedSecrets"]).toEqual({ held: 3, most: 65_536 });
  await session.deliver(skipped[0] ?? junk);
  expect(held()).toBe(2);
  await clock.pass(limits.skippedSecretMsMax + limits.heartbeatIntervalMs);
  expect(held()).toBe(0);
  session.seal("ping", { n: 5 });
  await session.send("ping", { n: 6 });
  expect(held()).toBe(1);
  await desk.peer.forget("puppet");
  expect(held()).toBe(0);
});

test("what comes back draws at most 64 answers, however often they are answered in turn [LIM-5]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const lap = await world.peer("lap", { clock });
  const puppet = new Puppet(99, { now: () => clock.now() });
  await lap.peer.trust({ peer: puppet.did, name: "greedy", addresses: ["http://greedy:7340"] });
  const session = await puppet.connect(lap);
  let asked = 0;
  await using greedy = world.network.listener("http://greedy:7340");
  // It answers every frame with one more question, and this test ends although nobody stops it.
  await greedy.start(async () => {
    asked += 1;
    const hasEnough = asked > 3 * limits.answersPerExchangeMax;
    return { kind: "received", replies: hasEnough ? [] : [encodeEnvelope(session.seal("ping", { n: asked }))], more: false };
  }, deafHolder);
  const over = new AbortController();
  const ping = lap.peer.ping("greedy", { signal: over.signal });
  await expect.poll(() => lap.peer.stats()["answer.withheld"], { timeout: 10_000 }).toBe(1);
  over.abort();
  await expect(ping).rejects.toMatchObject({ code: "CANCELED" });
  expect(asked).toBe(1 + limits.answersPerExchangeMax);
});

test("nor does whoever always says that more is waiting keep us calling for ever [LIM-5]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock })];
  await world.introduce(desk, lap);
  await lap.peer.ping("desk");
  for (let turn = 0; turn < 20; turn += 1) await settle();
  const before = world.passages.length;
  world.weather.after = (to, _, reception) =>
    to.includes("desk") && reception.kind === "received" ? { ...reception, more: world.passages.length - before < 200 } : undefined;
  await lap.peer.ping("desk");
  await expect.poll(() => lap.peer.stats()["answer.withheld"]).toBe(1);
  expect(world.framesTo("desk", "heartbeat")).toHaveLength(limits.answersPerExchangeMax);
});

test("nor does an answer to a handshake that comes again for each confirmation of it [LIM-5]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock })];
  await world.introduce(desk, lap);
  let m2: readonly Bytes[] = [];
  world.weather.after = (_, frame, reception) => {
    if (reception.kind !== "received") return undefined;
    if (new TextDecoder().decode(frame).includes('"msg_type":"handshake"')) m2 = reception.replies;
    return { ...reception, replies: world.passages.length < 200 ? m2 : [] };
  };
  const ping = failureOf(lap.peer.ping("desk"));
  await expect.poll(() => lap.peer.stats()["answer.withheld"]).toBe(1);
  expect(world.framesTo("desk", "handshake_confirm")).toHaveLength(limits.answersPerExchangeMax);
  delete world.weather.after;
  await clock.pass(limits.requestTimeoutMsDefault);
  await ping;
});
