/** Ties work to the rest of the peer: task bodies go out through the outbox, come in through the inbox, and are acted upon as often as a crash makes them come. */
import type { BodyByType, TaskUpdateBody } from "@hikyaku/protocol";
import type { KeptOffer } from "../ports/offer-store.ts";
import { Work } from "../work/work.ts";
import { durably } from "./durably.ts";
import type { Handling } from "./handling.ts";
import type { KnownPeers } from "./known-peers.ts";
import type { Ground, Needs } from "./needs.ts";
import { maySend } from "./policy.ts";
import type { Posting } from "./posting.ts";

export interface TasksParts {
  readonly ground: Ground;
  readonly needs: Pick<Needs, "tasks" | "offers" | "outbox">;
  /** What the store held when the peer started. */
  readonly keptOffers: readonly KeptOffer[];
  readonly known: KnownPeers;
  readonly posting: () => Posting;
  readonly background: (work: Promise<unknown>) => void;
  readonly closing: AbortSignal;
}

export const taskTypes = ["task_delegate", "task_update", "task_query", "task_cancel", "task_input"] as const;

export function makeWork({ ground, needs, keptOffers, known, posting, background, closing }: TasksParts): Work {
  const { clock, log, random, counters, changes } = ground;
  const { tasks, offers, outbox } = needs;
  return new Work({
    ground: {
      clock,
      log,
      tasks,
      count: (event) => counters.add(event),
      say: (to, type, body, options) => posting().leave(to, type, body as BodyByType[typeof type], options),
      durably: (change) => durably(ground, closing, change),
      background,
      closing,
      changed: ({ peer }) => changes.note("tasks", peer),
    },
    offers,
    keptOffers,
    dice: () => random.bytes(idDiceBytes),
    nameOf: (did) => known.get(did)?.name ?? did,
    didOf: (reference) => known.resolve(reference).did,
    mayAsk: (did) => maySend(known.standingOf(did), "task_delegate"),
    fateOf: (id) => outbox.find(id),
  });
}

const idDiceBytes = 10;

/**
 * What ends the program is never the body of a task itself, since a handler of a capability runs by itself. Bodies of a lane are acted upon together: each asks the store for its
 * change in its turn, so they stay in order, and a page of them costs the commits of one.
 */
const bodiesOfTasks = { idempotent: true, startsMax: Number.POSITIVE_INFINITY, tellsCode: true, together: true };

/** From now on task bodies that are in the inbox are acted upon. `unauthorized` hears of a worker that has no such capability for us any more. */
export function handleTasks(work: Work, handling: Handling, unauthorized: (did: string) => void): readonly Promise<void>[] {
  return taskTypes.map((type) =>
    handling.handle(
      type,
      ({ from, body }) => {
        const content = JSON.parse(body) as BodyByType[typeof type];
        if (type === "task_update" && (content as TaskUpdateBody).code === "UNAUTHORIZED") unauthorized(from);
        return work.receive(from, type, content);
      },
      bodiesOfTasks,
    ),
  );
}
