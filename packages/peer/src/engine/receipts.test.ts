import { type ErrorCode, limits, pureCrypto, type ReceiptStage } from "@hikyaku/protocol";
import { failureOf, ManualClock, settle } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { emptyOutbox, MemoryOutbox } from "../adapters/memory-outbox.ts";
import { Counters } from "./counters.ts";
import type { Couriers } from "./couriers.ts";
import type { Ground } from "./needs.ts";
import { Receipts, type ReceiptWish } from "./receipts.ts";

const desk = "did:desk";

/** Receipts over a real outbox; of the couriers they need only the bag, which is empty here. */
function arrange(trouble?: string) {
  const clock = new ManualClock();
  const outbox = new MemoryOutbox({ state: emptyOutbox("00000000000000aa") });
  const courier = {
    bag: { find: () => undefined },
    arrived: () => undefined,
    trouble: trouble === undefined ? undefined : { reason: trouble },
  };
  const work: Promise<void>[] = [];
  const receipts = new Receipts({
    ground: { clock, counters: new Counters(), crypto: pureCrypto } as unknown as Ground,
    outbox,
    couriers: () => ({ find: () => courier }) as unknown as Couriers,
    background: (promise) => void work.push(promise),
    lost: async () => undefined,
    closing: new AbortController().signal,
  });
  const add = (id: string) => outbox.add({ id, to: desk, type: "message", priority: "normal", body: "{}", sentAt: 0, exp: 1 });
  const wait = (wish: Partial<ReceiptWish> = {}) => receipts.waitFor(desk, "1", { until: "stored", isContent: false, ...wish });
  return { clock, outbox, receipts, add, wait, settled: () => Promise.all(work) };
}

test("a message is receipted at the stage that was asked for, with the time each stage took [BOX-3]", async () => {
  const { clock, receipts, wait } = arrange();
  const receipt = wait({ until: "handled", exp: 5 });
  await clock.pass(10);
  receipts.arrive(desk, ["1"], "stored", undefined);
  await clock.pass(20);
  receipts.arrive(desk, ["0", "1"], "handled", undefined);
  expect(await receipt).toEqual({
    id: "1",
    stage: "handled",
    exp: 5,
    stages: [
      { stage: "stored", afterMs: 10 },
      { stage: "handled", afterMs: 30 },
    ],
  });
  expect(receipts.size).toBe(0);
});

test("a later stage settles an earlier wish", async () => {
  const { receipts, wait } = arrange();
  const receipt = wait();
  receipts.arrive(desk, ["1"], "delivered", undefined);
  expect(await receipt).toMatchObject({ stage: "delivered" });
});

test("a receipt counts only from the recipient, and only for a message that waits [DLV-2]", async () => {
  const { clock, outbox, receipts, add, wait, settled } = arrange();
  await add("1");
  const receipt = wait({ timeoutMs: 100 });
  receipts.arrive("did:mallory", ["1"], "stored", undefined);
  receipts.arrive("did:mallory", ["1"], "refused", "INTERNAL_ERROR");
  receipts.arrive(desk, ["2"], "stored", undefined);
  await settled();
  await clock.pass(100);
  expect(await receipt).toEqual({ id: "1", stage: "queued", stages: [], problem: "no receipt within 0.1 s" });
  expect(await outbox.find("1")).toMatchObject({ stage: "queued" });
  expect(await outbox.find("2")).toBeUndefined();
});

test("a refusal carries the recipient's code; a code we do not know is REJECTED", async () => {
  const { receipts, wait } = arrange();
  for (const [reason, code] of [
    ["INTERNAL_ERROR", "INTERNAL_ERROR"],
    ["TOO_BLUE", "REJECTED"],
    [undefined, "REJECTED"],
  ] as const) {
    const receipt = wait();
    receipts.arrive(desk, ["1"], "refused", reason);
    await expect(receipt).rejects.toMatchObject({ code });
  }
});

test("whoever's patience ends learns how far the message had come, and what keeps it", async () => {
  const { clock, receipts, wait } = arrange("desk is not reachable.");
  const [handled, stored] = [
    wait({ until: "handled", timeoutMs: 100 }),
    receipts.waitFor(desk, "2", { until: "stored", isContent: false, timeoutMs: 100 }),
  ];
  receipts.arrive(desk, ["1"], "delivered", undefined);
  await clock.pass(100);
  expect(await handled).toMatchObject({ stage: "delivered", problem: "desk is not reachable." });
  expect(await stored).toMatchObject({ stage: "queued", problem: "desk is not reachable." });
});

test("a stage is noted once and only upwards, however often the recipient repeats it", async () => {
  const { receipts, wait } = arrange();
  const receipt = wait({ until: "handled" });
  for (const stage of ["delivered", "stored", "delivered", "delivered", "handled"] as const) receipts.arrive(desk, ["1"], stage, undefined);
  expect((await receipt).stages.map(({ stage }) => stage)).toEqual(["delivered", "handled"]);
});

test("trouble with a peer ends the wait of those who are content with less, and of no others", async () => {
  const { receipts, wait } = arrange();
  const others = [
    receipts.waitFor(desk, "patient", { until: "stored", isContent: false }),
    receipts.waitFor("did:tab", "elsewhere", { until: "stored", isContent: true }),
    receipts.waitFor(desk, "unnamed", { until: "stored", isContent: true }),
  ].map(failureOf);
  const content = wait({ isContent: true });
  receipts.troubled(desk, "no room", ["1"]);
  expect(await content).toEqual({ id: "1", stage: "queued", stages: [], problem: "no room" });
  expect(receipts.size).toBe(3);
  receipts.troubled(desk, "not reachable");
  await settle();
  expect(receipts.size).toBe(2);
  await receipts.expired(desk, "patient");
  expect(await others[0]).toMatchObject({ code: "MESSAGE_EXPIRED" });
  await others[2];
});

test("a caller that gives up is told so, and one more than may wait is told as well", async () => {
  const { receipts, wait } = arrange();
  const caller = new AbortController();
  const canceled = failureOf(wait({ signal: caller.signal }));
  caller.abort();
  expect(await canceled).toMatchObject({ code: "CANCELED" });
  const all = Array.from({ length: limits.pendingRequestsMax }, (_, index) =>
    failureOf(receipts.waitFor(desk, `${index}`, { until: "stored", isContent: false })),
  );
  expect(await failureOf(wait())).toMatchObject({ code: "OVERLOADED" satisfies ErrorCode });
  receipts.failAll(Object.assign(new Error("closed"), { code: "CLOSED" }) as never);
  await Promise.all(all);
  expect(receipts.size).toBe(0);
});

test.each<[ReceiptStage, string]>([
  ["stored", "stored"],
  ["refused", "refused"],
])("the recipient's %s is durable as %s", async (stage, kept) => {
  const { outbox, receipts, add, settled } = arrange();
  await add("1");
  receipts.arrive(desk, ["1"], stage, stage === "refused" ? "INTERRUPTED" : undefined);
  await settled();
  expect(await outbox.find("1")).toMatchObject({ stage: kept, ...(stage === "refused" ? { reason: "INTERRUPTED" } : {}) });
});
