import { World } from "@hikyaku/testkit";
import { expect, test } from "vitest";

test("two peers that trust each other exchange messages under one session", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const lap = await world.peer("lap");
  await world.introduce(desk, lap);

  const receipt = await lap.peer.send("desk", "message", { text: "backup finished" });
  expect(receipt.stage).toBe("stored");
  const [message] = await desk.peer.inbox({ limit: 10 });
  expect(message).toMatchObject({ from: lap.peer.did, body: '{"text":"backup finished"}', stage: "stored" });

  await desk.peer.send("lap", "message", { json: { seen: true } });
  expect(await lap.peer.inbox({ limit: 10 })).toHaveLength(1);
  expect(await lap.peer.ping("desk")).toBeGreaterThan(0);
  expect(world.framesTo("desk", "handshake")).toHaveLength(1);
  expect(world.framesTo("lap", "handshake")).toHaveLength(0);
});

test("two peers pair by a link and agree on the safety number", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const lap = await world.peer("lap");
  const invitation = desk.peer.invite({ name: "lap", allow: ["message"] });
  const paired = await lap.peer.accept(invitation.link, { name: "desk", allow: ["message"] });
  expect((await invitation.paired).safetyNumber).toBe(paired.safetyNumber);
  expect((await lap.peer.send("desk", "message", { text: "hello" })).stage).toBe("stored");
  expect((await desk.peer.send("lap", "message", { text: "hello back" })).stage).toBe("stored");
});
