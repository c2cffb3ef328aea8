/** What a page of messages costs: handling by itself, over an inbox whose changes of one turn share a commit, as those of a database do. */
import { expect, test } from "vitest";
import { MemoryInbox } from "../adapters/memory-inbox.ts";
import { silentLog } from "../adapters/silent-log.ts";
import { systemClock } from "../adapters/system-clock.ts";
import type { InboxMessage } from "../ports/inbox.ts";
import { Counters } from "./counters.ts";
import type { Couriers } from "./couriers.ts";
import { Handling } from "./handling.ts";
import type { Ground } from "./needs.ts";

const count = 20;
const from = "did:key:lap";

const message = (order: number): InboxMessage => ({
  id: `019c0000-0000-7000-8000-${order.toString(16).padStart(12, "0")}`,
  from,
  type: "task_update",
  body: String(order),
  sentAt: 1,
  exp: Number.MAX_SAFE_INTEGER,
  receivedAt: 1,
  place: { lane: "normal", order, floor: 1 },
});

/** Commits once a turn of the event loop. */
class Turns {
  count = 0;
  #waiting: (() => void)[] = [];

  readonly commit = <Result>(work: () => Result): Promise<Result> =>
    new Promise((resolve) => {
      if (this.#waiting.push(() => resolve(work())) > 1) return;
      setImmediate(() => {
        this.count += 1;
        for (const change of this.#waiting.splice(0)) change();
      });
    });
}

async function handleAll(together: boolean): Promise<{ readonly commits: number; readonly begun: readonly number[] }> {
  const turns = new Turns();
  const inbox = new MemoryInbox({ commit: turns.commit });
  await inbox.append(Array.from({ length: count }, (_, at) => message(at + 1)));
  const settled = Promise.withResolvers<void>();
  const courier = {
    note: ([id]: readonly string[], stage: string) => stage === "handled" && id === message(count).id && settled.resolve(),
    tell: () => undefined,
  };
  const handling = new Handling({
    ground: { clock: systemClock, log: silentLog, counters: new Counters() } as unknown as Ground,
    inbox,
    couriers: () => ({ of: () => courier }) as unknown as Couriers,
    background: (work) => void work,
    closing: new AbortController().signal,
  });
  const before = turns.count;
  const begun: number[] = [];
  await handling.handle("task_update", ({ body }) => void begun.push(Number(body)), { idempotent: true, together });
  await settled.promise;
  return { commits: turns.count - before, begun };
}

const inOrder = Array.from({ length: count }, (_, at) => at + 1);

test("messages that are handled together begin in their order, and cost one commit to start and one to end", async () => {
  expect(await handleAll(true)).toEqual({ commits: 2, begun: inOrder });
});

test("messages that are handled one after the other cost a commit each", async () => {
  expect(await handleAll(false)).toEqual({ commits: count + 1, begun: inOrder });
});
