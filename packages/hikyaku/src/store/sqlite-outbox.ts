/** The outbox in SQLite (spec §11). Bodies are encrypted at rest; who gets what when is not. */
import {
  type Draft,
  type LaneOut,
  type Outbox,
  type OutboxBounds,
  type OutboxRecord,
  type Progress,
  type QueuedMessage,
  type Remark,
  stationEventsMax,
} from "@hikyaku/peer";
import { type Bytes, HikyakuError, limits } from "@hikyaku/protocol";
import { BodyCipher } from "./body-cipher.ts";
import type { Database, Turn } from "./database.ts";
import { OutboxChanges } from "./outbox-changes.ts";
import { OutboxLedger, priorities, priorityNumber, readRecipient } from "./outbox-ledger.ts";
import { readRemarks, writeRemark } from "./outbox-remarks.ts";
import { type OutboxRow, readDraft, readQueued, readRecord } from "./outbox-rows.ts";
import type { Sql } from "./sql.ts";

export class SqliteOutbox implements Outbox {
  readonly #database: Database;
  readonly #cipher: BodyCipher;
  readonly #bounds: OutboxBounds;

  /** `storageKey` is the keystore's, 32 bytes. */
  constructor(database: Database, storageKey: Bytes, bounds: OutboxBounds = limits) {
    this.#database = database;
    this.#cipher = new BodyCipher(storageKey);
    this.#bounds = bounds;
  }

  async epochOf(to: string): Promise<string> {
    return this.#database.read((sql) => {
      const own = sql.get`SELECT epoch FROM outbox_recipients WHERE did = ${to}`?.["epoch"];
      return String(own ?? sql.get`SELECT epoch FROM outbox_totals`?.["epoch"]);
    });
  }

  renewEpoch(to: string, epoch: string): Promise<void> {
    return this.#database.change((sql, turn) => {
      const { recipientId } = openLedger(sql, turn).recipient(to);
      sql.run`UPDATE outbox_recipients SET epoch = ${epoch} WHERE recipient_id = ${recipientId}`;
    });
  }

  add(draft: Draft): Promise<QueuedMessage> {
    return this.#change((changes) => changes.add(draft));
  }

  async next(lane: LaneOut, after: number, bounds: { readonly count: number; readonly bytes: number }): Promise<readonly QueuedMessage[]> {
    return this.#database.read((sql) => {
      const taken: QueuedMessage[] = [];
      let bytes = 0;
      for (const row of iterateQueued(sql, lane, after, Math.max(0, bounds.count))) {
        bytes += row.bytes;
        if (taken.length > 0 && bytes > bounds.bytes) break;
        taken.push(readQueued(row, this.#openBody(row)));
      }
      return taken;
    });
  }

  async floor(lane: LaneOut): Promise<number> {
    return this.#database.read((sql) => {
      const recipient = readRecipient(sql, lane.to);
      if (recipient === undefined) return 1;
      const first = sql.get`
        SELECT min(lane_order) AS "order" FROM outbox
        WHERE recipient_id = ${recipient.recipientId} AND priority = ${priorityNumber(lane)} AND stage = 0`;
      return Number(first?.["order"] ?? recipient.lastOrders[lane.priority] + 1);
    });
  }

  async lanesQueued(): Promise<readonly LaneOut[]> {
    return this.#database.read(selectLanesQueued);
  }

  advance(progress: readonly Progress[]): Promise<readonly Progress[]> {
    return this.#change((changes) => changes.advance(progress));
  }

  remark(remarks: readonly Remark[]): Promise<void> {
    const remarksMax = this.#bounds.eventsPerMessageMax - stationEventsMax;
    return this.#database.change((sql) => {
      for (const remark of remarks) writeRemark(sql, remark, remarksMax);
    });
  }

  async unsettled(to: string, after: string | undefined, limit: number): Promise<readonly string[]> {
    return this.#database.read((sql) =>
      sql.all`
        SELECT id FROM outbox_recipients JOIN outbox USING (recipient_id)
        WHERE did = ${to} AND stage IN (1, 2) AND settled_at IS NULL AND id > ${after ?? ""} ORDER BY id LIMIT ${Math.max(0, limit)}`.map(
        ({ id }) => String(id),
      ),
    );
  }

  expire(now: number, limit: number): Promise<readonly OutboxRecord[]> {
    return this.#database.change((sql, turn) => {
      const ledger = openLedger(sql, turn);
      const changes = this.#changes(sql, turn);
      const count = Math.max(0, limit);
      for (const { position, recipient, bytes } of selectDeliveredBefore(sql, now, count)) {
        sql.run`UPDATE outbox SET settled_at = ${now}, sealed_body = NULL WHERE position = ${position}`;
        changes.settle({ bytes }, ledger.recipient(recipient), false);
      }
      return selectOwedBefore(sql, now, count).map((row) => {
        sql.run`UPDATE outbox SET stage = 5, settled_at = ${now}, reason = ${expiredReason} WHERE position = ${row.position}`;
        changes.settle(row, ledger.recipient(row.recipient), true);
        return recordOf(sql, { ...row, stage: 5, settled_at: now, reason: expiredReason });
      });
    });
  }

  async find(id: string): Promise<OutboxRecord | undefined> {
    return this.#database.read((sql) => {
      const row = selectById(sql, id);
      return row && recordOf(sql, row);
    });
  }

  async findByPrefix(prefix: string, limit: number): Promise<readonly OutboxRecord[]> {
    const count = Math.max(0, limit);
    return this.#records(
      (sql) => sql.all`
        SELECT outbox.*, did AS recipient FROM outbox JOIN outbox_recipients USING (recipient_id)
        WHERE id >= ${prefix} AND id < ${`${prefix}\u{10ffff}`} ORDER BY id LIMIT ${count}`,
    );
  }

  async dead(after: string | undefined, limit: number): Promise<readonly OutboxRecord[]> {
    const count = Math.max(0, limit);
    return this.#records(
      (sql) => sql.all`
        SELECT outbox.*, did AS recipient FROM outbox JOIN outbox_recipients USING (recipient_id)
        WHERE stage IN (4, 5) AND id > ${after ?? ""} ORDER BY id LIMIT ${count}`,
    );
  }

  async deadLetter(id: string): Promise<Draft | undefined> {
    return this.#database.read((sql) => {
      const row = selectById(sql, id);
      return row === undefined || row.stage < 4 ? undefined : readDraft(row, this.#openBody(row));
    });
  }

  bury(id: string, asNew?: Draft): Promise<"buried" | QueuedMessage | undefined> {
    return this.#change((changes) => changes.bury(id, asNew));
  }

  async usage(): Promise<{ readonly count: number; readonly bytes: number }> {
    return this.#database.read((sql) => {
      const totals = sql.get`SELECT count, bytes FROM outbox_totals`;
      return { count: Number(totals?.["count"]), bytes: Number(totals?.["bytes"]) };
    });
  }

  sweep(settledBefore: number, limit: number): Promise<number> {
    return this.#database.change((sql) => {
      const { changes } = sql.run`
        DELETE FROM outbox WHERE position IN (
          SELECT position FROM outbox WHERE stage IN (2, 3) AND settled_at IS NOT NULL AND settled_at < ${settledBefore}
          ORDER BY settled_at LIMIT ${Math.max(0, limit)}
        )`;
      return Number(changes);
    });
  }

  #change<Result>(work: (changes: OutboxChanges) => Result): Promise<Result> {
    return this.#database.change((sql, turn) => work(this.#changes(sql, turn)));
  }

  #changes(sql: Sql, turn: Turn): OutboxChanges {
    return new OutboxChanges(sql, openLedger(sql, turn), { bounds: this.#bounds, seal: (draft) => this.#cipher.seal(draft, draft.body) });
  }

  #records(query: (sql: Sql) => readonly unknown[]): readonly OutboxRecord[] {
    return this.#database.read((sql) => (query(sql) as readonly OutboxRow[]).map((row) => recordOf(sql, row)));
  }

  #openBody({ recipient: to, id, type, sealed_body }: OutboxRow): string {
    const body = sealed_body === null ? undefined : this.#cipher.open({ to, id, type }, sealed_body);
    if (body !== undefined) return body;
    const found = `Message ${id} to ${to} in ${this.#database.path} does not open under this folder's storage key`;
    throw new HikyakuError("STORAGE_FAILED", `${found}: it was altered or is another key's; restore key and database from one backup.`);
  }
}

