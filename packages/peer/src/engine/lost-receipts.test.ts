/** Receipts are told once and kept by nobody: whoever misses one asks for it in the next session, whichever side began that. */
import { HikyakuError, limits } from "@hikyaku/protocol";
import { World } from "@hikyaku/testkit";
import { expect, test, vi } from "vitest";

test.each(["lap", "desk"] as const)(
  "a receipt that was lost with the last session is asked for in the next, which %s begins",
  async (caller) => {
    await using world = new World();
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
    await world.introduce(desk, lap);
    const { id, stage } = await lap.peer.send("desk", "message", { text: "hello" }, { until: "stored" });
    expect(stage).toBe("stored");
    world.weather.before = (to) => {
      if (to.includes("lap")) throw new HikyakuError("UNREACHABLE", "The lap is down.");
      return undefined;
    };
    const handled = Promise.withResolvers<void>();
    desk.peer.on("message", () => handled.resolve());
    await handled.promise;
    await vi.waitFor(() => expect(desk.peer.stats()["message.handled"]).toBe(1));
    const again = await world.restart(lap);
    expect(await again.peer.explain(id)).toMatchObject({ stage: "stored" });
    delete world.weather.before;
    if (caller === "lap") await again.peer.ping("desk");
    else await desk.peer.ping("lap");
    await vi.waitFor(async () => expect(await again.peer.explain(id)).toMatchObject({ stage: "handled" }), 5000);
  },
);

test("more receipts than fit in one question were lost, and all are asked for", async () => {
  await using world = new World();
  const [desk, lap] = [await world.peer("desk", { speaksStreams: true }), await world.peer("lap", { speaksStreams: true })];
  await world.introduce(desk, lap);
  const count = limits.receiptIdsMax + 100;
  await Promise.all(Array.from({ length: count }, (_, json) => lap.peer.send("desk", "message", { json })));
  await lap.peer.close();
  desk.peer.on("message", () => undefined);
  await vi.waitFor(() => expect(desk.peer.stats()["message.handled"]).toBe(count), 10_000);
  // What it had to tell is gone with it.
  await world.restart(desk, { speaksStreams: true });
  const again = await world.restart(lap, { speaksStreams: true });
  expect(await again.needs.outbox.usage()).toMatchObject({ count });
  await again.peer.ping("desk");
  await vi.waitFor(async () => expect(await again.needs.outbox.usage()).toMatchObject({ count: 0 }), 10_000);
});
