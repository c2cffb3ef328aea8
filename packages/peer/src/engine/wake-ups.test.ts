import { HikyakuError, limits, newMessageId } from "@hikyaku/protocol";
import { failureOf, ManualClock, Puppet, type Resident, World } from "@hikyaku/testkit";
import { expect, test, vi } from "vitest";
import type { Receipt } from "./receipts.ts";
import type { Wake, WakeCall } from "./wake-ups.ts";

/** Lap calls desk to come up. */
async function sleepers(wake: Wake | undefined, { clock = new ManualClock() }: { readonly clock?: ManualClock } = {}) {
  const world = new World();
  const desk = await world.peer("desk", { clock, ...(wake === undefined ? {} : { settings: { wake } }) });
  const lap = await world.peer("lap", { clock });
  await world.introduce(desk, lap);
  await desk.peer.trust({ peer: "lap", allow: ["wake_up"] });
  return { world, desk, lap, clock, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

/** Remembers who called. */
function remembering() {
  const calls: Pick<WakeCall, "from" | "reason">[] = [];
  const wake: Wake = async ({ from, reason }) => void calls.push({ from, ...(reason === undefined ? {} : { reason }) });
  return { calls, wake };
}

/** How far the call came, or the code of its refusal. */
const outcomeOf = (call: Promise<Receipt>): Promise<string> =>
  call.then(
    ({ stage }) => stage,
    (error: HikyakuError) => error.code,
  );

test("a call wakes the agent up, who called and why go with it, and the caller gets a receipt [WAKE-1]", async () => {
  const { calls, wake } = remembering();
  await using scene = await sleepers(wake);
  const { desk, lap } = scene;
  expect(await lap.peer.wake("desk", "news")).toMatchObject({ stage: "handled" });
  expect((await lap.peer.wake("desk")).stage).toBe("handled");
  const from = { did: lap.peer.did, name: "lap", trust: "trusted" };
  expect(calls).toEqual([{ from, reason: "news" }, { from }]);
  expect(desk.peer.stats()).toMatchObject({ "wake.called": 2 });
  expect((await lap.peer.capabilities("desk")).accepts).toContain("wake_up");
});

test("a call lives ten minutes: whoever comes back later is not woken up [WAKE-1]", async () => {
  const { calls, wake } = remembering();
  await using scene = await sleepers(wake);
  const { world, desk, lap, clock } = scene;
  let isDown = true;
  world.weather.before = () => {
    if (isDown) throw new HikyakuError("UNREACHABLE", "nobody is there");
    return undefined;
  };
  const receipt = await lap.peer.wake("desk");
  expect(receipt).toMatchObject({ stage: "queued", exp: clock.now() + limits.wakeLifeMs });
  await clock.pass(limits.wakeLifeMs + limits.heartbeatIntervalMs);
  isDown = false;
  expect((await lap.peer.dead({ limit: 9 })).map(({ type, reason }) => [type, reason])).toEqual([["wake_up", "MESSAGE_EXPIRED"]]);
  await lap.peer.ping("desk").catch(() => undefined);
  await clock.pass(limits.retryMsMax);
  expect(calls).toEqual([]);
  expect(desk.peer.stats()).not.toHaveProperty("wake.called");
});

test.each([
  ["without the scope", { allow: ["message", "task_delegate"] as const }, "UNAUTHORIZED"],
  ["that is only seen", { level: "seen" as const, allow: ["wake_up"] as const }, "UNAUTHORIZED"],
])("a peer %s wakes nobody up [WAKE-2]", async (_, change, code) => {
  const { calls, wake } = remembering();
  await using scene = await sleepers(wake);
  await scene.desk.peer.trust({ peer: "lap", ...change });
  expect(await failureOf(scene.lap.peer.wake("desk"))).toMatchObject({ code });
  expect(calls).toEqual([]);
});

test("a call that waited while its sender lost the scope wakes nobody up [WAKE-2]", async () => {
  const calls: string[] = [];
  const first = Promise.withResolvers<void>();
  await using scene = await sleepers(async ({ reason = "" }) => {
    calls.push(reason);
    await first.promise;
  });
  const { desk, lap } = scene;
  const one = lap.peer.wake("desk", "first");
  const two = failureOf(lap.peer.wake("desk", "second"));
  await vi.waitFor(() => expect(desk.peer.stats()).toMatchObject({ "received.wake_up": 2 }));
  await desk.peer.trust({ peer: "lap", allow: ["message"] });
  first.resolve();
  expect(await one).toMatchObject({ stage: "handled" });
  expect(await two).toMatchObject({ code: "UNAUTHORIZED" });
  expect(calls).toEqual(["first"]);
});

test("where the owner chose nothing to wake up, a call is told so and nobody is told that it may call [WAKE-2]", async () => {
  await using scene = await sleepers(undefined);
  const { lap } = scene;
  expect(await failureOf(lap.peer.wake("desk"))).toMatchObject({ code: "UNSUPPORTED_TYPE" });
  expect((await lap.peer.capabilities("desk")).accepts).not.toContain("wake_up");
});

test("a call that was kept before the owner chose otherwise is refused", async () => {
  await using scene = await sleepers(() => new Promise(() => undefined));
  const { world, desk, lap, clock } = scene;
  lap.peer.wake("desk", "first").catch(() => undefined);
  const second = failureOf(lap.peer.wake("desk", "second"));
  await vi.waitFor(() => expect(desk.peer.stats()).toMatchObject({ "received.wake_up": 2 }));
  const { wake: _, ...settings } = desk.settings;
  await Promise.all([world.restart({ ...desk, settings }), clock.pass(limits.closeMsMax)]);
  await clock.pass(limits.retryMsMax);
  expect(await second).toMatchObject({ code: "UNSUPPORTED_TYPE" });
});

test("three calls at once and one a minute wake up, and what is above is refused with RATE_LIMITED in the receipt [WAKE-3]", async () => {
  const { calls, wake } = remembering();
  await using scene = await sleepers(wake);
  const { desk, lap, clock } = scene;
  const outcomes: string[] = [];
  for (let n = 0; n < 4; n += 1) outcomes.push(await outcomeOf(lap.peer.wake("desk")));
  await clock.pass(60_000);
  for (let n = 0; n < 2; n += 1) outcomes.push(await outcomeOf(lap.peer.wake("desk")));
  expect(outcomes).toEqual(["handled", "handled", "handled", "RATE_LIMITED", "handled", "RATE_LIMITED"]);
  expect(calls).toHaveLength(4);
  expect(desk.peer.stats()).toMatchObject({ "wake.RATE_LIMITED": 2 });
  // The refusal is the recipient's last word: the call is not made again.
  expect((await lap.peer.dead({ limit: 9 })).map(({ reason }) => reason)).toEqual(["RATE_LIMITED", "RATE_LIMITED"]);
});

test("all together wake up ten times a minute, and whoever was refused for that keeps what is its own [WAKE-3]", async () => {
  const { calls, wake } = remembering();
  await using scene = await sleepers(wake);
  const { world, desk, clock } = scene;
  const others: Resident[] = [];
  for (let n = 0; n < 5; n += 1) {
    const other = await world.peer(`other${n}`, { clock });
    await world.introduce(desk, other);
    await desk.peer.trust({ peer: other.name, allow: ["wake_up"] });
    others.push(other);
  }
  const outcomes: string[] = [];
  for (const { peer } of others) for (let n = 0; n < 3; n += 1) outcomes.push(await outcomeOf(peer.wake("desk")));
  expect(outcomes.filter((outcome) => outcome === "handled")).toHaveLength(10);
  expect(outcomes.slice(10)).toEqual(Array.from({ length: 5 }, () => "RATE_LIMITED"));
  await clock.pass(60_000);
  const refused = others[4] as Resident;
  const later = await Promise.all([1, 2, 3].map(() => outcomeOf(refused.peer.wake("desk"))));
  expect(later).toEqual(["handled", "handled", "handled"]);
  expect(calls).toHaveLength(13);
});

test("a call arrives twice and wakes up once; a transient one wakes nobody up [WAKE-1] [BOX-2]", async () => {
  const { calls, wake } = remembering();
  await using scene = await sleepers(wake);
  const { desk, clock } = scene;
  const puppet = new Puppet(80, { now: () => clock.now() });
  await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["wake_up"] });
  const session = await puppet.connect(desk);
  const idOf = (n: number) => newMessageId(clock.now(), new Uint8Array(10).fill(n));
  const body = (n: number) => ({ id: idOf(n), sent_at: clock.now() });
  await session.send("wake_up", body(1));
  await vi.waitFor(() => expect(calls).toHaveLength(1));
  await session.send("wake_up", body(1));
  await session.send("wake_up", { ...body(2), transient: true });
  await session.send("wake_up", body(3));
  await vi.waitFor(() => expect(calls).toHaveLength(2));
});