const expiredReason = "MESSAGE_EXPIRED";

const openLedger = (sql: Sql, turn: Turn): OutboxLedger => turn.ledger(OutboxLedger, () => new OutboxLedger(sql));

const recordOf = (sql: Sql, row: OutboxRow): OutboxRecord => readRecord(row, readRemarks(sql, row.position));

const selectById = (sql: Sql, id: string): OutboxRow | undefined =>
  sql.get`
    SELECT outbox.*, did AS recipient FROM outbox JOIN outbox_recipients USING (recipient_id) WHERE id = ${id}` as unknown as
    | OutboxRow
    | undefined;

const iterateQueued = (sql: Sql, lane: LaneOut, after: number, count: number): Iterable<OutboxRow> =>
  sql.iterate`
    SELECT outbox.*, did AS recipient FROM outbox_recipients JOIN outbox USING (recipient_id)
    WHERE did = ${lane.to} AND priority = ${priorityNumber(lane)} AND stage = 0 AND lane_order > ${after}
    ORDER BY lane_order LIMIT ${count}` as unknown as Iterable<OutboxRow>;

/** From each recipient of the index to the next, however many messages lie between, and with each its three priorities. */
const selectLanesQueued = (sql: Sql): readonly LaneOut[] =>
  sql.all`
    WITH RECURSIVE recipients (recipient_id) AS (
      SELECT min(recipient_id) FROM outbox WHERE stage = 0
      UNION ALL
      SELECT (SELECT min(recipient_id) FROM outbox WHERE stage = 0 AND recipient_id > recipients.recipient_id)
      FROM recipients WHERE recipients.recipient_id IS NOT NULL
    ),
    priorities (priority) AS (VALUES (0), (1), (2))
    SELECT did, priority FROM recipients JOIN outbox_recipients USING (recipient_id) JOIN priorities
    WHERE EXISTS (
      SELECT 1 FROM outbox
      WHERE stage = 0 AND outbox.recipient_id = outbox_recipients.recipient_id AND outbox.priority = priorities.priority
    )`.map(({ did, priority }) => ({ to: String(did), priority: priorities[Number(priority)] ?? "normal" }));

const selectDeliveredBefore = (sql: Sql, now: number, count: number): readonly OutboxRow[] =>
  sql.all`
    SELECT position, did AS recipient, bytes FROM outbox JOIN outbox_recipients USING (recipient_id)
    WHERE stage = 2 AND settled_at IS NULL AND exp < ${now} ORDER BY exp LIMIT ${count}` as unknown as readonly OutboxRow[];

const selectOwedBefore = (sql: Sql, now: number, count: number): readonly OutboxRow[] =>
  sql.all`
    SELECT outbox.*, did AS recipient FROM outbox JOIN outbox_recipients USING (recipient_id)
    WHERE stage IN (0, 1) AND exp < ${now} ORDER BY exp LIMIT ${count}` as unknown as readonly OutboxRow[];
