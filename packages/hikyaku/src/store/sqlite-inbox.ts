/** The inbox in SQLite (spec §11). Bodies are encrypted at rest; who wrote when, and how far a message has come, is not. */
import type { Arrival, Inbox, InboxBounds, InboxMessage, InboxQuery, InboxStage, LaneKey, StageOf, StoredMessage } from "@hikyaku/peer";
import { type Bytes, HikyakuError, limits, type MessageType } from "@hikyaku/protocol";
import { BodyCipher } from "./body-cipher.ts";
import type { Database, Turn } from "./database.ts";
import { InboxArrivals } from "./inbox-arrivals.ts";
import { InboxLedger } from "./inbox-ledger.ts";
import { numberOf, wordOn } from "./inbox-stages.ts";
import { releaseIdleLanes, type SweepBounds, sweepInbox, sweepStart } from "./inbox-sweep.ts";
import type { Sql } from "./sql.ts";

interface InboxRow {
  readonly position: number;
  readonly sender: string;
  readonly lane: string;
  readonly id: string;
  readonly type: InboxMessage["type"];
  readonly sealed_body: Bytes;
  readonly sent_at: number;
  readonly exp: number;
  readonly received_at: number;
  readonly reply_to: string | null;
  readonly thread: string | null;
  readonly lane_order: number | null;
  readonly lane_floor: number | null;
  readonly stage: number;
  readonly reason: string | null;
}

export class SqliteInbox implements Inbox {
  readonly #database: Database;
  readonly #cipher: BodyCipher;
  readonly #bounds: InboxBounds;
  #sweepCursor = sweepStart;

  /** `storageKey` is the keystore's, 32 bytes. */
  constructor(database: Database, storageKey: Bytes, bounds: InboxBounds = limits) {
    this.#database = database;
    this.#cipher = new BodyCipher(storageKey);
    this.#bounds = bounds;
  }

  append(messages: readonly InboxMessage[]): Promise<readonly Arrival[]> {
    const settings = { bounds: this.#bounds, seal: (message: InboxMessage) => this.#cipher.seal(message, message.body) };
    return this.#database.change((sql, turn) => {
      const arrivals = new InboxArrivals(sql, this.#ledger(sql, turn), settings);
      return messages.map((message) => arrivals.arrive(message));
    });
  }

