import { World } from "@hikyaku/testkit";
import { expect, test } from "vitest";

test("a message over a stream is stored, handed over and handled", async () => {
  await using world = new World();
  const desk = await world.peer("desk", { speaksStreams: true });
  const lap = await world.peer("lap", { speaksStreams: true });
  await world.introduce(desk, lap);
  const heard: unknown[] = [];
  desk.peer.on("message", ({ body }) => void heard.push(body));
  const receipt = await lap.peer.send("desk", "message", { text: "hello" }, { until: "handled" });
  expect(receipt.stage).toBe("handled");
  expect(heard).toEqual([{ text: "hello" }]);
  expect(await lap.peer.ping("desk")).toBeGreaterThan(0);
  const many = await Promise.all(
    Array.from({ length: 500 }, (_, n) => lap.peer.send("desk", "message", { json: n }, { until: "handled" })),
  );
  expect(many.every(({ stage }) => stage === "handled")).toBe(true);
  expect(heard.slice(1)).toEqual(Array.from({ length: 500 }, (_, json) => ({ json })));
  console.log(desk.peer.stats(), lap.peer.stats());
});

test("the same over exchanges", async () => {
  await using world = new World();
  const desk = await world.peer("desk");
  const lap = await world.peer("lap");
  await world.introduce(desk, lap);
  const heard: unknown[] = [];
  desk.peer.on("message", ({ body }) => void heard.push(body));
  const receipt = await lap.peer.send("desk", "message", { text: "hello" }, { until: "handled" });
  expect(receipt.stage).toBe("handled");
  expect(await lap.peer.ping("desk")).toBeGreaterThan(0);
  console.log(desk.peer.stats(), lap.peer.stats());
});
