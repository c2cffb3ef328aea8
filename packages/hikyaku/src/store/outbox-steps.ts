/** How messages of the outbox come further (spec §11): a receipt names many, and those that take the same step at once cost one statement together. */
import type { Progress } from "@hikyaku/peer";
import type { Sql } from "./sql.ts";

/** Progress that differs in its ids alone. */
export type Step = readonly [Progress, ...Progress[]];

/** A message that came further. */
export interface Risen {
  readonly id: string;
  readonly bytes: number;
}

/** Only neighbours go together, so that each message still takes its steps in the order in which they were told. */
export function stepsOf(progress: readonly Progress[]): readonly Step[] {
  const steps: [Progress, ...Progress[]][] = [];
  for (const one of progress) {
    const last = steps.at(-1);
    if (last !== undefined && isSameStep(last[0], one)) last.push(one);
    else steps.push([one]);
  }
  return steps;
}

const isSameStep = (left: Progress, right: Progress): boolean =>
  left.to === right.to &&
  left.stage === right.stage &&
  left.at === right.at &&
  left.reason === right.reason &&
  left.sent?.at === right.sent?.at &&
  left.sent?.route === right.sent?.route;

/** Those that were not as far yet. */
export function takeStep(sql: Sql, step: Step, recipientId: number): readonly Risen[] {
  const [{ stage, at, reason = null, sent }] = step;
  const ids = JSON.stringify(step.map(({ id }) => id));
  return raises[stage](sql, { recipientId, ids, at, reason, triedAt: sent?.at ?? null, route: sent?.route ?? null }) as readonly Risen[];
}

interface Raise {
  readonly recipientId: number;
  /** A JSON list. */
  readonly ids: string;
  readonly at: number;
  readonly reason: string | null;
  readonly triedAt: number | null;
  readonly route: string | null;
}

/** `+` keeps an index of all that waits for one recipient out of it: the ids are found by their own. */
const raises: Readonly<Record<Progress["stage"], (sql: Sql, raise: Raise) => unknown>> = {
  stored: (sql, { recipientId, ids, at, triedAt, route }) => sql.all`
    UPDATE outbox SET stage = 1, stored_at = ${at}, tried_at = coalesce(${triedAt}, tried_at), route = coalesce(${route}, route)
    WHERE id IN (SELECT value FROM json_each(${ids})) AND +recipient_id = ${recipientId} AND stage = 0 RETURNING id, bytes`,
  delivered: (sql, { recipientId, ids, at, triedAt, route }) => sql.all`
    UPDATE outbox SET stage = 2, delivered_at = ${at}, tried_at = coalesce(${triedAt}, tried_at), route = coalesce(${route}, route)
    WHERE id IN (SELECT value FROM json_each(${ids})) AND +recipient_id = ${recipientId} AND stage < 2 RETURNING id, bytes`,
  // Only what time has not settled; of what was handled, nobody needs the body any more.
  handled: (sql, { recipientId, ids, at, reason, triedAt, route }) => sql.all`
    UPDATE outbox SET stage = 3, settled_at = ${at}, reason = ${reason}, sealed_body = NULL,
      tried_at = coalesce(${triedAt}, tried_at), route = coalesce(${route}, route)
    WHERE id IN (SELECT value FROM json_each(${ids})) AND +recipient_id = ${recipientId} AND stage < 3 AND settled_at IS NULL
    RETURNING id, bytes`,
  refused: (sql, { recipientId, ids, at, reason, triedAt, route }) => sql.all`
    UPDATE outbox SET stage = 4, settled_at = ${at}, reason = ${reason},
      tried_at = coalesce(${triedAt}, tried_at), route = coalesce(${route}, route)
    WHERE id IN (SELECT value FROM json_each(${ids})) AND +recipient_id = ${recipientId} AND stage < 3 AND settled_at IS NULL
    RETURNING id, bytes`,
  // What was delivered is not lost with its time.
  expired: (sql, { recipientId, ids, at, reason, triedAt, route }) => sql.all`
    UPDATE outbox SET stage = 5, settled_at = ${at}, reason = ${reason},
      tried_at = coalesce(${triedAt}, tried_at), route = coalesce(${route}, route)
    WHERE id IN (SELECT value FROM json_each(${ids})) AND +recipient_id = ${recipientId} AND stage < 2 RETURNING id, bytes`,
};
