/** Whatever is added, appended, said and forgotten: a task store holds, counts and answers what a naive reference does, across restarts. */
import type { TaskBounds, TaskDraft, TaskEvent, TaskKey, TaskNews, TaskRecord, TaskRole, TaskStore } from "@hikyaku/peer";
import { limits, type TaskState, taskStates } from "@hikyaku/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { propertySeed } from "./property-seed.ts";
import type { ArrangeTaskStore } from "./task-store-contract.ts";

const roles: readonly TaskRole[] = ["requester", "worker"];
const peers = ["did:key:desk", "did:key:lap"] as const;
const bounds: TaskBounds = {
  openTasksPerPeerMax: 2,
  openTasksMax: 3,
  openDelegationsMax: 4,
  taskBytesPerPeerMax: limits.taskBytesPerPeerMax,
};

type Step =
  | { readonly kind: "add"; readonly draft: TaskDraft; readonly first: TaskNews | undefined; readonly within: number | undefined }
  /** `ahead`: how far the given cursor lies from the next one. */
  | { readonly kind: "append"; readonly pick: number; readonly news: TaskNews; readonly ahead: number | undefined }
  | { readonly kind: "said"; readonly pick: number; readonly cursor: number }
  | { readonly kind: "sweep"; readonly age: number; readonly limit: number }
  | { readonly kind: "restart" };

interface Held {
  readonly draft: TaskDraft;
  readonly position: number;
  readonly events: TaskEvent[];
  touchedAt: number;
  said: number;
  spent: number;
}

const stateOf = ({ events }: Held): TaskState => events.at(-1)?.state ?? "submitted";
const hasEnded = (held: Held): boolean => ["completed", "failed", "canceled", "rejected"].includes(stateOf(held));
const isSame = (left: TaskKey, right: TaskKey): boolean => left.role === right.role && left.peer === right.peer && left.id === right.id;

function recordOf({ draft, position, events, touchedAt, said, spent }: Held): TaskRecord {
  const { input: _, ...facts } = draft;
  const progress = events.findLast((event) => event.progress !== undefined)?.progress;
  const { state = "submitted", cursor = 0 } = events.at(-1) ?? {};
  return { ...facts, position, state, cursor, said, spent, touchedAt, ...(progress === undefined ? {} : { progress }) };
}

/** A list of all tasks with their events, looked through for every question. */
class Reference {
  held: Held[] = [];
  #position = 0;

