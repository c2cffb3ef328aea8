/** What happened to a message besides its progress (spec §11): in a table of its own, because most messages have none. */
import { type OutboxEvent, type Remark, remarkToDrop } from "@hikyaku/peer";
import type { Sql } from "./sql.ts";

interface RemarkRow {
  readonly number: number;
  readonly at: number;
  readonly kind: OutboxEvent["kind"];
  readonly detail: string | null;
}

/** At most `remarksMax` stay with a message. */
export function writeRemark(sql: Sql, { id, to, event }: Remark, remarksMax: number): void {
  const row = sql.get`SELECT position FROM outbox JOIN outbox_recipients USING (recipient_id) WHERE id = ${id} AND did = ${to}`;
  if (row === undefined) return;
  const position = Number(row["position"]);
  sql.run`
    INSERT INTO outbox_events (position, number, at, kind, detail)
    SELECT ${position}, coalesce(max(number), 0) + 1, ${event.at}, ${event.kind}, ${event.detail ?? null} FROM outbox_events WHERE position = ${position}`;
  const rows = selectRows(sql, position);
  if (rows.length <= remarksMax) return;
  sql.run`DELETE FROM outbox_events WHERE position = ${position} AND number = ${rows[remarkToDrop(rows.map(readRemark))]?.number ?? 0}`;
}

export const readRemarks = (sql: Sql, position: number): readonly OutboxEvent[] => selectRows(sql, position).map(readRemark);

const selectRows = (sql: Sql, position: number): readonly RemarkRow[] =>
  sql.all`SELECT number, at, kind, detail FROM outbox_events WHERE position = ${position} ORDER BY number` as unknown as readonly RemarkRow[];

const readRemark = ({ at, kind, detail }: RemarkRow): OutboxEvent => (detail === null ? { at, kind } : { at, kind, detail });
