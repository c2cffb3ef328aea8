import { encodeEnvelope } from "@hikyaku/protocol";
import { deafHolder, Puppet, settle, World } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";
import type { AddressKind } from "../ports/link.ts";
import { keepAnnounced, Reachability } from "./reachability.ts";

const kinds: readonly AddressKind[] = ["public", "private", "loopback", "link-local", "multicast", "unspecified", "reserved"];

test.each([
  ["from elsewhere, ours on a network", "other", false, ["public"]],
  ["from elsewhere, ours on loopback", "other", true, ["public"]],
  ["from there, ours on a network", "host", false, ["public", "private"]],
  ["from there, ours on loopback", "host", true, ["public", "private", "loopback"]],
] as const)("a peer that calls %s may point us at these only [TRUST-6]", (_, callsFrom, isLoopbackOurs, harmless) => {
  const reachability = new Reachability(() => isLoopbackOurs);
  reachability.called("did:desk", callsFrom);
  reachability.called("did:other", "host");
  expect(kinds.filter((kind) => reachability.isHarmless("did:desk", "host", kind))).toEqual(harmless);
});

test("whoever never called may point us at public places only, also after it was forgotten [TRUST-6]", () => {
  const reachability = new Reachability(() => true);
  expect(kinds.filter((kind) => reachability.isHarmless("did:desk", "host", kind))).toEqual(["public"]);
  reachability.called("did:desk", "host");
  reachability.forget("did:desk");
  expect(kinds.filter((kind) => reachability.isHarmless("did:desk", "host", kind))).toEqual(["public"]);
});

const inLink = (address: string) => ({ address, source: "link" }) as const;

test.each([
  ["on a network", false, ["public", "private", "reserved"]],
  ["on loopback", true, ["public", "private", "loopback", "reserved"]],
] as const)("with our listener %s, a name in a pairing link may lead to these only [TRUST-9]", (_, isLoopbackOurs, allowed) => {
  const reachability = new Reachability(() => isLoopbackOurs);
  for (const address of [
    "http://desk.example:1",
    "http://localhost:1",
    "http://127.1:1",
    "http://0x7f000001:1",
    "http://1.2.3.4.example:1",
  ])
    expect(kinds.filter((kind) => reachability.mayDial("did:desk", inLink(address), "host", kind))).toEqual(allowed);
});

test("an IP address in a pairing link, and a name that a person typed, may be dialled as they are [TRUST-9]", () => {
  const reachability = new Reachability(() => false);
  const typed = { address: "http://localhost:1", source: "person" } as const;
  for (const known of [inLink("http://127.0.0.1:1"), inLink("http://[fe80::1]:1"), inLink("http://[::ffff:127.0.0.1]:1"), typed])
    expect(kinds.filter((kind) => reachability.mayDial("did:desk", known, "host", kind))).toEqual(kinds);
});

test("of an announcement at most eight addresses in form are kept", () => {
  expect(keepAnnounced(["http://a:1", "https://a:1", "http://a:1/x"])).toEqual(["http://a:1"]);
  expect(keepAnnounced(Array.from({ length: 20 }, (_, index) => `http://a:${index + 1}`))).toHaveLength(8);
});

describe("in a session [TRUST-6]", () => {
  /** A puppet that calls from one host and announces another. */
  const announce = async (world: World, callsFrom: string, announced: string, kind: AddressKind, ours = "desk") => {
    const desk = await world.peer(ours);
    const puppet = new Puppet(99);
    await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
    const session = await puppet.connect(desk);
    await session.deliver(encodeEnvelope(session.seal("discovery", { addresses: [`http://${announced}:80`] })), callsFrom);
    world.places.set(announced, kind);
    let frames = 0;
    const listener = world.network.listener(`http://${announced}:80`);
    await listener.start(async () => {
      frames += 1;
      return { kind: "refused", code: "OVERLOADED" };
    }, deafHolder);
    const receipt = await desk.peer.send("puppet", "message", { text: "hello" });
    await listener[Symbol.asyncDispose]();
    return { frames, receipt };
  };

  test.each<[string, string, AddressKind]>([
    ["a neighbour", "192.168.1.1", "private"],
    ["this machine", "127.0.0.1", "loopback"],
    ["the cloud's secrets", "169.254.169.254", "link-local"],
    ["everybody", "224.0.0.1", "multicast"],
  ])("%s is not dialled on a peer's word", async (_, host, kind) => {
    await using world = new World();
    const { frames, receipt } = await announce(world, "203.0.113.7", host, kind);
    expect(frames).toBe(0);
    expect(receipt).toMatchObject({ stage: "queued", problem: expect.stringMatching(new RegExp(`not reachable.*${host}.*not dialled`)) });
  });

  test("not even link-local where the peer calls from there", async () => {
    await using world = new World();
    expect((await announce(world, "169.254.1.1", "169.254.1.1", "link-local")).frames).toBe(0);
  });

  test.each<[string, string, AddressKind, string]>([
    ["a public place", "203.0.113.9", "public", "desk"],
    ["a private host that the peer calls from", "203.0.113.7", "private", "desk"],
    ["loopback that the peer calls from, where ours is too", "203.0.113.7", "loopback", "127.0.0.1"],
  ])("%s is dialled", async (_, host, kind, ours) => {
    await using world = new World();
    expect((await announce(world, "203.0.113.7", host, kind, ours)).frames).toBe(1);
  });

  test("a link with a name that leads here is not used, nor is the name later; once the person typed it, it is [TRUST-9]", async () => {
    await using world = new World();
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
    const [early, late] = [desk.peer.invite({ name: "lap", allow: [] }), desk.peer.invite({ name: "lap", allow: [] })];
    world.places.set("desk", "loopback");
    await expect(lap.peer.accept(early.link, { name: "desk", allow: [] })).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(world.passages).toEqual([]);
    world.places.set("desk", "public");
    await lap.peer.accept(late.link, { name: "desk", allow: [] });
    await late.paired;
    for (let turn = 0; turn < 20; turn += 1) await settle();
    world.places.set("desk", "loopback");
    const calls = (): number => world.passages.filter(({ from }) => from === "lap").length;
    const before = calls();
    expect(await lap.peer.send("desk", "message", { text: "hello" })).toMatchObject({
      stage: "queued",
      problem: expect.stringContaining("http://desk:7340 is not dialled"),
    });
    expect(calls()).toBe(before);
    expect(lap.peer.givenAddresses("desk")).toEqual([]);
    await lap.peer.trust({ peer: "desk", addresses: ["http://desk:7340"] });
    expect(await lap.peer.ping("desk")).toBeGreaterThan(0);
    expect(lap.peer.givenAddresses("desk")).toEqual(["http://desk:7340"]);
  });

  test("a person's word is permission to dial any of them", async () => {
    await using world = new World();
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
    await world.introduce(desk, lap);
    world.places.set("desk", "link-local");
    expect(await lap.peer.ping("desk")).toBeGreaterThan(0);
  });
});