test.each<[string, () => Promise<void>]>([
  ["throws", () => Promise.reject(new Error("canary path /home"))],
  ["throws an error with a code", () => Promise.reject(new HikyakuError("KEY_FILE", "canary"))],
  ["throws what peers may be told", () => Promise.reject(new HikyakuError("UNAUTHORIZED", "canary"))],
])("where waking up %s the caller learns that it failed, and nobody learns how [WAKE-4] [KEY-6]", async (_, wake) => {
  await using scene = await sleepers(wake);
  const failure = await failureOf(scene.lap.peer.wake("desk"));
  expect(failure).toMatchObject({ code: "INTERNAL_ERROR" });
  expect(String(failure)).not.toContain("canary");
  expect(JSON.stringify(scene.desk.log)).not.toContain("canary");
  expect(scene.desk.log).toContainEqual(expect.objectContaining({ level: "error", event: "wake.failed" }));
});

test("a call that a crash cuts short is told so, and wakes nobody up again [WAKE-1] [BOX-5]", async () => {
  let calls = 0;
  await using scene = await sleepers(() => {
    calls += 1;
    return new Promise(() => undefined);
  });
  const { world, desk, lap, clock } = scene;
  const call = failureOf(lap.peer.wake("desk"));
  await vi.waitFor(() => expect(calls).toBe(1));
  await Promise.all([world.restart(desk), clock.pass(limits.closeMsMax)]);
  await clock.pass(limits.retryMsMax);
  expect(await call).toMatchObject({ code: "INTERRUPTED" });
  expect(calls).toBe(1);
});

test("whoever wakes up is told when the peer closes", async () => {
  let signal: AbortSignal | undefined;
  await using scene = await sleepers((call) => {
    signal = call.signal;
    return new Promise((resolve) => call.signal.addEventListener("abort", () => resolve(), { once: true }));
  });
  const { desk, lap } = scene;
  lap.peer.wake("desk").catch(() => undefined);
  await vi.waitFor(() => expect(signal?.aborted).toBe(false));
  await desk.peer.close();
  expect(signal?.aborted).toBe(true);
});

test("a reason of 257 letters is refused before anything is sent, and nobody is called who is not known", async () => {
  await using scene = await sleepers(remembering().wake);
  const { world, lap } = scene;
  expect(await failureOf(lap.peer.wake("desk", "x".repeat(257)))).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(await failureOf(lap.peer.wake("nobody"))).toMatchObject({ code: "UNKNOWN_PEER" });
  expect(world.passages).toEqual([]);
});
