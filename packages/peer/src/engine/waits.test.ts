import { HikyakuError, limits } from "@hikyaku/protocol";
import { failureOf, ManualClock } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { patiently, untilAborted, Waits } from "./waits.ts";

test("an answer goes to whoever waits for it, once", async () => {
  const waits = new Waits(new ManualClock());
  const answer = waits.open<string>("pong 1", "pong", {});
  expect(waits.settle("pong 2", "wrong")).toBe(false);
  expect(waits.settle("pong 1", "right")).toBe(true);
  expect(waits.settle("pong 1", "late")).toBe(false);
  expect(await answer).toBe("right");
});

test("a wait that is not answered ends when its time is up and says what it was for", async () => {
  const clock = new ManualClock();
  const waits = new Waits(clock);
  const answer = waits.open("pong 1", "pong from desk", { timeoutMs: 2000 });
  const outcome = failureOf(answer);
  await clock.pass(1999);
  expect(waits.settle("pong 2", undefined)).toBe(false);
  await clock.pass(1);
  expect(await outcome).toMatchObject({ code: "TIMED_OUT", message: "No pong from desk within 2 s." });
  expect(waits.settle("pong 1", undefined)).toBe(false);
});

test("thirty seconds unless told, and never above an hour", async () => {
  const clock = new ManualClock();
  const waits = new Waits(clock);
  const usual = failureOf(waits.open("a", "answer", {}));
  const longest = failureOf(waits.open("b", "answer", { timeoutMs: Number.POSITIVE_INFINITY }));
  await clock.pass(limits.requestTimeoutMsMax);
  expect(await usual).toMatchObject({ message: "No answer within 30 s." });
  expect(await longest).toMatchObject({
    message: "No answer within 3600 s.",
  });
});

test("a caller may stop waiting, before or during", async () => {
  const waits = new Waits(new ManualClock());
  await expect(waits.open("a", "answer", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "CANCELED" });
  const caller = new AbortController();
  const answer = waits.open("a", "answer", { signal: caller.signal });
  caller.abort("enough");
  await expect(answer).rejects.toMatchObject({ code: "CANCELED", message: "Waiting for the answer was canceled.", cause: "enough" });
  expect(waits.settle("a", undefined)).toBe(false);
});

test("a failure reaches its wait only, and closing reaches them all", async () => {
  const waits = new Waits(new ManualClock());
  const [one, two, three] = ["one", "two", "three"].map((key) => waits.open(key, key, {}));
  expect(waits.fail("one", new HikyakuError("UNAUTHORIZED", "no"))).toBe(true);
  await expect(one).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  waits.failAll(new HikyakuError("CLOSED", "closed"));
  await expect(two).rejects.toMatchObject({ code: "CLOSED" });
  await expect(three).rejects.toMatchObject({ code: "CLOSED" });
});

test("no more than the bound wait at once, and a place that is given back can be taken", async () => {
  const waits = new Waits(new ManualClock());
  const open = Array.from({ length: limits.pendingRequestsMax }, (_, index) => waits.open(`${index}`, "answer", {}));
  await expect(waits.open("one more", "answer", {})).rejects.toMatchObject({ code: "OVERLOADED" });
  waits.settle("7", "done");
  const next = waits.open("one more", "answer", {});
  for (let index = 0; index < open.length; index += 1) waits.settle(`${index}`, "done");
  waits.settle("one more", "done");
  await Promise.all([...open, next]);
});

test("whoever stops waiting for shared work gets CANCELED, and the work goes on", async () => {
  const work = Promise.withResolvers<string>();
  const caller = new AbortController();
  const [impatient, patient] = [
    untilAborted(work.promise, caller.signal, "handshake"),
    untilAborted(work.promise, new AbortController().signal, "handshake"),
  ];
  caller.abort();
  await expect(impatient).rejects.toMatchObject({ code: "CANCELED" });
  work.resolve("done");
  expect(await patient).toBe("done");
  await expect(untilAborted(work.promise, AbortSignal.abort(), "handshake")).rejects.toMatchObject({ code: "CANCELED" });
});

test("work under patience ends with the caller, with the peer or when the time is up, and says which", async () => {
  const clock = new ManualClock();
  const closing = new AbortController();
  const caller = new AbortController();
  const ground = { clock, closing: closing.signal };
  const forever = (signal: AbortSignal): Promise<never> => untilAborted(new Promise<never>(() => undefined), signal, "handshake");
  expect(await patiently(ground, {}, async () => "done")).toBe("done");
  const canceled = failureOf(patiently(ground, { signal: caller.signal }, forever));
  caller.abort();
  expect(await canceled).toMatchObject({ code: "CANCELED" });
  const late = failureOf(patiently(ground, { timeoutMs: 50 }, forever));
  await clock.pass(50);
  expect(await late).toMatchObject({ code: "TIMED_OUT" });
  const closed = failureOf(patiently(ground, {}, forever));
  closing.abort();
  expect(await closed).toMatchObject({ code: "CLOSED" });
});
