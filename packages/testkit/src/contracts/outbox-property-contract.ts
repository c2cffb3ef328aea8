/** Whatever is sent, receipted, expired, buried and forgotten: an outbox holds and counts what a naive reference holds and counts, across restarts. */
import type { Draft, LaneOut, Outbox, OutboxStage, Progress } from "@hikyaku/peer";
import { limits, type Priority } from "@hikyaku/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArrangeOutbox } from "./outbox-contract.ts";
import { propertySeed } from "./property-seed.ts";

const recipients = ["did:key:desk", "did:key:lap"] as const;
const priorities: readonly Priority[] = ["high", "normal", "low"];
const lanes: readonly LaneOut[] = recipients.flatMap((to) => priorities.map((priority) => ({ to, priority })));
const bounds = { ...limits, outboxPerRecipientMax: 3, outboxBytesMax: 60 };

type Step =
  | { readonly kind: "add"; readonly lane: LaneOut; readonly bytes: number; readonly exp: number }
  | { readonly kind: "advance"; readonly pick: number; readonly to: string; readonly stage: Progress["stage"] }
  | { readonly kind: "expire"; readonly now: number }
  | { readonly kind: "bury"; readonly pick: number; readonly again: boolean }
  | { readonly kind: "sweep" }
  | { readonly kind: "restart" };

interface Held {
  readonly draft: Draft;
  readonly order: number;
  stage: OutboxStage;
  isSettled: boolean;
}

/** A list of all messages, looked through for every question. */
class Reference {
  held: Held[] = [];
  readonly orders = new Map<string, number>();

  add(draft: Draft, without?: Held): Held | "QUOTA_EXCEEDED" {
    const kept = this.held.filter((each) => each !== without && (!each.isSettled || isDead(each)));
    if (bytesOf(kept) + draft.body.length > bounds.outboxBytesMax) return "QUOTA_EXCEEDED";
    if (kept.filter((each) => each.draft.to === draft.to).length >= bounds.outboxPerRecipientMax) return "QUOTA_EXCEEDED";
    const key = `${draft.to} ${draft.priority}`;
    const order = (this.orders.get(key) ?? 0) + 1;
    this.orders.set(key, order);
    const added: Held = { draft, order, stage: "queued", isSettled: false };
    this.held = [...this.held.filter((each) => each !== without), added];
    return added;
  }

  advance(held: Held, to: string, stage: Progress["stage"]): boolean {
    const order = ["queued", "stored", "delivered", "handled"];
    const mayRise =
      stage === "refused" || (stage === "expired" ? held.stage !== "delivered" : order.indexOf(held.stage) < order.indexOf(stage));
    if (held.draft.to !== to || held.isSettled || !mayRise) return false;
    held.stage = stage;
    held.isSettled = stage === "handled" || isDead(held);
    return true;
  }

  expire(now: number): readonly string[] {
    const over = this.held.filter(({ draft, isSettled }) => !isSettled && draft.exp < now);
    const dead = over.filter(({ stage }) => stage !== "delivered");
    for (const each of over) each.isSettled = true;
    for (const each of dead) each.stage = "expired";
    return dead.map(({ draft }) => draft.id);
  }

  sweep(): number {
    const before = this.held.length;
    this.held = this.held.filter((each) => !each.isSettled || isDead(each));
    return before - this.held.length;
  }
}

const isDead = ({ stage }: Held): boolean => stage === "refused" || stage === "expired";
const bytesOf = (held: readonly Held[]): number => held.reduce((sum, { draft }) => sum + draft.body.length, 0);
const idsOf = (held: readonly Held[]): readonly string[] => held.map(({ draft }) => draft.id).sort();

const picks = fc.integer({ min: 0, max: 20 });
const stages = fc.constantFrom<Progress["stage"]>("stored", "stored", "delivered", "handled", "refused", "expired");
const add: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("add" as const),
  lane: fc.constantFrom(...lanes),
  bytes: fc.integer({ min: 0, max: 20 }),
  exp: fc.integer({ min: 1, max: 100 }),
});
const advance: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant("advance" as const),
  pick: picks,
  to: fc.constantFrom(...recipients),
  stage: stages,
});
const expire: fc.Arbitrary<Step> = fc.record({ kind: fc.constant("expire" as const), now: fc.integer({ min: 1, max: 100 }) });
const buryOne: fc.Arbitrary<Step> = fc.record({ kind: fc.constant("bury" as const), pick: picks, again: fc.boolean() });
const rest: fc.Arbitrary<Step> = fc.constantFrom<Step>({ kind: "sweep" }, { kind: "restart" });
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: add },
    { weight: 6, arbitrary: advance },
    { weight: 1, arbitrary: expire },
    { weight: 2, arbitrary: buryOne },
    { weight: 1, arbitrary: rest },
  ),
  { minLength: 1, maxLength: 30 },
);

