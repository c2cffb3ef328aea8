import { HikyakuError, limits } from "@hikyaku/protocol";
import { failureOf, ManualClock } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import type { Dialer, Exchange, Link, Stream, StreamHolder } from "../ports/link.ts";
import { Reachability } from "./reachability.ts";
import { Roads } from "./roads.ts";
import { StreamTable } from "./stream-table.ts";

const holder: StreamHolder = { opened: () => undefined, frame: async () => undefined, refused: () => undefined, closed: () => undefined };
const never = new AbortController().signal;

const exchangeTo = (address: string): Exchange => ({
  kind: "exchange",
  origin: { host: address, prefix: address },
  route: address,
  deliver: async () => ({ kind: "received", replies: [], more: false }),
});

/** Roads over a dialer that opens what it is told to. */
function arrange(open: (address: string) => Promise<Link>) {
  const clock = new ManualClock();
  const dialled: string[] = [];
  const dialer: Dialer = {
    dial: (address) => {
      dialled.push(address);
      return open(address);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const streams = new StreamTable();
  const roads = new Roads({ clock, dialer, reachability: new Reachability(() => true), streams, holder });
  const contact = (...addresses: readonly string[]) => ({
    did: "did:desk",
    name: "desk",
    minVersion: "1.0" as const,
    addresses: addresses.map((address) => ({ address, source: "person" as const })),
  });
  return { clock, dialled, streams, roads, contact };
}

const dead = (address: string): Promise<Link> =>
  Promise.reject(new HikyakuError("UNREACHABLE", `${address} cannot be reached: nothing listens there.`));
const route = async (link: Link): Promise<string> => link.route;

test("the error names each address with its cause", async () => {
  const { roads, contact } = arrange(dead);
  const failure = await failureOf(roads.tryEach(contact("http://a:1", "http://b:2"), never, route));
  expect(failure).toMatchObject({
    code: "UNREACHABLE",
    message:
      "desk is not reachable: http://a:1 cannot be reached: nothing listens there; http://b:2 cannot be reached: nothing listens there.",
  });
});

test("whoever has no address is named so, with the way out", async () => {
  const { roads, contact, dialled } = arrange(dead);
  await expect(roads.tryEach(contact(), never, route)).rejects.toMatchObject({
    code: "UNREACHABLE",
    message: expect.stringMatching(/no address of it is known; .*hikyaku trust desk --at/),
  });
  expect(dialled).toEqual([]);
});

test("the next address is tried, and the one that worked comes first from then on", async () => {
  const { roads, contact, dialled } = arrange((address) =>
    address === "http://a:1" ? dead(address) : Promise.resolve(exchangeTo(address)),
  );
  const desk = contact("http://a:1", "http://b:2");
  expect(await roads.tryEach(desk, never, route)).toBe("http://b:2");
  expect(await roads.tryEach(desk, never, route)).toBe("http://b:2");
  expect(dialled).toEqual(["http://a:1", "http://b:2", "http://b:2"]);
});

test("a refusal at one address leads to the next; where all refuse, the first refusal is told [ERR-2]", async () => {
  const { roads, contact } = arrange(async (address) => exchangeTo(address));
  const refuse = (code: "UNKNOWN_SENDER" | "OVERLOADED") => Promise.reject(new HikyakuError(code, `${code}.`));
  const desk = contact("http://a:1", "http://b:2");
  expect(await roads.tryEach(desk, never, (link) => (link.route === "http://a:1" ? refuse("UNKNOWN_SENDER") : route(link)))).toBe(
    "http://b:2",
  );
  const failure = failureOf(
    roads.tryEach(contact("http://a:1", "http://c:3"), never, (link) =>
      refuse(link.route === "http://a:1" ? "UNKNOWN_SENDER" : "OVERLOADED"),
    ),
  );
  expect(await failure).toMatchObject({ code: "UNKNOWN_SENDER" });
});

test("what is ours to decide ends the trying at once", async () => {
  const { roads, contact, dialled } = arrange(async (address) => exchangeTo(address));
  const failure = failureOf(
    roads.tryEach(contact("http://a:1", "http://b:2"), never, () => Promise.reject(new HikyakuError("DOWNGRADE_REFUSED", "weaker"))),
  );
  expect(await failure).toMatchObject({ code: "DOWNGRADE_REFUSED" });
  expect(dialled).toEqual(["http://a:1"]);
});

test("five failures rest an address for 30 s; nobody is called there meanwhile, and forgetting ends the rest [DLV-6]", async () => {
  const { clock, roads, contact, dialled } = arrange(dead);
  const desk = contact("http://a:1");
  for (let time = 0; time < limits.circuitFailuresMax; time += 1) await failureOf(roads.tryEach(desk, never, route));
  expect(await failureOf(roads.tryEach(desk, never, route))).toMatchObject({
    message: expect.stringContaining("http://a:1 failed too often and rests for a while"),
  });
  expect(dialled).toHaveLength(limits.circuitFailuresMax);
  clock.stall(limits.circuitOpenMs);
  await failureOf(roads.tryEach(desk, never, route));
  expect(dialled).toHaveLength(limits.circuitFailuresMax + 1);
  roads.forget(desk.addresses);
  expect(roads.size).toBe(0);
});

test("a stream that is up is the way, and its addresses are called only where it fails [WS-5]", async () => {
  const { roads, contact, dialled, streams } = arrange(async (address) => exchangeTo(address));
  const up = {
    kind: "stream",
    route: "its call from desk",
    origin: { host: "desk", prefix: "desk" },
    isOurs: false,
    close: () => undefined,
  } as unknown as Stream;
  streams.add(up, 0);
  streams.prove(up, "did:desk");
  expect(await roads.tryEach(contact("http://a:1"), never, route)).toBe("its call from desk");
  expect(dialled).toEqual([]);
  const broken = (link: Link) => (link === up ? Promise.reject(new HikyakuError("UNREACHABLE", "The stream is down.")) : route(link));
  expect(await roads.tryEach(contact("http://a:1"), never, broken)).toBe("http://a:1");
});

test("a stream that was opened for nothing is closed again", async () => {
  const reasons: string[] = [];
  const opened = {
    kind: "stream",
    route: "ws://a:1",
    origin: { host: "a", prefix: "a" },
    isOurs: true,
    close: (reason: string) => void reasons.push(reason),
  } as unknown as Stream;
  const { roads, contact, streams } = arrange(async () => opened);
  await failureOf(roads.tryEach(contact("http://a:1"), never, () => Promise.reject(new HikyakuError("HANDSHAKE_FAILED", "not desk"))));
  expect(reasons).toEqual(["of no use"]);
  expect(streams.of("did:desk")).toBeUndefined();
});

test("whoever calls it off gets CANCELED", async () => {
  const caller = new AbortController();
  const { roads, contact } = arrange(
    () => new Promise<Link>((_, reject) => caller.signal.addEventListener("abort", () => reject(new HikyakuError("CANCELED", "off")))),
  );
  const failure = failureOf(roads.tryEach(contact("http://a:1"), caller.signal, route));
  caller.abort();
  expect(await failure).toMatchObject({ code: "CANCELED" });
});
