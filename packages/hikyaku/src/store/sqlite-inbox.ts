/** The inbox in SQLite (spec §11). Bodies are encrypted at rest; who wrote when, and how far a message has come, is not. */
import {
  type Appended,
  defaultInboxBounds,
  hasInboxRoom,
  type Inbox,
  type InboxBounds,
  type InboxMessage,
  type InboxQuery,
  type InboxStage,
  type InboxUsage,
  type StoredMessage,
} from "@hikyaku/peer";
import { type Bytes, HikyakuError, limits } from "@hikyaku/protocol";
import { BodyCipher } from "./body-cipher.ts";
import type { Database, Sql } from "./database.ts";

/** A stage's index is its number in the database. */
const stages: readonly InboxStage[] = ["stored", "delivered", "handled"];

interface InboxRow {
  readonly position: number;
  readonly sender: string;
  readonly id: string;
  readonly type: InboxMessage["type"];
  readonly sealed_body: Bytes;
  readonly sent_at: number;
  readonly received_at: number;
  readonly reply_to: string | null;
  readonly thread: string | null;
  readonly stage: number;
}

export class SqliteInbox implements Inbox {
  readonly #database: Database;
  readonly #cipher: BodyCipher;
  readonly #bounds: InboxBounds;

  /** `storageKey` is the keystore's, 32 bytes. Tighter bounds than the protocol's are for tests. */
  constructor(database: Database, storageKey: Bytes, bounds: Partial<InboxBounds> = {}) {
    this.#database = database;
    this.#cipher = new BodyCipher(storageKey);
    this.#bounds = { ...defaultInboxBounds, ...bounds };
  }

  append(message: InboxMessage): Promise<Appended> {
    const sealed = this.#cipher.seal(message, message.body);
    return this.#database.change((sql) => {
      if (isHeld(sql, message)) return "duplicate";
      if (!hasInboxRoom(sealed.length, usageBy(sql, message.from), this.#bounds)) return "full";
      insertRow(sql, message, sealed);
      return "stored";
    });
  }

  async list(query: InboxQuery): Promise<readonly StoredMessage[]> {
    return this.#database.read((sql) => selectRows(sql, query).map((row) => this.#open(row)));
  }

  advance(from: string, ids: readonly string[], stage: InboxStage): Promise<readonly string[]> {
    const reached = stages.indexOf(stage);
    return this.#database.change((sql) =>
      ids.filter((id) => {
        const { changes } = sql.run`UPDATE inbox SET stage = ${reached} WHERE sender = ${from} AND id = ${id} AND stage < ${reached}`;
        return changes === 1;
      }),
    );
  }

  #open({ position, sender: from, id, type, sealed_body, sent_at, received_at, reply_to, thread, stage }: InboxRow): StoredMessage {
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
      receivedAt: received_at,
      stage: stages[stage] ?? "stored",
      ...(reply_to === null ? {} : { replyTo: reply_to }),
      ...(thread === null ? {} : { thread }),
    };
  }
}

const isHeld = (sql: Sql, { from, id }: InboxMessage): boolean =>
  sql.get`SELECT 1 FROM inbox WHERE sender = ${from} AND id = ${id}` !== undefined;

/** Two rows that triggers keep, however many messages there are. */
function usageBy(sql: Sql, sender: string): InboxUsage {
  const ofSender = sql.get`SELECT unread, unread_bytes FROM inbox_usage WHERE sender = ${sender}`;
  const total = sql.get`SELECT bytes FROM inbox_total`;
  return {
    unreadOfSender: Number(ofSender?.["unread"] ?? 0),
    unreadBytesOfSender: Number(ofSender?.["unread_bytes"] ?? 0),
    bytes: Number(total?.["bytes"] ?? 0),
  };
}

const insertRow = (sql: Sql, { from, id, type, sentAt, receivedAt, replyTo, thread }: InboxMessage, sealed: Bytes): unknown => sql.run`
  INSERT INTO inbox (sender, id, type, sealed_body, sent_at, received_at, reply_to, thread)
  VALUES (${from}, ${id}, ${type}, ${sealed}, ${sentAt}, ${receivedAt}, ${replyTo ?? null}, ${thread ?? null})`;

/** Two statements, because only the one that says `stage = 0` can use the index of unread messages. */
function selectRows(sql: Sql, { after = 0, from, unread = false, limit }: InboxQuery): readonly InboxRow[] {
  const sender = from ?? null;
  // A negative LIMIT would be none at all.
  const count = Math.max(0, Math.min(limit, limits.inboxPageMax));
  const rows = unread
    ? sql.all`SELECT * FROM inbox WHERE position > ${after} AND stage = 0 AND (${sender} IS NULL OR sender = ${sender}) ORDER BY position LIMIT ${count}`
    : sql.all`SELECT * FROM inbox WHERE position > ${after} AND (${sender} IS NULL OR sender = ${sender}) ORDER BY position LIMIT ${count}`;
  return rows as unknown as readonly InboxRow[];
}