  add(draft: TaskDraft, first: TaskNews | undefined, above: Held | undefined, hasAbove: boolean): unknown {
    const same = this.held.find((each) => isSame(each.draft, draft));
    if (same !== undefined) return { kind: "known", task: recordOf(same) };
    const once = this.held.find(
      (each) =>
        draft.idempotencyKey !== undefined &&
        each.draft.idempotencyKey === draft.idempotencyKey &&
        each.draft.capability === draft.capability &&
        each.draft.role === draft.role &&
        each.draft.peer === draft.peer,
    );
    if (once !== undefined) return { kind: "taken", task: recordOf(once) };
    if (this.#isFull(draft)) return { kind: "full" };
    const cost = 1 + draft.chain.budget;
    if (hasAbove && (above === undefined || hasEnded(above) || above.spent + cost > above.draft.chain.budget)) return { kind: "overspent" };
    if (above !== undefined) above.spent += cost;
    this.#position += 1;
    const events = first === undefined ? [] : [{ ...first, cursor: 1 }];
    this.held.push({ draft, position: this.#position, events, touchedAt: draft.createdAt, said: 0, spent: 0 });
    return { kind: "added" };
  }

  append(held: Held | undefined, news: TaskNews, now: number, cursor: number | undefined): unknown {
    if (held === undefined) return { kind: "absent" };
    const last = held.events.length;
    if (cursor !== undefined && cursor <= last) return { kind: "known" };
    if (hasEnded(held)) return { kind: "ended" };
    if (cursor !== undefined && cursor > last + 1) return { kind: "ahead", cursor: last };
    const event = { ...news, cursor: last + 1 };
    held.events.push(event);
    held.touchedAt = now;
    return { kind: "appended", event };
  }

  sweep(before: number, limit: number): number {
    const over = this.held.filter((each) => hasEnded(each) && each.touchedAt < before);
    const gone = over.sort((left, right) => left.touchedAt - right.touchedAt).slice(0, limit);
    this.held = this.held.filter((each) => !gone.includes(each));
    return gone.length;
  }

  open(role: TaskRole, peer?: string): readonly Held[] {
    return this.held.filter((each) => !hasEnded(each) && each.draft.role === role && (peer === undefined || each.draft.peer === peer));
  }

  #isFull({ role, peer }: TaskDraft): boolean {
    if (role === "requester") return this.open(role).length >= bounds.openDelegationsMax;
    return this.open(role).length >= bounds.openTasksMax || this.open(role, peer).length >= bounds.openTasksPerPeerMax;
  }
}

const maybe = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> => fc.option(arbitrary, { nil: undefined });
/** Without what is undefined. */
const compact = <Value extends object>(value: Value): never =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never;
const picks = fc.integer({ min: 0, max: 9 });
const news: fc.Arbitrary<TaskNews> = fc
  .record({
    // What has not ended comes more often, so that tasks grow.
    state: fc.constantFrom(...taskStates, "working" as const, "working" as const, "input_required" as const),
    at: fc.integer({ min: 0, max: 100 }),
    progress: maybe(fc.constantFrom(0, 0.25, 1)),
    detail: maybe(fc.constantFrom("", "飛脚")),
    code: maybe(fc.constant("INTERRUPTED")),
    output: maybe(fc.constantFrom("null", '{"a":1.0}')),
    artifact: maybe(fc.constant({ name: "a", content: '"c"' })),
  })
  .map(compact);
const drafts: fc.Arbitrary<TaskDraft> = fc
  .record({
    role: fc.constantFrom(...roles),
    peer: fc.constantFrom(...peers),
    id: fc.constantFrom("10", "11", "12", "20", "21"),
    capability: fc.constantFrom("sum", "sum", "draw"),
    input: fc.json({ maxDepth: 1 }),
    priority: fc.constantFrom("high" as const, "normal" as const, "low" as const),
    createdAt: fc.constant(0),
    deadline: fc.integer({ min: 0, max: 5 }),
    idempotencyKey: maybe(fc.constantFrom("k", "l")),
    chain: fc.integer({ min: 0, max: 3 }).map((budget) => ({ depth: 1, budget })),
  })
  .map(compact);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("add" as const), draft: drafts, first: maybe(news), within: maybe(picks) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      pick: picks,
      news,
      ahead: maybe(fc.constantFrom(0, 0, 0, -1, -2, 1)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("said" as const), pick: picks, cursor: fc.integer({ min: 0, max: 4 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("sweep" as const),
      age: fc.integer({ min: 0, max: 10 }),
      limit: fc.integer({ min: 0, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

export function taskStorePropertyContract(adapter: string, arrange: ArrangeTaskStore, runs: number): void {
  describe(`tasks against a reference: ${adapter}`, () => {
    test("they are held, counted and told as a list of all tasks would", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => expectAlike(arrange, steps)),
        { numRuns: runs, seed: propertySeed },
      );
    });
  });
}

async function expectAlike(arrange: ArrangeTaskStore, steps: readonly Step[]): Promise<void> {
  await using bench = await arrange(bounds);
  const reference = new Reference();
  let store = bench.store;
  for (const [now, each] of steps.entries()) {
    if (each.kind === "restart") store = (await bench.reopen?.()) ?? store;
    else await take(store, reference, each, now);
    await compare(store, reference);
  }
}

const nobody: TaskKey = { role: "worker", peer: "did:key:nobody", id: "10" };

async function take(store: TaskStore, reference: Reference, step: Exclude<Step, { kind: "restart" }>, now: number): Promise<void> {
  if (step.kind === "sweep") {
    expect(await store.sweep(now - step.age, step.limit)).toBe(reference.sweep(now - step.age, step.limit));
    return;
  }
  const pick = step.kind === "add" ? step.within : step.pick;
  const held = pick === undefined ? undefined : reference.held[pick];
  const key = held?.draft ?? nobody;
  if (step.kind === "add") {
    const draft = { ...step.draft, createdAt: now };
    const options = { ...(step.first && { first: step.first }), ...(pick === undefined ? {} : { within: key }) };
    const expected = reference.add(draft, step.first, held, pick !== undefined);
    expect(await store.add(draft, options)).toStrictEqual(expected);
  } else if (step.kind === "append") {
    const cursor = step.ahead === undefined ? undefined : (held?.events.length ?? 0) + 1 + step.ahead;
    const expected = reference.append(held, step.news, now, cursor);
    expect(await store.append(key, step.news, now, cursor)).toStrictEqual(expected);
  } else {
    await store.said(key, step.cursor);
    if (held !== undefined) held.said = Math.max(held.said, step.cursor);
  }
}

async function compare(store: TaskStore, reference: Reference): Promise<void> {
  const { held } = reference;
  const all = held.map(recordOf);
  expect(await store.list({ limit: 100 })).toStrictEqual(all.toReversed());
  expect(await store.unsaid(0, 100)).toStrictEqual(held.filter(hasMoreToSay).map(recordOf));
  expect((await store.findByPrefix("1", 100)).map(({ id }) => id)).toEqual(
    all
      .map(({ id }) => id)
      .filter((id) => id.startsWith("1"))
      .sort(),
  );
  for (const role of roles) {
    const open = reference.open(role).map(recordOf);
    expect(await store.open(role, 0, 100)).toStrictEqual(open);
    expect(await store.openCount(role)).toBe(open.length);
    expect(await store.list({ role, isOpen: true, limit: 2 })).toStrictEqual(open.toReversed().slice(0, 2));
    const over = open.filter(({ deadline }) => deadline < 3).sort((left, right) => left.deadline - right.deadline);
    expect(await store.overdue(role, 3, 100)).toStrictEqual(over);
    for (const peer of peers) {
      const openOfPeer = reference.open(role, peer).map(recordOf);
      expect(await store.openCount(role, peer)).toBe(openOfPeer.length);
      expect(await store.list({ role, peer, isOpen: true, limit: 100 })).toStrictEqual(openOfPeer.toReversed());
    }
  }
  for (const { draft, events } of held) {
    expect(await store.input(draft)).toBe(draft.input);
    expect(await store.events(draft, 0, 100)).toStrictEqual(events);
  }
}

const hasMoreToSay = (held: Held): boolean =>
  held.draft.role === "worker" ? held.events.length > held.said : held.said === 0 && !hasEnded(held);
