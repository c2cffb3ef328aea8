import { settle, World } from "@hikyaku/testkit";
import { expect, test } from "vitest";

test("a mistake of ours on the way out is logged and tried again later, not at once and for ever", async () => {
  await using world = new World();
  const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
  await world.introduce(desk, lap);
  const { outbox } = lap.needs;
  const next = outbox.next.bind(outbox);
  let mistakes = 0;
  outbox.next = (...lane) => {
    mistakes += 1;
    // Not for ever: a loop without a pause would keep this test from ending.
    return mistakes > 200 ? next(...lane) : Promise.reject(new TypeError("a mistake"));
  };
  const receipt = await lap.peer.send("desk", "message", { text: "hello" });
  for (let turn = 0; turn < 20; turn += 1) await settle();
  expect(mistakes).toBeLessThan(10);
  expect(receipt).toMatchObject({ stage: "queued", problem: expect.stringContaining("by a mistake of its own") });
  expect(lap.log).toContainEqual(expect.objectContaining({ level: "error", event: "background.failed" }));
  outbox.next = next;
  await expect(lap.peer.ping("desk")).resolves.toBeGreaterThan(0);
});
