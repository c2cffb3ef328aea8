import { encodeEnvelope, encodeHex, limits } from "@hikyaku/protocol";
import { failureOf, ManualClock, Puppet, type PuppetSession, type Resident, risen, settle, World } from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";
import { type InboxBounds, MemoryInbox } from "../adapters/memory-inbox.ts";
import type { Incoming } from "./mail.ts";

interface Meeting extends AsyncDisposable {
  readonly world: World;
  readonly desk: Resident;
  readonly lap: Resident;
}

async function arrange(): Promise<Meeting> {
  const world = new World();
  const [desk, lap] = [await world.peer("desk"), await world.peer("lap")];
  await world.introduce(desk, lap);
  return { world, desk, lap, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

const puppetAt = async (desk: Resident): Promise<PuppetSession> => {
  const puppet = new Puppet(99);
  await desk.peer.trust({ peer: puppet.did, name: "puppet", allow: ["message"] });
  return await puppet.connect(desk);
};

const inboxOf = (bounds: Partial<InboxBounds>): MemoryInbox => new MemoryInbox({ bounds: { ...limits, ...bounds } });

const id = "019c0000-0000-7000-8000-000000000001";

describe("durable first [BOX-1]", () => {
  test("no receipt and no handler before the message is stored", async () => {
    await using meeting = await arrange();
    const { desk, lap } = meeting;
    const disk = Promise.withResolvers<void>();
    const { inbox } = desk.needs;
    const append = inbox.append.bind(inbox);
    inbox.append = async (message) => {
      await disk.promise;
      return await append(message);
    };
    const handled: string[] = [];
    desk.peer.on("message", (message) => void handled.push(message.id));
    let receipt: unknown;
    const sending = lap.peer.send("desk", "message", { text: "hello" }).then((got) => {
      receipt = got;
    });
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect([handled, receipt]).toEqual([[], undefined]);
    disk.resolve();
    await sending;
    expect(handled).toHaveLength(1);
    expect(receipt).toMatchObject({ stage: expect.stringMatching(/^(delivered|handled)$/) });
  });

  test("what cannot be stored is an error to the sender, with the name that it has in the recipient's log", async () => {
    await using meeting = await arrange();
    const { desk, lap } = meeting;
    const handled: string[] = [];
    desk.peer.on("message", (message) => void handled.push(message.id));
    desk.needs.inbox.append = () => Promise.reject(new Error("disk full"));
    const { id, stage, problem = "" } = await lap.peer.send("desk", "message", { text: "hello" });
    expect(stage).toBe("queued");
    const correlationId = /\(INTERNAL_ERROR\).*names it ([0-9a-f]{8})/.exec(problem)?.[1];
    expect(desk.log.find(({ event }) => event === "receive.failed")?.fields).toEqual({
      correlationId,
      reason: expect.stringMatching(/^Error at /),
    });
    expect(problem).not.toContain("disk");
    expect(handled).toEqual([]);
    expect(await lap.peer.explain(id)).toMatchObject({ stage: "queued", trouble: { reason: problem } });
  });
});

describe("no room [LIM-7]", () => {
  test("the sender gets a sealed error with a time to wait and no receipt; nothing is stored, handled or thrown away", async () => {
    await using world = new World();
    const desk = await world.peer("desk", { needs: { inbox: inboxOf({ inboxUnreadPerSenderMax: 1 }) } });
    const session = await puppetAt(desk);
    const bodyOf = (last: number) => ({ id: id.replace(/.$/, `${last}`), sent_at: 1, text: `number ${last}` });
    expect((await session.send("message", bodyOf(1))).replies).toMatchObject([{ type: "receipt", body: { stage: "stored" } }]);
    const envelope = session.seal("message", bodyOf(2));
    const rises = await risen(desk.peer, async () => {
      expect((await session.deliver(encodeEnvelope(envelope))).replies).toEqual([
        { type: "error", body: { code: "QUOTA_EXCEEDED", ref: encodeHex(envelope.nonce), retry_after: limits.inboxFullRetryAfterS } },
      ]);
    });
    expect(rises).toEqual({ "message.full": 1, "received.message": 1, "refused.QUOTA_EXCEEDED": 1 });
    expect((await session.send("message", bodyOf(1))).replies).toMatchObject([{ type: "receipt", body: { stage: "stored" } }]);
    expect((await desk.peer.inbox({ limit: 10 })).map(({ body }) => body)).toEqual(['{"text":"number 1"}']);

    await desk.peer.markRead(await desk.peer.inbox({ limit: 10 }));
    expect((await session.send("message", bodyOf(2))).replies).toContainEqual({
      type: "receipt",
      body: { ids: [bodyOf(2).id], stage: "stored" },
    });
  });

  test("the program that sent is told so in words, and the message goes again after that time [DLV-4]", async () => {
    await using world = new World();
    const clock = new ManualClock();
    const desk = await world.peer("desk", { clock, needs: { inbox: inboxOf({ inboxUnreadPerSenderMax: 1 }) } });
    const lap = await world.peer("lap", { clock });
    await world.introduce(desk, lap);
    expect(await lap.peer.send("desk", "message", { text: "1" })).toMatchObject({ stage: "stored" });
    const receipt = await lap.peer.send("desk", "message", { text: "2" }).catch((error: unknown) => error);
    const { id: second } = receipt as { readonly id: string };
    expect(receipt).toMatchObject({
      stage: "queued",
      problem: "desk refused: QUOTA_EXCEEDED, its inbox has no room for this until something in it was read; again in 60 s.",
    });
    expect((await lap.peer.explain(second)).events).toContainEqual(expect.objectContaining({ kind: "failed", detail: "QUOTA_EXCEEDED" }));
    await desk.peer.markRead(await desk.peer.inbox({ limit: 10 }));
    const sent = (): number => world.framesTo("desk", "message").length;
    const before = sent();
    await clock.pass(limits.inboxFullRetryAfterS * 1000 - 1);
    expect(sent()).toBe(before);
    await clock.pass(1);
    expect(await lap.peer.explain(second)).toMatchObject({ stage: "stored" });
    expect(sent()).toBe(before + 1);
  });

  test("an answer that finds no room is no answer: its sender was told that it did not arrive", async () => {
    await using world = new World();
    const [desk, lap] = [await world.peer("desk"), await world.peer("lap", { needs: { inbox: inboxOf({ inboxBytesMax: 10 }) } })];
    await world.introduce(desk, lap);
    desk.peer.on("message", (message) => message.reply({ text: "more than ten bytes" }));
    expect(await failureOf(lap.peer.ask("desk", { text: "?" }, { timeoutMs: 300 }))).toMatchObject({ code: "TIMED_OUT" });
    const [answer] = await desk.needs.outbox.findByPrefix("", 10);
    expect(answer).toMatchObject({
      stage: "queued",
      events: expect.arrayContaining([expect.objectContaining({ detail: "QUOTA_EXCEEDED" })]),
    });
  });
});

describe("once [BOX-2]", () => {
  test("one id that arrives in several envelopes is handled once, and receipted each time", async () => {
    await using meeting = await arrange();
    const { desk } = meeting;
    const session = await puppetAt(desk);
    const handled: string[] = [];
    desk.peer.on("message", ({ body }) => void handled.push(JSON.stringify(body)));
    const body = { id, sent_at: 1, text: "once" };
    expect((await session.send("message", body)).replies).toMatchObject([{ type: "receipt", body: { ids: [id] } }]);
    await settle();
    await session.send("ping", { n: 1 });
    const rises = await risen(desk.peer, async () => {
      for (let time = 0; time < 3; time += 1)
        expect((await session.send("message", { ...body, text: "again" })).replies).toMatchObject([
          { type: "receipt", body: { ids: [id] } },
        ]);
    });
    expect(rises).toEqual({ "message.duplicate": 3, "received.message": 3 });
    expect(handled).toEqual(['{"text":"once"}']);
    expect(await desk.peer.inbox({ limit: 10 })).toMatchObject([{ body: '{"text":"once"}' }]);
  });

  test("also after a restart of the recipient", async () => {
    await using meeting = await arrange();
    const { world, desk } = meeting;
    await (await puppetAt(desk)).send("message", { id, sent_at: 1, text: "once" });
    const fresh = await world.restart(desk);
    const handled: string[] = [];
    fresh.peer.on("message", (message) => void handled.push(message.id));
    await settle();
    expect(handled).toEqual([id]);
    const session = await new Puppet(99).connect(fresh);
    expect((await session.send("message", { id, sent_at: 1, text: "once" })).replies).toEqual([
      { type: "receipt", body: { ids: [id], stage: "handled" } },
    ]);
    expect(handled).toEqual([id]);
    expect(await fresh.peer.inbox({ limit: 10 })).toHaveLength(1);
  });

  test("two senders may use one id", async () => {
    await using meeting = await arrange();
    const { desk } = meeting;
    const other = new Puppet(98);
    await desk.peer.trust({ peer: other.did, name: "other", allow: ["message"] });
    await (await puppetAt(desk)).send("message", { id, sent_at: 1, text: "one" });
    await (await other.connect(desk)).send("message", { id, sent_at: 1, text: "two" });
    expect((await desk.peer.inbox({ limit: 10 })).map(({ body }) => body)).toEqual(['{"text":"one"}', '{"text":"two"}']);
  });
});

describe("how far a message came [BOX-3]", () => {
  test("`handled` comes when the handler has finished, with every stage before it", async () => {
    await using meeting = await arrange();
    const { desk, lap } = meeting;
    const work = Promise.withResolvers<void>();
    desk.peer.on("message", () => work.promise);
    const receipt = lap.peer.send("desk", "message", { text: "hello" }, { until: "handled" });
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(await desk.peer.inbox({ limit: 1 })).toMatchObject([{ stage: "started" }]);
    work.resolve();
    const { stage, stages } = await receipt;
    expect(stage).toBe("handled");
    // Of stages that follow each other at once the last is told.
    expect(stages.map((told) => told.stage).filter((told) => told !== "stored")).toEqual(["delivered", "handled"]);
    expect(await desk.peer.inbox({ limit: 1 })).toMatchObject([{ stage: "handled" }]);
  });

  test("a handler that throws: the sender learns INTERNAL_ERROR, and the text goes nowhere [KEY-6]", async () => {
    await using meeting = await arrange();
    const { desk, lap } = meeting;
    desk.peer.on("message", () => {
      throw new TypeError("canary-7f3a");
    });
    const failure = await failureOf(lap.peer.send("desk", "message", { text: "canary-b0dy" }, { until: "handled" }));
    expect(failure).toMatchObject({ code: "INTERNAL_ERROR" });
    expect(String(failure)).not.toContain("canary");
    expect(desk.log.find(({ event }) => event === "handler.failed")).toMatchObject({ level: "error", fields: { reason: "TypeError" } });
    expect(JSON.stringify([desk.log, lap.log])).not.toContain("canary");
    expect(await desk.peer.inbox({ limit: 1 })).toMatchObject([{ stage: "refused", reason: "INTERNAL_ERROR" }]);
  });

  test("a sealed refusal says the code and nothing of the exception", async () => {
    await using meeting = await arrange();
    const { desk } = meeting;
    const session = await puppetAt(desk);
    desk.peer.on("message", () => {
      throw new TypeError("canary-7f3a");
    });
    const first = await session.send("message", { id, sent_at: 1, text: "hello" });
    await settle();
    const { replies } = await session.send("ping", { n: 1 });
    const told = [...first.replies, ...replies].filter(({ type }) => type !== "pong");
    expect(told.at(-1)).toEqual({ type: "receipt", body: { ids: [id], stage: "refused", reason: "INTERNAL_ERROR" } });
    expect(JSON.stringify(told)).not.toMatch(/canary|TypeError/);
  });

  test("without a handler messages wait; reading them tells their senders", async () => {
    await using meeting = await arrange();
    const { desk, lap } = meeting;
    const receipt = lap.peer.send("desk", "message", { text: "hello" }, { until: "delivered" });
    while ((await desk.peer.inbox({ limit: 1 })).length === 0) await settle();
    const messages = await desk.peer.inbox({ unread: true, limit: 10 });
    expect(messages).toMatchObject([{ stage: "stored", from: lap.peer.did }]);
    const strange = messages.map(({ id }) => ({ from: desk.peer.did, id }));
    expect(await desk.peer.markRead([...messages, ...strange])).toEqual(strange);
    expect(await receipt).toMatchObject({ stage: "delivered", stages: [{ stage: "stored" }, { stage: "delivered" }] });
    const told = (): number => meeting.world.envelopes("desk", "lap", "receipt").length;
    await expect.poll(told).toBe(2);
    expect(await desk.peer.markRead(messages)).toEqual([]);
    for (let turn = 0; turn < 10; turn += 1) await settle();
    expect(told()).toBe(2);
    await desk.peer.acknowledge(messages);
    await expect.poll(told).toBe(3);
  });
});

describe("the handler", () => {
  test("it learns who speaks from the session, and its answer names the message", async () => {
    await using meeting = await arrange();
    const { desk, lap } = meeting;
    const seen: Incoming[] = [];
    desk.peer.on("message", async (message) => {
      seen.push(message);
      await message.reply({ json: { got: message.body } });
    });
    const answer = await lap.peer.ask("desk", { text: "how many?" });
    expect(answer).toEqual({ json: { got: { text: "how many?" } } });
    expect(seen).toMatchObject([{ from: { did: lap.peer.did, name: "lap", trust: "trusted" }, body: { text: "how many?" } }]);
    expect(await lap.peer.inbox({ limit: 1 })).toMatchObject([{ replyTo: seen[0]?.id, from: desk.peer.did }]);
  });

  test("an answer counts for a question that waits, and only from the peer that was asked", async () => {
    await using meeting = await arrange();
    const { desk, lap } = meeting;
    await desk.peer.trust({ peer: lap.peer.did, allow: ["message"] });
    const puppet = await puppetAt(lap);
    const asking = failureOf(lap.peer.ask("desk", { text: "?" }, { timeoutMs: 300 }));
    while ((await desk.peer.inbox({ limit: 1 })).length === 0) await settle();
    const [question] = await desk.peer.inbox({ limit: 1 });
    await puppet.send("message", { id, sent_at: 1, text: "!", reply_to: question?.id });
    expect(await asking).toMatchObject({ code: "TIMED_OUT" });
  });

  test("an answer that comes where the receipt was lost is an answer", async () => {
    await using meeting = await arrange();
    const { world, desk, lap } = meeting;
    await lap.peer.ping("desk");
    world.weather.before = (to) => (to.includes("desk") ? "lost" : undefined);
    const asking = lap.peer.ask("desk", { text: "?" }, { timeoutMs: 2000 });
    while ((await desk.peer.inbox({ limit: 1 })).length === 0) await settle();
    const [question] = await desk.peer.inbox({ limit: 1 });
    await desk.peer.send("lap", "message", { text: "!" }, { replyTo: question?.id ?? "" });
    expect(await asking).toEqual({ text: "!" });
  });

  test("there is one, and only for messages", async () => {
    await using meeting = await arrange();
    const { desk } = meeting;
    desk.peer.on("message", () => undefined);
    expect(() => desk.peer.on("message", () => undefined)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    expect(() => desk.peer.on("task" as "message", () => undefined)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  test("closing waits for a handler that runs, and its work is not thrown away", async () => {
    await using meeting = await arrange();
    const { desk, lap } = meeting;
    const work = Promise.withResolvers<void>();
    desk.peer.on("message", () => work.promise);
    await lap.peer.send("desk", "message", { text: "hello" });
    let isClosed = false;
    const closing = desk.peer.close().then(() => {
      isClosed = true;
    });
    for (let turn = 0; turn < 10; turn += 1) await settle();
    expect(isClosed).toBe(false);
    work.resolve();
    await closing;
    expect(await desk.peer.inbox({ limit: 1 })).toMatchObject([{ stage: "handled" }]);
  });
});

test("fields of a body that are not known are ignored [BODY-3]", async () => {
  await using meeting = await arrange();
  const { desk } = meeting;
  const session = await puppetAt(desk);
  const envelope = session.seal("message", { id, sent_at: 1, text: "hello", colour: "blue" });
  expect((await session.deliver(encodeEnvelope(envelope))).replies).toMatchObject([{ body: { stage: "stored" } }]);
  expect(await desk.peer.inbox({ limit: 1 })).toMatchObject([{ body: '{"text":"hello"}' }]);
});
