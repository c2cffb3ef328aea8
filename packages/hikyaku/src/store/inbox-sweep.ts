/** How the inbox forgets (spec §11). A call looks at so many rows and no more; the next one goes on behind them, and begins anew at the end. */

import type { InboxLedger } from "./inbox-ledger.ts";
import type { Sql } from "./sql.ts";

/** Behind which row the last call stopped. */
export interface SweepCursor {
  readonly receivedAt: number;
  readonly position: number;
}

export const sweepStart: SweepCursor = { receivedAt: -1, position: 0 };

export interface SweepBounds {
  readonly readBefore: number;
  readonly graceMs: number;
  readonly limit: number;
}

interface Candidate extends SweepCursor {
  readonly laneId: number;
  readonly laneOrder: number | null;
  readonly bytes: number;
  readonly exp: number;
}

export interface Swept {
  readonly gone: number;
  readonly cursor: SweepCursor;
}

export function sweepInbox(sql: Sql, ledger: InboxLedger, now: number, bounds: SweepBounds, from: SweepCursor): Swept {
  const limit = Math.max(0, bounds.limit);
  const ahead = selectRead(sql, from, bounds.readBefore, limit);
  // A clock that was set back, or a message that was read late, puts rows behind the cursor.
  const behind = from === sweepStart ? [] : selectRead(sql, sweepStart, bounds.readBefore, limit - ahead.length);
  const rows = new Map([...ahead, ...behind].map((row) => [row.position, row]));
  const known = [...rows.values()].filter((row) => isKnownWithoutRow(ledger, row, now - bounds.graceMs));
  for (const row of known) forget(sql, ledger, row);
  const last = ahead.length === limit ? ahead.at(-1) : behind.at(-1);
  return { gone: known.length, cursor: last ?? sweepStart };
}

const selectRead = (sql: Sql, { receivedAt, position }: SweepCursor, readBefore: number, limit: number): readonly Candidate[] =>
  sql.all`
    SELECT position, lane_id AS laneId, lane_order AS laneOrder, bytes, exp, received_at AS receivedAt FROM inbox
    WHERE stage IN (1, 3, 4) AND waiting = 0 AND (received_at, position) > (${receivedAt}, ${position}) AND received_at < ${readBefore}
    ORDER BY received_at, position LIMIT ${limit}` as unknown as readonly Candidate[];

/** Its repetition would be outdated, or past its exp for so long that nobody takes it in. */
const isKnownWithoutRow = (ledger: InboxLedger, { laneId, laneOrder, exp }: Candidate, expiredBefore: number): boolean =>
  exp < expiredBefore || (laneOrder !== null && laneOrder < (ledger.laneById(laneId)?.orders.floor ?? 0));

function forget(sql: Sql, ledger: InboxLedger, { position, laneId, bytes }: Candidate): void {
  sql.run`DELETE FROM inbox WHERE position = ${position}`;
  ledger.totals.bytes -= bytes;
  const lane = ledger.laneById(laneId);
  if (lane === undefined) return;
  lane.held -= 1;
  const sender = ledger.senderById(lane.senderId);
  if (sender !== undefined) sender.bytes -= bytes;
}

/** What still waits in a lane where nothing can come any more. */
export function releaseIdleLanes(sql: Sql, ledger: InboxLedger, idleSince: number, limit: number): void {
  for (const {
    lane_id,
  } of sql.all`SELECT lane_id FROM inbox_lanes WHERE waiting > 0 AND last_at <= ${idleSince} LIMIT ${Math.max(0, limit)}`) {
    const lane = ledger.laneById(Number(lane_id));
    if (lane === undefined || lane.lastAt > idleSince) continue;
    lane.orders.skipAll();
    ledger.release(lane);
  }
}
