/** Rows of the outbox as what its port tells of them. */
import { type Draft, type OutboxEvent, type OutboxRecord, type OutboxStage, type QueuedMessage, tellEvents } from "@hikyaku/peer";
import type { Bytes } from "@hikyaku/protocol";
import { priorities } from "./outbox-ledger.ts";

/** A stage's index is its number in the database. */
const stages: readonly OutboxStage[] = ["queued", "stored", "delivered", "handled", "refused", "expired"];

export interface OutboxRow {
  readonly position: number;
  readonly id: string;
  readonly recipient: string;
  readonly priority: number;
  readonly lane_order: number;
  readonly stage: number;
  readonly type: Draft["type"];
  readonly bytes: number;
  readonly sent_at: number;
  readonly exp: number;
  readonly reply_to: string | null;
  readonly thread: string | null;
  readonly tried_at: number | null;
  readonly route: string | null;
  readonly stored_at: number | null;
  readonly delivered_at: number | null;
  readonly settled_at: number | null;
  readonly reason: string | null;
  readonly sealed_body: Bytes | null;
}

export const readDraft = (row: OutboxRow, body: string): Draft => ({ ...readFacts(row), body });

export const readQueued = (row: OutboxRow, body: string): QueuedMessage => ({ ...readFacts(row), order: row.lane_order, body });

export const readRecord = (row: OutboxRow, remarks: readonly OutboxEvent[]): OutboxRecord => ({
  ...readFacts(row),
  order: row.lane_order,
  stage: stages[row.stage] ?? "queued",
  events: tellEvents(
    {
      stage: stages[row.stage] ?? "queued",
      queuedAt: row.sent_at,
      ...(row.tried_at === null ? {} : { sent: { at: row.tried_at, route: row.route ?? "" } }),
      ...(row.stored_at === null ? {} : { storedAt: row.stored_at }),
      ...(row.delivered_at === null ? {} : { deliveredAt: row.delivered_at }),
      ...(row.settled_at === null ? {} : { settledAt: row.settled_at }),
      ...(row.reason === null ? {} : { reason: row.reason }),
    },
    remarks,
  ),
  ...(row.reason === null ? {} : { reason: row.reason }),
});

const readFacts = (row: OutboxRow): Omit<Draft, "body"> => ({
  id: row.id,
  to: row.recipient,
  type: row.type,
  priority: priorities[row.priority] ?? "normal",
  sentAt: row.sent_at,
  exp: row.exp,
  ...(row.reply_to === null ? {} : { replyTo: row.reply_to }),
  ...(row.thread === null ? {} : { thread: row.thread }),
});