  raiseFloor({ from, lane: name }: LaneKey, floor: number): Promise<number> {
    return this.#database.change((sql, turn) => {
      const ledger = this.#ledger(sql, turn);
      const sender = ledger.knownSender(from);
      const lane = sender === undefined ? undefined : ledger.lane(sender.senderId, name);
      if (lane === undefined || lane.isRetired) return 0;
      const skipped = lane.orders.raiseFloor(floor);
      ledger.release(lane);
      return skipped;
    });
  }

  async list(query: InboxQuery): Promise<readonly StoredMessage[]> {
    return this.#read((sql) => selectPage(sql, query));
  }

  async lanesDue(type: MessageType, limit: number): Promise<readonly LaneKey[]> {
    return this.#database.read((sql) => selectLanesDue(sql, type, pageOf(limit)));
  }

  async due({ from, lane }: LaneKey, type: MessageType, limit: number): Promise<readonly StoredMessage[]> {
    return this.#read(
      (sql) => sql.all`
        SELECT inbox.*, did AS sender, name AS lane FROM inbox_senders JOIN inbox_lanes USING (sender_id) JOIN inbox USING (lane_id)
        WHERE did = ${from} AND name = ${lane} AND type = ${type} AND stage = 0 AND inbox.waiting = 0
        ORDER BY lane_order, position LIMIT ${pageOf(limit)}`,
    );
  }

  advance(from: string, ids: readonly string[], stage: Exclude<InboxStage, "stored">, reason?: string): Promise<readonly string[]> {
    return this.#database.change((sql, turn) => {
      const ledger = this.#ledger(sql, turn);
      const sender = ledger.knownSender(from);
      if (sender === undefined) return [];
      const change = { senderId: sender.senderId, stage: numberOf(stage), reason: reason ?? null };
      const first = raiseStored(sql, { ...change, ids });
      for (const { bytes } of first) {
        sender.unread -= 1;
        sender.unreadBytes -= bytes;
      }
      const risen = new Set(first.map(({ id }) => id));
      const isFinal = stage === "handled" || stage === "refused";
      const others = isFinal ? ids.filter((id) => !risen.has(id)) : [];
      if (others.length > 0) for (const { id } of raiseRead(sql, { ...change, ids: others })) risen.add(id);
      return ids.filter((id) => risen.delete(id));
    });
  }

  async stagesOf(from: string, ids: readonly string[]): Promise<readonly StageOf[]> {
    return this.#database.read((sql) =>
      ids.flatMap((id) => {
        const row = sql.get`SELECT stage, reason FROM inbox_senders JOIN inbox USING (sender_id) WHERE did = ${from} AND id = ${id}`;
        return row === undefined ? [] : [{ id, ...wordOn(row as unknown as InboxRow) }];
      }),
    );
  }

  async interrupted(type: MessageType, limit: number): Promise<readonly StoredMessage[]> {
    return this.#read(
      (sql) => sql.all`
        SELECT inbox.*, did AS sender, name AS lane FROM inbox JOIN inbox_senders USING (sender_id) JOIN inbox_lanes USING (lane_id)
        WHERE stage = 2 AND type = ${type} ORDER BY position LIMIT ${pageOf(limit)}`,
    );
  }

  startAgain(from: string, id: string): Promise<number> {
    return this.#database.change((sql) => {
      const row = sql.get`
        UPDATE inbox SET starts = starts + 1
        WHERE sender_id = (SELECT sender_id FROM inbox_senders WHERE did = ${from}) AND id = ${id} AND stage = 2 RETURNING starts`;
      return Number(row?.["starts"] ?? 0);
    });
  }

  sweep(now: number, bounds: SweepBounds): Promise<number> {
    return this.#database.change((sql, turn) => {
      const ledger = this.#ledger(sql, turn);
      releaseIdleLanes(sql, ledger, now - this.#bounds.laneIdleMsMax, bounds.limit);
      const { gone, cursor } = sweepInbox(sql, ledger, now, bounds, this.#sweepCursor);
      this.#sweepCursor = cursor;
      return gone;
    });
  }

  #ledger(sql: Sql, turn: Turn): InboxLedger {
    return turn.ledger(InboxLedger, () => new InboxLedger(sql));
  }

  #read(query: (sql: Sql) => readonly unknown[]): readonly StoredMessage[] {
    return this.#database.read((sql) => (query(sql) as readonly InboxRow[]).map((row) => this.#open(row)));
  }

  #open(row: InboxRow): StoredMessage {
    const {
      position,
      sender: from,
      id,
      type,
      sealed_body,
      sent_at,
      exp,
      received_at,
      reply_to,
      thread,
      lane,
      lane_order,
      lane_floor,
    } = row;
    const body = this.#cipher.open({ from, id, type }, sealed_body);
    if (body === undefined) {
      const found = `Message ${id} from ${from} in ${this.#database.path} does not open under this folder's storage key`;
      throw new HikyakuError("STORAGE_FAILED", `${found}: it was altered or is another key's; restore key and database from one backup.`);
    }
    return {
      position,
      from,
      id,
      type,
      body,
      sentAt: sent_at,
      exp,
      receivedAt: received_at,
      ...wordOn(row),
      ...(reply_to === null ? {} : { replyTo: reply_to }),
      ...(thread === null ? {} : { thread }),
      ...(lane_order === null ? {} : { place: { lane, order: lane_order, floor: lane_floor ?? 0 } }),
    };
  }
}

