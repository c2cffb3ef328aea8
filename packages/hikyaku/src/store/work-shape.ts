/**
 * Step 4 of the database: work that was handed over, on both of its sides, and what programs offer (spec §17). As in step 2, dids and counts stand once, in `task_parties`
 * and `task_totals`, and each partial index holds only what one question asks for. Messages of an inbox are asked for by their type, so its indexes begin with that: who
 * looks for one type passes by none of another, of which there may be many.
 */
const inbox = `
  DROP INDEX inbox_of_sender;
  DROP INDEX inbox_unread;
  DROP INDEX inbox_due;
  DROP INDEX inbox_started;
  CREATE INDEX inbox_of_type ON inbox (type, position);
  CREATE INDEX inbox_of_sender ON inbox (sender_id, type, position);
  CREATE INDEX inbox_unread ON inbox (type, position) WHERE stage = 0 AND waiting = 0;
  CREATE INDEX inbox_due ON inbox (type, lane_id, lane_order, position) WHERE stage = 0 AND waiting = 0;
  CREATE INDEX inbox_started ON inbox (type, position) WHERE stage = 2;
`;

const tasks = `
  -- position: the last one given. open_requester, open_worker: tasks of the role that have not ended.
  CREATE TABLE task_totals (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL,
    open_requester INTEGER NOT NULL,
    open_worker INTEGER NOT NULL
  ) STRICT;
  INSERT INTO task_totals VALUES (1, 0, 0, 0);

  -- role: our own; 0 requester, 1 worker. did: of the other side. open: tasks that have not ended. bytes: what all of them take.
  CREATE TABLE task_parties (
    party_id INTEGER PRIMARY KEY,
    role INTEGER NOT NULL CHECK (role IN (0, 1)),
    did TEXT NOT NULL,
    open INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    UNIQUE (did, role)
  ) STRICT;

  -- state: 0 submitted, 1 working, 2 input_required, 3 auth_required, 4 completed, 5 failed, 6 canceled, 7 rejected; from 4 on it has ended.
  -- role: that of its party. bytes: what its input and events take. unsaid: whether it has something to say that the outbox does not have.
  CREATE TABLE tasks (
    position INTEGER PRIMARY KEY,
    party_id INTEGER NOT NULL,
    role INTEGER NOT NULL,
    id TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
    cursor INTEGER NOT NULL,
    said INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    progress REAL,
    capability TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2),
    created_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    idempotency_key TEXT,
    depth INTEGER NOT NULL,
    budget INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    unsaid INTEGER NOT NULL AS (CASE role WHEN 1 THEN said < cursor ELSE said = 0 AND state < 4 END) VIRTUAL,
    UNIQUE (id, party_id)
  ) STRICT;
  CREATE UNIQUE INDEX tasks_once ON tasks (party_id, capability, idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE INDEX tasks_of_role ON tasks (role, position);
  CREATE INDEX tasks_of_party ON tasks (party_id, position);
  CREATE INDEX tasks_open ON tasks (role, position) WHERE state < 4;
  CREATE INDEX tasks_open_of_party ON tasks (party_id, position) WHERE state < 4;
  CREATE INDEX tasks_due ON tasks (role, deadline) WHERE state < 4;
  CREATE INDEX tasks_unsaid ON tasks (position) WHERE unsaid = 1;
  CREATE INDEX tasks_ended ON tasks (touched_at) WHERE state >= 4;

  -- Beside its task, whose row is written with every event and shall stay short.
  CREATE TABLE task_inputs (
    position INTEGER PRIMARY KEY REFERENCES tasks ON DELETE CASCADE,
    sealed_input BLOB NOT NULL
  ) STRICT;

  -- sealed_words: its detail, output and artifact, where it has any.
  CREATE TABLE task_events (
    position INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE,
    cursor INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
    at INTEGER NOT NULL,
    progress REAL,
    code TEXT,
    sealed_words BLOB,
    PRIMARY KEY (position, cursor)
  ) STRICT;
`;

const offers = `
  CREATE TABLE offers (
    name TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    description TEXT,
    input_schema TEXT,
    output_schema TEXT,
    is_idempotent INTEGER NOT NULL CHECK (is_idempotent IN (0, 1)),
    concurrency INTEGER NOT NULL,
    peers TEXT CHECK (peers IS NULL OR json_valid(peers)),
    offered_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

export const workShape: string = inbox + tasks + offers;
