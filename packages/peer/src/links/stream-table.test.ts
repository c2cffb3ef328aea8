import { limits } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import type { Stream } from "../ports/link.ts";
import { StreamTable } from "./stream-table.ts";

interface Tame extends Stream {
  readonly reasons: string[];
}

/** A stream that tells the table of its end at once, as the engine does. */
function stream(table?: StreamTable): Tame {
  const reasons: string[] = [];
  const self: Tame = {
    kind: "stream",
    origin: { host: "lap", prefix: "lap" },
    route: "its call from lap",
    isOurs: false,
    reasons,
    send: async () => undefined,
    refuse: () => undefined,
    close: (reason) => {
      reasons.push(reason);
      table?.drop(self, reason);
    },
  };
  return self;
}

test("a stream is nobody's until a frame proves whose it is, also where we dialled it [WS-5]", () => {
  const table = new StreamTable();
  const [called, dialled] = [stream(table), stream(table)];
  table.add(called, 0);
  table.add(dialled, 0, "did:desk");
  expect(table.of("did:desk")).toBeUndefined();
  table.prove(called, "did:lap");
  table.prove(dialled, "did:desk");
  expect([table.of("did:lap"), table.of("did:desk")]).toEqual([called, dialled]);
});

test("whoever proves to be another than was dialled is that other, and nobody else [WS-5]", () => {
  const table = new StreamTable();
  const dialled = stream(table);
  table.add(dialled, 0, "did:desk");
  table.prove(dialled, "did:mallory");
  expect([table.of("did:desk"), table.of("did:mallory")]).toEqual([undefined, dialled]);
});

test("of several streams with one peer the first that is up carries, until it is down [WS-5]", () => {
  const table = new StreamTable();
  const [first, second] = [stream(table), stream(table)];
  for (const one of [first, second]) {
    table.add(one, 0);
    table.prove(one, "did:lap");
  }
  expect(table.of("did:lap")).toBe(first);
  expect(table.drop(first, "cut")?.gone.signal.reason).toMatchObject({ code: "UNREACHABLE", message: "The connection ended: cut." });
  expect(table.of("did:lap")).toBe(second);
  expect(table.drop(first, "cut")).toBeUndefined();
});

test("one peer has at most three: the oldest other one is closed [WS-5]", () => {
  const table = new StreamTable();
  const streams = Array.from({ length: limits.linksPerPeerMax + 1 }, () => stream(table));
  for (const one of streams) {
    table.add(one, 0);
    table.prove(one, "did:lap");
  }
  expect(streams.map(({ reasons }) => reasons)).toEqual([["too many streams"], [], [], []]);
  expect(table.size).toBe(limits.linksPerPeerMax);
});

test("what nobody has proven in 30 s is closed, and what somebody has stays [WS-5]", () => {
  const table = new StreamTable();
  const [silent, proven] = [stream(table), stream(table)];
  table.add(silent, 0);
  table.add(proven, 0);
  table.prove(proven, "did:lap");
  table.sweep(limits.streamUnprovenMsMax - 1);
  expect(silent.reasons).toEqual([]);
  table.sweep(limits.streamUnprovenMsMax);
  expect([silent.reasons, proven.reasons]).toEqual([["nobody proved who they are"], []]);
});

test("a peer's streams go together, others stay, and none is left at the end", () => {
  const table = new StreamTable();
  const [lap, other, tab] = [stream(table), stream(table), stream(table)];
  for (const [one, did] of [
    [lap, "did:lap"],
    [other, "did:lap"],
    [tab, "did:tab"],
  ] as const) {
    table.add(one, 0);
    table.prove(one, did);
  }
  table.closePeer("did:lap", "blocked");
  expect([table.of("did:lap"), table.of("did:tab"), table.size]).toEqual([undefined, tab, 1]);
  table.closeAll("closed");
  expect(table.size).toBe(0);
});
