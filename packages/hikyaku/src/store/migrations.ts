/**
 * The shape of the database, as the steps that lead to it. `user_version` counts the steps a file has seen; each runs in one transaction with its count, so a
 * crash repeats it whole. A released step is never edited: a change is a new step.
 */
import type { DatabaseSync } from "node:sqlite";
import { HikyakuError } from "@hikyaku/protocol";
import { agentsShape, marksShape } from "./agents-shape.ts";
import { deliveryShape } from "./delivery-shape.ts";
import { statusShape } from "./status-shape.ts";
import { workShape } from "./work-shape.ts";

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
 * starts: how often the handler was started, if at all (BOX-5). epoch: instead of the outbox's, once the lanes to a recipient were renamed (LANE-7). bytes and kept_bytes:
 * of the bodies of one sender or recipient, so that none takes all the room.
 */
const shares = `
  ALTER TABLE inbox ADD COLUMN starts INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE inbox_senders ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  UPDATE inbox_senders SET bytes = held FROM (SELECT sender_id, sum(bytes) AS held FROM inbox GROUP BY sender_id) AS sums
    WHERE sums.sender_id = inbox_senders.sender_id;
  ALTER TABLE outbox_recipients ADD COLUMN kept_bytes INTEGER NOT NULL DEFAULT 0;
  UPDATE outbox_recipients SET kept_bytes = held
    FROM (SELECT recipient_id, sum(bytes) AS held FROM outbox WHERE settled_at IS NULL OR stage IN (4, 5) GROUP BY recipient_id) AS sums
    WHERE sums.recipient_id = outbox_recipients.recipient_id;
  ALTER TABLE outbox_recipients ADD COLUMN epoch TEXT CHECK (length(epoch) = 16);
`;

const migrations: readonly string[] = [peersAndInbox, deliveryShape, shares, workShape, statusShape, agentsShape, marksShape];

/**
 * Brings a file to the newest shape. Throws STORAGE_FAILED, having changed nothing, where the file is another program's or a newer hikyaku's. `midway` is called
 * when a step has run and is not committed.
 */
export function migrate(connection: DatabaseSync, path: string, midway: () => void): void {
  const version = readVersion(connection, path);
  for (const [index, step] of migrations.entries()) {
    if (index < version) continue;
    connection.exec(`BEGIN IMMEDIATE; ${step}`);
    midway();
    connection.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${index + 1}; COMMIT;`);
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
