/** Rows of tasks and their events as what their port tells of them. */
import type { TaskEvent, TaskNews, TaskRecord, TaskRole } from "@hikyaku/peer";
import type { Bytes, TaskState } from "@hikyaku/protocol";
import { priorities } from "./outbox-ledger.ts";

/** An index is a number in the database: a role's and a state's. */
const roles: readonly TaskRole[] = ["requester", "worker"];
const states: readonly TaskState[] = [
  "submitted",
  "working",
  "input_required",
  "auth_required",
  "completed",
  "failed",
  "canceled",
  "rejected",
];

export const roleNumber = (role: TaskRole): number => roles.indexOf(role);
export const readRole = (number: number): TaskRole => roles[number] ?? "requester";
export const stateNumber = (state: TaskState): number => states.indexOf(state);

export interface TaskRow {
  readonly position: number;
  readonly role: number;
  readonly peer: string;
  readonly id: string;
  readonly state: number;
  readonly cursor: number;
  readonly said: number;
  readonly spent: number;
  readonly touched_at: number;
  readonly progress: number | null;
  readonly capability: string;
  readonly priority: number;
  readonly created_at: number;
  readonly deadline: number;
  readonly idempotency_key: string | null;
  readonly depth: number;
  readonly budget: number;
}

export interface EventRow {
  readonly cursor: number;
  readonly state: number;
  readonly at: number;
  readonly progress: number | null;
  readonly code: string | null;
  readonly sealed_words: Bytes | null;
}

export const readTask = (row: TaskRow): TaskRecord => ({
  role: readRole(row.role),
  peer: row.peer,
  id: row.id,
  capability: row.capability,
  priority: priorities[row.priority] ?? "normal",
  createdAt: row.created_at,
  deadline: row.deadline,
  ...(row.idempotency_key === null ? {} : { idempotencyKey: row.idempotency_key }),
  chain: { depth: row.depth, budget: row.budget },
  position: row.position,
  state: states[row.state] ?? "submitted",
  cursor: row.cursor,
  said: row.said,
  spent: row.spent,
  touchedAt: row.touched_at,
  ...(row.progress === null ? {} : { progress: row.progress }),
});

export const readEvent = (row: EventRow, words: EventWords): TaskEvent => ({
  state: states[row.state] ?? "submitted",
  at: row.at,
  ...(row.progress === null ? {} : { progress: row.progress }),
  ...(row.code === null ? {} : { code: row.code }),
  ...words,
  cursor: row.cursor,
});

/** Of an event, what is sealed. */
export type EventWords = Pick<TaskNews, "detail" | "output" | "artifact">;

/** Undefined where an event has none. */
export function encodeWords({ detail, output, artifact }: EventWords): string | undefined {
  if (detail === undefined && output === undefined && artifact === undefined) return undefined;
  return JSON.stringify([detail ?? null, output ?? null, artifact === undefined ? null : [artifact.name, artifact.content]]);
}

/** Of text that was sealed here, so it is in the shape that `encodeWords` gave it. */
export function decodeWords(text: string): EventWords {
  const [detail, output, artifact] = JSON.parse(text) as [string | null, string | null, [string, string] | null];
  return {
    ...(detail === null ? {} : { detail }),
    ...(output === null ? {} : { output }),
    ...(artifact === null ? {} : { artifact: { name: artifact[0], content: artifact[1] } }),
  };
}
