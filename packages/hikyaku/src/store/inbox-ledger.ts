/** What the inbox counts, in one transaction: totals, senders and lanes are read when they are first needed, and written once at its end. */
import { Lane } from "@hikyaku/peer";
import type { Ledger } from "./database.ts";
import type { Sql } from "./sql.ts";

export interface SenderAccount {
  readonly senderId: number;
  unread: number;
  unreadBytes: number;
  /** Of all its bodies, read ones too. */
  bytes: number;
}

export interface LaneAccount {
  readonly laneId: number;
  readonly senderId: number;
  readonly orders: Lane;
  held: number;
  lastAt: number;
  isRetired: boolean;
}

interface SenderRow extends SenderAccount {
  readonly did: string;
}

interface LaneRow {
  readonly lane_id: number;
  readonly sender_id: number;
  readonly floor: number;
  readonly reached: number;
  readonly waiting: number;
  readonly held: number;
  readonly last_at: number;
  readonly retired: number;
}

export class InboxLedger implements Ledger {
  /** The last position given, and the bytes of all bodies. */
  readonly totals: { position: number; bytes: number };
  readonly #sql: Sql;
  readonly #senders = new Map<string, SenderAccount>();
  /** By sender and name, and by number. */
  readonly #names = new Map<string, LaneAccount>();
  readonly #lanes = new Map<number, LaneAccount>();

  constructor(sql: Sql) {
    this.#sql = sql;
    this.totals = sql.get`SELECT position, bytes FROM inbox_totals` as unknown as { position: number; bytes: number };
  }

  /** A sender that was never here gets an account. */
  sender(did: string): SenderAccount {
    return this.knownSender(did) ?? this.#addSender(did);
  }

  knownSender(did: string): SenderAccount | undefined {
    const known = this.#senders.get(did);
    if (known !== undefined) return known;
    const row = this.#sql
      .get`SELECT did, sender_id AS senderId, unread, unread_bytes AS unreadBytes, bytes FROM inbox_senders WHERE did = ${did}`;
    return row && this.#openSender(row as unknown as SenderRow);
  }

  senderById(senderId: number): SenderAccount | undefined {
    for (const known of this.#senders.values()) if (known.senderId === senderId) return known;
    const row = this.#sql.get`
      SELECT did, sender_id AS senderId, unread, unread_bytes AS unreadBytes, bytes FROM inbox_senders WHERE sender_id = ${senderId}`;
    return row && this.#openSender(row as unknown as SenderRow);
  }

  lane(senderId: number, name: string): LaneAccount | undefined {
    const key = `${senderId}/${name}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const row = this.#sql.get`SELECT * FROM inbox_lanes WHERE sender_id = ${senderId} AND name = ${name}` as LaneRow | undefined;
    const lane = row && this.#openLane(row);
    if (lane !== undefined) this.#names.set(key, lane);
    return lane;
  }

  laneById(laneId: number): LaneAccount | undefined {
    const known = this.#lanes.get(laneId);
    if (known !== undefined) return known;
    const row = this.#sql.get`SELECT * FROM inbox_lanes WHERE lane_id = ${laneId}` as LaneRow | undefined;
    return row && this.#openLane(row);
  }

  addLane(senderId: number, name: string, lastAt: number): LaneAccount {
    const { lastInsertRowid } = this.#sql.run`
      INSERT INTO inbox_lanes (sender_id, name, floor, reached, waiting, held, last_at, retired) VALUES (${senderId}, ${name}, 0, 0, 0, 0, ${lastAt}, 0)`;
    const lane = { laneId: Number(lastInsertRowid), senderId, orders: new Lane(), held: 0, lastAt, isRetired: false };
    this.#lanes.set(lane.laneId, lane);
    this.#names.set(`${senderId}/${name}`, lane);
    return lane;
  }

  /** Those that count, with what this transaction has changed. */
  lanesOf(senderId: number): readonly LaneAccount[] {
    const rows = this.#sql.all`SELECT lane_id FROM inbox_lanes WHERE sender_id = ${senderId} AND name <> ''`;
    return rows.flatMap(({ lane_id }) => this.laneById(Number(lane_id)) ?? []).filter(({ isRetired }) => !isRetired);
  }

  /** What waited in a lane until now takes a new position, by rising order, so that no reader's cursor has passed it by. Whether anything did. */
  release(lane: LaneAccount): boolean {
    const released = lane.orders.takeReleased();
    for (const order of released) {
      this.totals.position += 1;
      this.#sql.run`
        UPDATE inbox SET position = ${this.totals.position}, waiting = 0
        WHERE lane_id = ${lane.laneId} AND lane_order = ${order} AND waiting = 1`;
    }
    return released.length > 0;
  }

  close(): void {
    const { position, bytes } = this.totals;
    this.#sql.run`UPDATE inbox_totals SET position = ${position}, bytes = ${bytes}`;
    for (const { senderId, unread, unreadBytes, bytes: held } of this.#senders.values()) {
      this.#sql
        .run`UPDATE inbox_senders SET unread = ${unread}, unread_bytes = ${unreadBytes}, bytes = ${held} WHERE sender_id = ${senderId}`;
    }
    for (const lane of this.#lanes.values()) this.#writeLane(lane);
  }

  #addSender(did: string): SenderAccount {
    const { lastInsertRowid } = this.#sql.run`INSERT INTO inbox_senders (did, unread, unread_bytes) VALUES (${did}, 0, 0)`;
    return this.#openSender({ did, senderId: Number(lastInsertRowid), unread: 0, unreadBytes: 0, bytes: 0 });
  }

  #openSender({ did, ...account }: SenderRow): SenderAccount {
    this.#senders.set(did, account);
    return account;
  }

  #openLane(row: LaneRow): LaneAccount {
    const known = this.#lanes.get(row.lane_id);
    if (known !== undefined) return known;
    const waiting =
      row.waiting === 0 ? [] : this.#sql.all`SELECT lane_order, bytes FROM inbox WHERE lane_id = ${row.lane_id} AND waiting = 1`;
    const orders = new Lane(row.floor, row.reached, new Map(waiting.map(({ lane_order, bytes }) => [Number(lane_order), Number(bytes)])));
    const lane = {
      laneId: row.lane_id,
      senderId: row.sender_id,
      orders,
      held: row.held,
      lastAt: row.last_at,
      isRetired: row.retired === 1,
    };
    this.#lanes.set(row.lane_id, lane);
    return lane;
  }

  #writeLane({ laneId, orders, held, lastAt, isRetired }: LaneAccount): void {
    if (isRetired && held === 0) {
      this.#sql.run`DELETE FROM inbox_lanes WHERE lane_id = ${laneId}`;
      return;
    }
    this.#sql.run`
      UPDATE inbox_lanes
      SET floor = ${orders.floor}, reached = ${orders.reached}, waiting = ${orders.waiting.size},
        held = ${held}, last_at = ${lastAt}, retired = ${Number(isRetired)}
      WHERE lane_id = ${laneId}`;
  }
}
