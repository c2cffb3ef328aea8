/** Whatever arrives in a lane, in whatever order: an inbox says and does what a naive reference says and does, across restarts. */
import type { Arrival, Inbox, InboxMessage, LaneKey } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArrangeInbox } from "./inbox-contract.ts";
import { propertySeed } from "./property-seed.ts";

const lane: LaneKey = { from: "did:key:lap", lane: "00000000000000aa/normal" };
const reorderCountMax = 3;

/** An order, a floor that is not above it, and which of two ids claims the order. */
interface Letter {
  readonly order: number;
  readonly floor: number;
  readonly claim: "a" | "b";
}

type Step =
  | { readonly kind: "arrive"; readonly letters: readonly Letter[] }
  | { readonly kind: "hand-over"; readonly limit: number }
  | { readonly kind: "restart" };

/** The lane as a set of orders that are here: nothing is counted, kept up or flagged. */
class Reference {
  readonly here = new Map<number, string>();
  floor = 1;

  /** The first order that is missing and may still come. */
  get frontier(): number {
    let order = this.floor;
    while (this.here.has(order)) order += 1;
    return order;
  }

  arrive({ order, floor, claim }: Letter): Arrival {
    const before = this.frontier;
    this.floor = Math.max(this.floor, floor);
    let skipped = 0;
    for (let missing = before; missing < this.floor; missing += 1) if (!this.here.has(missing)) skipped += 1;
    const arrival = this.#judge(order, `${order}${claim}`);
    return skipped === 0 ? arrival : { ...arrival, skipped };
  }

  #judge(order: number, id: string): Arrival {
    if (this.here.get(order) === id) return { kind: "duplicate", stage: "stored" };
    if (order < this.frontier || this.here.has(order)) return { kind: "outdated" };
    const waiting = [...this.here.keys()].filter((other) => other > this.frontier).length;
    if (order > this.frontier && waiting >= reorderCountMax) return { kind: "ahead" };
    this.here.set(order, id);
    return { kind: "stored" };
  }

  due(): readonly string[] {
    const orders = [...this.here.keys()].filter((order) => order < this.frontier);
    return orders.sort((left, right) => left - right).map((order) => this.here.get(order) ?? "");
  }
}

const letters: fc.Arbitrary<Letter> = fc
  .record({ order: fc.integer({ min: 1, max: 14 }), lag: fc.integer({ min: 0, max: 12 }), claim: fc.constantFrom("a", "a", "a", "b") })
  .map(({ order, lag, claim }): Letter => ({ order, floor: Math.max(1, order - lag), claim: claim === "b" ? "b" : "a" }));

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.array(letters, { minLength: 1, maxLength: 5 }).map((letters): Step => ({ kind: "arrive", letters })) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }).map((limit): Step => ({ kind: "hand-over", limit })) },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: "restart" }) },
  ),
  { minLength: 1, maxLength: 16 },
);

export function inboxPropertyContract(adapter: string, arrange: ArrangeInbox, runs: number): void {
  describe(`lanes of an inbox against a reference: ${adapter}`, () => {
    test("every arrival is judged alike, and each message is handed over once, in order, and none is lost [BOX-1] [BOX-2]", async () => {
      await fc.assert(
        fc.asyncProperty(steps, (run) => expectAlike(arrange, run)),
        { numRuns: runs, seed: propertySeed },
      );
    });
  });
}

async function expectAlike(arrange: ArrangeInbox, run: readonly Step[]): Promise<void> {
  await using bench = await arrange({ ...limits, reorderCountMax });
  const reference = new Reference();
  const handed: string[] = [];
  let inbox = bench.store;
  for (const step of run) {
    if (step.kind === "restart") inbox = (await bench.reopen?.()) ?? inbox;
    if (step.kind === "hand-over") handed.push(...(await handOver(inbox, step.limit)));
    if (step.kind === "arrive") await expectSameWord(inbox, reference, step.letters);
    await expectSameTurn(inbox, reference, handed);
  }
}

async function expectSameWord(inbox: Inbox, reference: Reference, letters: readonly Letter[]): Promise<void> {
  const arrivals = await inbox.append(letters.map(asMessage));
  expect(arrivals.map(withoutStage)).toEqual(letters.map((letter) => withoutStage(reference.arrive(letter))));
}

async function expectSameTurn(inbox: Inbox, reference: Reference, handed: readonly string[]): Promise<void> {
  const due = (await inbox.due(lane, "message", 100)).map(({ id }) => id);
  const unread = (await inbox.list({ type: "message", unread: true, limit: 100 })).map(({ id }) => id);
  expect([...handed, ...due]).toEqual(reference.due());
  expect(unread).toEqual(due);
}

async function handOver(inbox: Inbox, limit: number): Promise<readonly string[]> {
  const ids = (await inbox.due(lane, "message", limit)).map(({ id }) => id);
  expect(await inbox.advance(lane.from, ids, "started")).toEqual(ids);
  expect(await inbox.advance(lane.from, ids, "started")).toEqual([]);
  expect(await inbox.advance(lane.from, ids, "handled")).toEqual(ids);
  return ids;
}

const asMessage = ({ order, floor, claim }: Letter): InboxMessage => ({
  id: `${order}${claim}`,
  from: lane.from,
  type: "message",
  body: "{}",
  sentAt: 1,
  exp: 2,
  receivedAt: 1,
  place: { lane: lane.lane, order, floor },
});

/** The reference knows nothing of stages. */
const withoutStage = ({ kind, skipped }: Arrival): unknown => ({ kind, skipped });
