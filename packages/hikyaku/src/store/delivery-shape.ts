/**
 * Step 2 of the database: lanes in the inbox, and an outbox (spec §11). Dids stand once, in `inbox_senders` and `outbox_recipients`, where counts of what is kept
 * stand as well, so that no bound is judged by counting rows. Rows hold numbers in their place, without REFERENCES: who writes a row has just looked the number up.
 *
 * Each partial index holds only what one question asks for, so that its rows leave it as they move on.
 */
import { limits } from "@hikyaku/protocol";

const inbox = `
  -- position: the last one given.
  CREATE TABLE inbox_totals (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE inbox_senders (
    sender_id INTEGER PRIMARY KEY,
    did TEXT NOT NULL UNIQUE,
    unread INTEGER NOT NULL,
    unread_bytes INTEGER NOT NULL
  ) STRICT;

  -- name: empty for messages without a place. reached: every order up to it is here or was skipped. held: how many of its messages are here.
  CREATE TABLE inbox_lanes (
    lane_id INTEGER PRIMARY KEY,
    sender_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    floor INTEGER NOT NULL,
    reached INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    held INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    retired INTEGER NOT NULL CHECK (retired IN (0, 1)),
    UNIQUE (sender_id, name)
  ) STRICT;
  CREATE INDEX inbox_lanes_waiting ON inbox_lanes (last_at) WHERE waiting > 0;

  ALTER TABLE inbox RENAME TO inbox_1;
  DROP INDEX inbox_unread;

  -- stage: 0 stored, 1 delivered, 2 started, 3 handled, 4 refused. waiting: 1 behind a missing order of its lane. bytes: of the body, before it was sealed.
  CREATE TABLE inbox (
    position INTEGER PRIMARY KEY,
    sender_id INTEGER NOT NULL,
    lane_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    stage INTEGER NOT NULL CHECK (stage BETWEEN 0 AND 4),
    waiting INTEGER NOT NULL CHECK (waiting IN (0, 1)),
    lane_order INTEGER,
    lane_floor INTEGER,
    type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    exp INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    reply_to TEXT,
    thread TEXT,
    reason TEXT,
    sealed_body BLOB NOT NULL,
    UNIQUE (sender_id, id)
  ) STRICT;

  -- Messages of the first shape had no exp: the longest life that a message may have. 28: what sealing adds to a body.
  INSERT INTO inbox_senders (did, unread, unread_bytes)
    SELECT sender, sum(stage = 0), sum((stage = 0) * (length(sealed_body) - 28)) FROM inbox_1 GROUP BY sender;
  INSERT INTO inbox_lanes (sender_id, name, floor, reached, waiting, held, last_at, retired)
    SELECT sender_id, '', 0, 0, 0, count(*), max(received_at), 0 FROM inbox_1 JOIN inbox_senders ON did = sender GROUP BY sender_id;
  INSERT INTO inbox (position, sender_id, lane_id, id, stage, waiting, type, bytes, sent_at, exp, received_at, reply_to, thread, sealed_body)
    SELECT position, sender_id, lane_id, id, CASE stage WHEN 2 THEN 3 ELSE stage END, 0, type, length(sealed_body) - 28,
      sent_at, sent_at + ${limits.messageLifeMsMax}, received_at, reply_to, thread, sealed_body
    FROM inbox_1 JOIN inbox_senders ON did = sender JOIN inbox_lanes USING (sender_id) ORDER BY position;
  INSERT INTO inbox_totals
    SELECT 1, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'inbox_1'), 0), coalesce(sum(bytes), 0) FROM inbox;
  DROP TABLE inbox_1;

  CREATE INDEX inbox_of_sender ON inbox (sender_id, position);
  CREATE INDEX inbox_unread ON inbox (position) WHERE stage = 0 AND waiting = 0;
  CREATE INDEX inbox_due ON inbox (lane_id, lane_order, position) WHERE stage = 0 AND waiting = 0;
  CREATE INDEX inbox_waiting ON inbox (lane_id, lane_order) WHERE waiting = 1;
  CREATE INDEX inbox_started ON inbox (position) WHERE stage = 2;
  CREATE INDEX inbox_read ON inbox (received_at, position) WHERE stage IN (1, 3, 4) AND waiting = 0;
`;

const outbox = `
  -- count and bytes: unsettled messages. kept_bytes: those and dead letters. randomblob: an epoch shall differ from others, not be hard to guess.
  CREATE TABLE outbox_totals (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch TEXT NOT NULL CHECK (length(epoch) = 16),
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    kept_bytes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO outbox_totals VALUES (1, lower(hex(randomblob(8))), 0, 0, 0);

  -- kept: unsettled messages and dead letters. The last orders given, by priority.
  CREATE TABLE outbox_recipients (
    recipient_id INTEGER PRIMARY KEY,
    did TEXT NOT NULL UNIQUE,
    kept INTEGER NOT NULL,
    last_high INTEGER NOT NULL,
    last_normal INTEGER NOT NULL,
    last_low INTEGER NOT NULL
  ) STRICT;

  -- stage: 0 queued, 1 stored, 2 delivered, 3 handled, 4 refused, 5 expired. tried_at: when it was last sent, as far as its progress told.
  -- What was delivered and not handled in its time has stage 2 and settled_at.
  CREATE TABLE outbox (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    recipient_id INTEGER NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2),
    lane_order INTEGER NOT NULL,
    stage INTEGER NOT NULL CHECK (stage BETWEEN 0 AND 5),
    type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    exp INTEGER NOT NULL,
    reply_to TEXT,
    thread TEXT,
    tried_at INTEGER,
    route TEXT,
    stored_at INTEGER,
    delivered_at INTEGER,
    settled_at INTEGER,
    reason TEXT,
    sealed_body BLOB
  ) STRICT;
  CREATE INDEX outbox_queued ON outbox (recipient_id, priority, lane_order) WHERE stage = 0;
  CREATE INDEX outbox_unsettled ON outbox (recipient_id, id) WHERE stage IN (1, 2) AND settled_at IS NULL;
  CREATE INDEX outbox_owed ON outbox (exp) WHERE stage IN (0, 1);
  CREATE INDEX outbox_delivered ON outbox (exp) WHERE stage = 2 AND settled_at IS NULL;
  CREATE INDEX outbox_dead ON outbox (id) WHERE stage IN (4, 5);
  CREATE INDEX outbox_settled ON outbox (settled_at) WHERE stage IN (2, 3) AND settled_at IS NOT NULL;

  CREATE TABLE outbox_events (
    position INTEGER NOT NULL REFERENCES outbox ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT,
    PRIMARY KEY (position, number)
  ) STRICT, WITHOUT ROWID;
`;

export const deliveryShape: string = inbox + outbox;
