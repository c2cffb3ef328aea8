import { ManualClock, World, settle } from "@hikyaku/testkit";
import { test } from "vitest";
test("x", async () => {
    await using world = new World();
    const clock = new ManualClock();
    const [desk, lap] = [await world.peer("desk", { clock }), await world.peer("lap", { clock })];
    await world.introduce(desk, lap);
    await lap.peer.send("desk", "message", { text: "0" });
    const fresh = await world.restart(desk);
    const n = world.passages.length;
    console.log(await lap.peer.send("desk", "message", { text: "1" }));
    console.log(world.passages.map(({to, envelope, reception}) => [to, envelope?.msgType, envelope?.sessionId.slice(0,4), reception.kind, reception.kind==="received"?reception.replies.length:reception.code].join(" ")), n);
    console.log(fresh.peer.stats(), lap.peer.stats());
});
