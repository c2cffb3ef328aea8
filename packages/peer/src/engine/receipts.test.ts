import { failureOf, ManualClock } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { Receipts } from "./receipts.ts";
import { Waits } from "./waits.ts";

const desk = { did: "did:desk", name: "desk" };

function arrange(): { readonly clock: ManualClock; readonly receipts: Receipts } {
  const clock = new ManualClock();
  return { clock, receipts: new Receipts(clock, new Waits(clock)) };
}

test("a message is receipted at the stage that was asked for, with the time each stage took", async () => {
  const { clock, receipts } = arrange();
  const receipt = receipts.waitFor(desk, "1", "handled", {});
  await clock.pass(10);
  receipts.arrive("did:desk", ["1"], "stored", undefined);
  await clock.pass(20);
  receipts.arrive("did:desk", ["0", "1"], "handled", undefined);
  expect(await receipt).toEqual({
    id: "1",
    stage: "handled",
    stages: [
      { stage: "stored", afterMs: 10 },
      { stage: "handled", afterMs: 30 },
    ],
  });
});

test("a later stage settles an earlier wish", async () => {
  const { receipts } = arrange();
  const receipt = receipts.waitFor(desk, "1", "stored", {});
  receipts.arrive("did:desk", ["1"], "delivered", undefined);
  expect(await receipt).toMatchObject({ stage: "delivered" });
});

test("a receipt counts only from the recipient, and only for a message that waits", async () => {
  const { clock, receipts } = arrange();
  const receipt = receipts.waitFor(desk, "1", "stored", { timeoutMs: 100 });
  const outcome = failureOf(receipt);
  receipts.arrive("did:mallory", ["1"], "stored", undefined);
  receipts.arrive("did:mallory", ["1"], "refused", "INTERNAL_ERROR");
  receipts.arrive("did:desk", ["2"], "stored", undefined);
  await clock.pass(100);
  expect(await outcome).toMatchObject({
    code: "TIMED_OUT",
    message: expect.stringContaining("Nobody knows whether it arrived"),
  });
});

test("a refusal carries the recipient's code; a code we do not know is REJECTED", async () => {
  const { receipts } = arrange();
  for (const [reason, code] of [
    ["INTERNAL_ERROR", "INTERNAL_ERROR"],
    ["TOO_BLUE", "REJECTED"],
    [undefined, "REJECTED"],
  ] as const) {
    const receipt = receipts.waitFor(desk, "1", "stored", {});
    receipts.arrive("did:desk", ["1"], "refused", reason);
    await expect(receipt).rejects.toMatchObject({ code });
  }
});

test("whoever gives up learns how far the message had come", async () => {
  const { clock, receipts } = arrange();
  const receipt = receipts.waitFor(desk, "1", "handled", { timeoutMs: 100 });
  const outcome = failureOf(receipt);
  receipts.arrive("did:desk", ["1"], "delivered", undefined);
  await clock.pass(100);
  expect(await outcome).toMatchObject({
    code: "TIMED_OUT",
    message: expect.stringMatching(/"handled" from desk for 1.*It is delivered/),
  });
});

test("a stage is noted once and only upwards, however often the recipient repeats it", async () => {
  const { receipts } = arrange();
  const receipt = receipts.waitFor(desk, "1", "handled", {});
  for (const stage of ["delivered", "stored", "delivered", "delivered", "handled"] as const)
    receipts.arrive("did:desk", ["1"], stage, undefined);
  expect((await receipt).stages.map(({ stage }) => stage)).toEqual(["delivered", "handled"]);
});