/** A negative LIMIT would be none at all. */
const pageOf = (limit: number): number => Math.max(0, Math.min(limit, limits.inboxPageMax));

/** Each question has a statement of its own, since only one that says `stage = 0` can use an index of unread messages. */
function selectPage(sql: Sql, { after = 0, from, type, unread = false, limit }: InboxQuery): readonly unknown[] {
  const count = pageOf(limit);
  if (from === undefined && unread) {
    return sql.all`
      SELECT inbox.*, did AS sender, name AS lane FROM inbox JOIN inbox_senders USING (sender_id) JOIN inbox_lanes USING (lane_id)
      WHERE position > ${after} AND type = ${type} AND stage = 0 AND inbox.waiting = 0 ORDER BY position LIMIT ${count}`;
  }
  if (from === undefined) {
    return sql.all`
      SELECT inbox.*, did AS sender, name AS lane FROM inbox JOIN inbox_senders USING (sender_id) JOIN inbox_lanes USING (lane_id)
      WHERE position > ${after} AND type = ${type} ORDER BY position LIMIT ${count}`;
  }
  if (unread) {
    // By lane, of which a sender has few: by position, everything that it has read would be passed.
    return sql.all`
      SELECT inbox.*, did AS sender, name AS lane FROM inbox_senders JOIN inbox_lanes USING (sender_id) JOIN inbox USING (lane_id)
      WHERE did = ${from} AND position > ${after} AND type = ${type} AND stage = 0 AND inbox.waiting = 0 ORDER BY position LIMIT ${count}`;
  }
  return sql.all`
    SELECT inbox.*, did AS sender, name AS lane FROM inbox_senders JOIN inbox USING (sender_id) JOIN inbox_lanes USING (lane_id)
    WHERE did = ${from} AND position > ${after} AND type = ${type} ORDER BY position LIMIT ${count}`;
}

/** From each lane of the index to the next, however many messages lie between. */
const selectLanesDue = (sql: Sql, type: MessageType, limit: number): readonly LaneKey[] =>
  sql.all`
    WITH RECURSIVE lanes (lane_id) AS (
      SELECT min(lane_id) FROM inbox WHERE stage = 0 AND waiting = 0 AND type = ${type}
      UNION ALL
      SELECT (
        SELECT min(lane_id) FROM inbox WHERE stage = 0 AND waiting = 0 AND type = ${type} AND lane_id > lanes.lane_id
      ) FROM lanes WHERE lanes.lane_id IS NOT NULL
    )
    SELECT did AS "from", name AS lane FROM lanes JOIN inbox_lanes USING (lane_id) JOIN inbox_senders USING (sender_id) LIMIT ${limit}`.map(
    ({ from, lane }) => ({ from: String(from), lane: String(lane) }),
  );

interface StageChange {
  readonly senderId: number;
  readonly ids: readonly string[];
  readonly stage: number;
  readonly reason: string | null;
}

interface Risen {
  readonly id: string;
  readonly bytes: number;
}

const raiseStored = (sql: Sql, { senderId, ids, stage, reason }: StageChange): readonly Risen[] =>
  sql.all`
    UPDATE inbox SET stage = ${stage}, reason = ${reason}
    WHERE sender_id = ${senderId} AND id IN (SELECT value FROM json_each(${JSON.stringify(ids)})) AND stage = 0
    RETURNING id, bytes` as unknown as readonly Risen[];

/** Only a final stage follows that of a message which was read or started. */
const raiseRead = (sql: Sql, { senderId, ids, stage, reason }: StageChange): readonly Risen[] =>
  sql.all`
    UPDATE inbox SET stage = ${stage}, reason = ${reason}
    WHERE sender_id = ${senderId} AND id IN (SELECT value FROM json_each(${JSON.stringify(ids)})) AND stage IN (1, 2)
    RETURNING id, bytes` as unknown as readonly Risen[];
