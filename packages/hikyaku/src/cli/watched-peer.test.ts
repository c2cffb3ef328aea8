import { limits } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { isWakeDue, type Sight, see, unseen, type WatchedPeer } from "./watched-peer.ts";

const sight = (health: Sight["health"], reports: Sight["reports"] = []): Sight => ({ name: "desk", health, reports });
const report = (position: number, state: string) => ({ position, state, receivedAt: position * 1000 });

test("the first look tells how it is, later ones only what has changed", () => {
  const first = see(unseen("desk"), { ...sight("connected", [report(3, "busy")]), heardAt: 5 }, 9000);
  expect(first.news).toEqual([
    { event: "presence", at: 9000, presence: "connected", heardAt: 5 },
    { event: "status", at: 3000, state: "busy" },
  ]);
  expect(see(first.after, sight("connected"), 9001).news).toEqual([]);
  const said = see(first.after, sight("connected", [report(4, "idle"), { ...report(7, "busy"), detail: "page 2" }]), 9002);
  expect(said.news).toEqual([
    { event: "status", at: 4000, state: "idle" },
    { event: "status", at: 7000, state: "busy", detail: "page 2" },
  ]);
  expect(said.after.position).toBe(7);
});

test("a peer is silent without a session as it is with one that nobody speaks in", () => {
  const connected = see(unseen("desk"), sight("connected"), 0).after;
  const silent = see(connected, sight("silent"), 1);
  expect(silent.news).toMatchObject([{ presence: "silent" }]);
  expect(see(silent.after, sight("idle"), 2).news).toEqual([]);
  expect(see(connected, sight("idle"), 2).news).toMatchObject([{ presence: "silent" }]);
  expect(see(silent.after, sight("connected"), 3).news).toMatchObject([{ presence: "connected" }]);
});

test("a silent peer is called once while that call is tried, and once a minute however often it falls silent [WAKE-3]", () => {
  const woken = (peer: WatchedPeer, at: number): WatchedPeer => ({ ...peer, wokenAt: at, isWoken: true });
  const silent = see(unseen("desk"), sight("idle"), 0).after;
  expect(isWakeDue(unseen("desk"), 0)).toBe(false);
  expect(isWakeDue(silent, 0)).toBe(true);
  const called = woken(silent, 0);
  expect([1, limits.wakeLifeMs - 1, limits.wakeLifeMs].map((now) => isWakeDue(called, now))).toEqual([false, false, true]);
  const back = see(called, sight("connected"), 10).after;
  expect(isWakeDue(back, 90_000)).toBe(false);
  const again = see(back, sight("silent"), 20).after;
  expect([20, 59_999, 60_000].map((now) => isWakeDue(again, now))).toEqual([false, false, true]);
});