export function outboxPropertyContract(adapter: string, arrange: ArrangeOutbox, runs: number): void {
  describe(`outbox against a reference: ${adapter}`, () => {
    test("it holds and counts what a list of all messages would", async () => {
      await fc.assert(
        fc.asyncProperty(steps, (run) => expectAlike(arrange, run)),
        { numRuns: runs, seed: propertySeed },
      );
    });
  });
}

async function expectAlike(arrange: ArrangeOutbox, run: readonly Step[]): Promise<void> {
  await using bench = await arrange(bounds);
  const reference = new Reference();
  let outbox = bench.store;
  for (const [index, step] of run.entries()) {
    if (step.kind === "restart") outbox = (await bench.reopen?.()) ?? outbox;
    else await take(outbox, reference, step, String(index).padStart(3, "0"));
    await compare(outbox, reference);
  }
}

async function take(outbox: Outbox, reference: Reference, step: Exclude<Step, { kind: "restart" }>, id: string): Promise<void> {
  if (step.kind === "add") {
    const draft: Draft = { ...step.lane, id, type: "message", body: "x".repeat(step.bytes), sentAt: 0, exp: step.exp };
    expect(await outcomeOf(outbox.add(draft))).toEqual(asQueued(reference.add(draft)));
  } else if (step.kind === "expire") {
    expect((await outbox.expire(step.now, 100)).map((record) => record.id).sort()).toEqual([...reference.expire(step.now)].sort());
  } else if (step.kind === "sweep") {
    expect(await outbox.sweep(1000, 100)).toBe(reference.sweep());
  } else {
    const held = reference.held[step.pick];
    if (held === undefined) return;
    if (step.kind === "bury") return bury(outbox, reference, held, step.again ? id : undefined);
    const { to, stage } = step;
    const progress: Progress = { id: held.draft.id, to, stage, at: 1 };
    expect(await outbox.advance([progress])).toEqual(reference.advance(held, to, stage) ? [progress] : []);
  }
}

async function bury(outbox: Outbox, reference: Reference, held: Held, newId: string | undefined): Promise<void> {
  const again = newId === undefined ? undefined : { ...held.draft, id: newId };
  const outcome = await outcomeOf(outbox.bury(held.draft.id, again));
  if (!isDead(held)) expect(outcome).toBeUndefined();
  else if (again === undefined) {
    reference.held = reference.held.filter((each) => each !== held);
    expect(outcome).toBe("buried");
  } else expect(outcome).toEqual(asQueued(reference.add(again, held)));
}

/** A refusal by its code. */
const outcomeOf = (call: Promise<unknown>): Promise<unknown> => call.catch((error: { readonly code?: string }) => error.code);

const asQueued = (added: Held | "QUOTA_EXCEEDED"): unknown => (added === "QUOTA_EXCEEDED" ? added : { ...added.draft, order: added.order });

async function compare(outbox: Outbox, { held, orders }: Reference): Promise<void> {
  const unsettled = held.filter(({ isSettled }) => !isSettled);
  expect(await outbox.usage()).toEqual({ count: unsettled.length, bytes: bytesOf(unsettled) });
  expect((await outbox.dead(undefined, 100)).map(({ id }) => id)).toEqual(idsOf(held.filter(isDead)));
  expect((await outbox.findByPrefix("", 100)).map(({ id, stage }) => `${id} ${stage}`)).toEqual(
    held.map(({ draft, stage }) => `${draft.id} ${stage}`).sort(),
  );
  for (const to of recipients) {
    const asked = unsettled.filter(({ draft, stage }) => draft.to === to && stage !== "queued");
    expect(await outbox.unsettled(to, undefined, 100)).toEqual(idsOf(asked));
  }
  const queued = held.filter(({ stage }) => stage === "queued");
  const isIn = (lane: LaneOut) => (each: Held) => each.draft.to === lane.to && each.draft.priority === lane.priority;
  for (const lane of lanes) {
    const expected = queued.filter(isIn(lane)).map(asQueued);
    expect(await outbox.next(lane, 0, { count: 100, bytes: 1000 })).toEqual(expected);
    expect(await outbox.floor(lane)).toBe(queued.find(isIn(lane))?.order ?? (orders.get(`${lane.to} ${lane.priority}`) ?? 0) + 1);
  }
  const names = (found: readonly LaneOut[]): readonly string[] => found.map(({ to, priority }) => `${to} ${priority}`).sort();
  expect(names(await outbox.lanesQueued())).toEqual(names(lanes.filter((lane) => queued.some(isIn(lane)))));
}
