/**
 * The shape of the database, as the steps that lead to it. `user_version` counts the steps a file has seen; each runs in one transaction with its count, so a
 * crash repeats it whole. A released step is never edited: a change is a new step.
 */
import type { DatabaseSync } from "node:sqlite";
import { HikyakuError } from "@hikyaku/protocol";

/** "HIKY": tells our files from other programs' (https://sqlite.org/pragma.html#pragma_application_id). */
const applicationId = 0x48494b59;

const peersAndInbox = `
  CREATE TABLE peers (
    did TEXT PRIMARY KEY,
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    name TEXT NOT NULL UNIQUE,
    level TEXT NOT NULL CHECK (level IN ('blocked', 'seen', 'trusted', 'admin')),
    scopes TEXT NOT NULL CHECK (json_valid(scopes)),
    addresses TEXT NOT NULL CHECK (json_valid(addresses)),
    min_version TEXT NOT NULL,
    pinned_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- AUTOINCREMENT: a position is a cursor, so it is never given twice.
  -- stage: 0 stored, 1 delivered, 2 handled.
  CREATE TABLE inbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    sealed_body BLOB NOT NULL,
    sent_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    reply_to TEXT,
    thread TEXT,
    stage INTEGER NOT NULL DEFAULT 0 CHECK (stage BETWEEN 0 AND 2),
    UNIQUE (sender, id)
  ) STRICT;
  CREATE INDEX inbox_unread ON inbox (position) WHERE stage = 0;
`;

/**
 * What the inbox holds, kept up to date by the database itself, so that no append has to count (spec LIM-7) and no statement can forget to. `inbox_usage` has a
 * row for each sender of something unread; `inbox_total` has one row. What a hand with another tool deletes makes room too.
 */
const inboxUsage = `
  CREATE TABLE inbox_usage (
    sender TEXT PRIMARY KEY,
    unread INTEGER NOT NULL,
    unread_bytes INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE inbox_total (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    bytes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO inbox_usage SELECT sender, count(*), sum(length(sealed_body)) FROM inbox WHERE stage = 0 GROUP BY sender;
  INSERT INTO inbox_total SELECT 1, coalesce(sum(length(sealed_body)), 0) FROM inbox;

  CREATE TRIGGER inbox_total_grows AFTER INSERT ON inbox BEGIN
    UPDATE inbox_total SET bytes = bytes + length(NEW.sealed_body);
  END;
  CREATE TRIGGER inbox_total_shrinks AFTER DELETE ON inbox BEGIN
    UPDATE inbox_total SET bytes = bytes - length(OLD.sealed_body);
  END;
  CREATE TRIGGER inbox_usage_grows AFTER INSERT ON inbox WHEN NEW.stage = 0 BEGIN
    INSERT INTO inbox_usage VALUES (NEW.sender, 1, length(NEW.sealed_body))
      ON CONFLICT (sender) DO UPDATE SET unread = unread + 1, unread_bytes = unread_bytes + excluded.unread_bytes;
  END;
  CREATE TRIGGER inbox_usage_shrinks_by_reading AFTER UPDATE OF stage ON inbox WHEN OLD.stage = 0 AND NEW.stage > 0 BEGIN
    UPDATE inbox_usage SET unread = unread - 1, unread_bytes = unread_bytes - length(OLD.sealed_body) WHERE sender = OLD.sender;
    DELETE FROM inbox_usage WHERE sender = OLD.sender AND unread <= 0;
  END;
  CREATE TRIGGER inbox_usage_shrinks_by_deleting AFTER DELETE ON inbox WHEN OLD.stage = 0 BEGIN
    UPDATE inbox_usage SET unread = unread - 1, unread_bytes = unread_bytes - length(OLD.sealed_body) WHERE sender = OLD.sender;
    DELETE FROM inbox_usage WHERE sender = OLD.sender AND unread <= 0;
  END;
`;

const migrations: readonly string[] = [peersAndInbox, inboxUsage];

/** Brings a file to the newest shape. Throws STORAGE_FAILED, having changed nothing, where the file is another program's or a newer hikyaku's. */
export function migrate(connection: DatabaseSync, path: string): void {
  const version = readVersion(connection, path);
  for (const [index, step] of migrations.entries()) {
    if (index < version) continue;
    connection.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

function readVersion(connection: DatabaseSync, path: string): number {
  const pragma = (name: string): number => Number(connection.prepare(`PRAGMA ${name}`).get()?.[name]);
  const version = pragma("user_version");
  const isEmpty = connection.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (pragma("application_id") !== applicationId && !(isEmpty && version === 0)) {
    throw new HikyakuError("STORAGE_FAILED", `${path} is the database of another program: move it away, or choose another folder.`);
  }
  if (version <= migrations.length) return version;
  const found = `was written by a newer hikyaku (shape ${version}; this one knows ${migrations.length})`;
  throw new HikyakuError("STORAGE_FAILED", `${path} ${found}: install that version or a newer one.`);
}
