/** An outbox that is older than what was sent from it, as one restored from a backup is (spec LANE-7). */
import { emptyOutbox, MemoryOutbox, type MemoryOutboxState } from "@hikyaku/peer";
import { failureOf, ManualClock, Puppet, PuppetStream, type Resident, still, World } from "@hikyaku/testkit";
import { expect, test } from "vitest";

/** How far each came, or why it was refused. */
const sayAll = ({ peer }: Resident, ...texts: readonly string[]): Promise<readonly string[]> => {
  const say = (text: string): Promise<string> =>
    peer.send("desk", "message", { text }).then(
      ({ stage }) => (stage === "queued" ? stage : "arrived"),
      (error: { code: string }) => error.code,
    );
  return Promise.all(texts.map(say));
};

test.each([true, false])(
  "what a restored outbox sends under old orders arrives all the same, once and in order, streams: %s [LANE-7]",
  async (speaksStreams) => {
    await using world = new World();
    const clock = new ManualClock();
    const state = emptyOutbox("00000000000000bb");
    const desk = await world.peer("desk", { clock, speaksStreams });
    const lap = await world.peer("lap", { clock, speaksStreams, needs: { outbox: new MemoryOutbox({ state }) } });
    await world.introduce(desk, lap);
    await sayAll(lap, "1", "2");
    const backup: MemoryOutboxState = structuredClone(state);
    await sayAll(lap, "3", "4", "5");
    const restored = await world.restart(lap, { speaksStreams, needs: { outbox: new MemoryOutbox({ state: backup }) } });
    const heard: string[] = [];
    desk.peer.on("message", ({ body }) => void heard.push(body.text ?? ""));
    expect(await sayAll(restored, "6", "7")).toEqual(["arrived", "arrived"]);
    expect(await sayAll(restored, "8", "9", "10")).toEqual(["arrived", "arrived", "arrived"]);
    await still();
    expect(heard).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    expect(await restored.peer.dead({ limit: 10 })).toEqual([]);
    expect(restored.peer.stats()["lane.renamed"]).toBe(1);
    const again = await world.restart(restored, { speaksStreams });
    expect(await sayAll(again, "11")).toEqual(["arrived"]);
    expect(again.peer.stats()["lane.renamed"]).toBeUndefined();
  },
);

test("a recipient that refuses every order has the last word after a minute, and makes no more names [LANE-7]", async () => {
  await using world = new World();
  const clock = new ManualClock();
  const desk = await world.peer("desk", { clock, speaksStreams: true });
  const puppet = new Puppet(99, { now: () => clock.now() });
  await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
  const stream = await PuppetStream.connect(puppet, world.network, desk);
  const messages = () => stream.heard.filter(({ type }) => type === "message").map(({ body }) => body as { id: string; lane: string });
  let failure: unknown;
  void failureOf(desk.peer.send("puppet", "message", { text: "hello" }, { timeoutMs: 3_600_000 })).then((reason) => {
    failure = reason;
  });
  await still();
  for (let second = 0; second < 90; second += 1) {
    await stream.send("receipt", { ids: [messages()[0]?.id], stage: "refused", reason: "SEQUENCE_ERROR" });
    await clock.pass(1000);
  }
  expect(failure).toMatchObject({ code: "SEQUENCE_ERROR" });
  expect(new Set(messages().map(({ lane }) => lane)).size).toBe(2);
  expect(messages().length).toBeLessThan(7);
  expect(await desk.peer.dead({ limit: 10 })).toMatchObject([{ reason: "SEQUENCE_ERROR" }]);
});
