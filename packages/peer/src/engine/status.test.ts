import { MemoryStatusHistory, type StatusReport } from "@hikyaku/peer";
import { HikyakuError, limits } from "@hikyaku/protocol";
import { failureOf, ManualClock, World } from "@hikyaku/testkit";
import { expect, test } from "vitest";

async function reporters(statuses = new MemoryStatusHistory()) {
  const world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock, needs: { statuses } });
  const lap = await world.peer("lap", { clock });
  await world.introduce(desk, lap);
  return { world, desk, lap, clock, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

test("what a peer says of how it is stays, also after a restart, with when it was heard [STATUS-1]", async () => {
  await using scene = await reporters();
  const { world, desk, lap, clock } = scene;
  const [first] = [clock.now()];
  await lap.peer.send("desk", "status_report", { state: "busy", detail: "page 4" });
  await clock.pass(1000);
  await lap.peer.send("desk", "status_report", { state: "idle" });
  const again = await world.restart(desk);
  const history = await again.peer.statusHistory("lap", { limit: 9 });
  expect(history).toMatchObject([
    { from: lap.peer.did, state: "busy", detail: "page 4", receivedAt: first },
    { state: "idle", receivedAt: first + 1000 },
  ]);
  expect(await again.peer.statusHistory("lap", { after: history[0]?.position ?? 0, limit: 9 })).toEqual(history.slice(1));
  expect(await failureOf(again.peer.statusHistory("nobody", { limit: 9 }))).toMatchObject({ code: "UNKNOWN_PEER" });
});

test("a report that cannot be kept is not receipted as if it were [STATUS-1]", async () => {
  class FullHistory extends MemoryStatusHistory {
    override add(_: StatusReport): Promise<void> {
      return Promise.reject(new HikyakuError("STORAGE_FAILED", "The disk is full."));
    }
  }
  await using scene = await reporters(new FullHistory());
  const { desk, lap, clock } = scene;
  const report = failureOf(lap.peer.send("desk", "status_report", { state: "busy" }));
  await clock.pass(limits.requestTimeoutMsDefault);
  expect(await report).toBeInstanceOf(HikyakuError);
  expect(desk.peer.peer("lap")).not.toHaveProperty("status");
});

test("what a forgotten peer said is forgotten with it, also where it speaks while that happens [STATUS-1]", async () => {
  const adding = Promise.withResolvers<void>();
  const added = Promise.withResolvers<void>();
  class SlowHistory extends MemoryStatusHistory {
    override async add(report: StatusReport): Promise<void> {
      if (report.state === "late") {
        added.resolve();
        await adding.promise;
      }
      await super.add(report);
    }
  }
  const statuses = new SlowHistory();
  await using scene = await reporters(statuses);
  const { desk, lap } = scene;
  await lap.peer.send("desk", "status_report", { state: "busy" });
  const late = failureOf(lap.peer.send("desk", "status_report", { state: "late" }, { signal: AbortSignal.timeout(50) }));
  await added.promise;
  await desk.peer.forget("lap");
  adding.resolve();
  await late;
  expect(await statuses.list(lap.peer.did, { limit: 9 })).toEqual([]);
});
