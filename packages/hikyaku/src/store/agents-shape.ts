/**
 * Step 6 of the database: what agents may do, what waits for an approval, and what they did (spec §19). The trigger takes along what was said of a peer with the peer itself,
 * whoever forgets it.
 */
export const agentsShape = `
  -- peers, capabilities: null for all of them.
  CREATE TABLE agent_policies (
    agent TEXT PRIMARY KEY,
    peers TEXT CHECK (peers IS NULL OR json_valid(peers)),
    capabilities TEXT CHECK (capabilities IS NULL OR json_valid(capabilities)),
    message_bytes_max INTEGER NOT NULL,
    calls_per_minute INTEGER NOT NULL,
    tasks_per_day INTEGER NOT NULL,
    confirm TEXT NOT NULL CHECK (confirm IN ('first-use', 'owner', 'never'))
  ) STRICT, WITHOUT ROWID;

  -- capability: empty where the kind has none. state: 0 waiting, 1 approved, 2 denied. randomblob: an id shall differ from others, not be hard to guess.
  CREATE TABLE agent_approvals (
    id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(4)))),
    agent TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('send', 'delegate', 'wake')),
    did TEXT NOT NULL,
    capability TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
    asked_at INTEGER NOT NULL,
    decided_at INTEGER,
    decided_by TEXT CHECK (decided_by IN ('owner', 'client')),
    UNIQUE (did, agent, kind, capability)
  ) STRICT;
  CREATE INDEX agent_approvals_of_state ON agent_approvals (state, asked_at);
  CREATE INDEX agent_approvals_of_agent ON agent_approvals (agent, state, asked_at);
  CREATE INDEX agent_approvals_of_clients ON agent_approvals (decided_by, decided_at);

  CREATE TABLE agent_spendings (
    agent TEXT NOT NULL,
    day INTEGER NOT NULL,
    tasks INTEGER NOT NULL,
    PRIMARY KEY (day, agent)
  ) STRICT, WITHOUT ROWID;

  -- AUTOINCREMENT: a position is a cursor, so it is never given twice.
  CREATE TABLE agent_audit (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    agent TEXT NOT NULL,
    action TEXT NOT NULL,
    did TEXT,
    capability TEXT,
    bytes INTEGER,
    verdict TEXT NOT NULL CHECK (verdict IN ('allowed', 'refused', 'waiting', 'approved', 'denied', 'changed')),
    code TEXT,
    decided_by TEXT,
    ref TEXT
  ) STRICT;
  CREATE INDEX agent_audit_of_agent ON agent_audit (agent, position);

  CREATE TRIGGER agent_peer_forgotten AFTER DELETE ON peers BEGIN
    DELETE FROM agent_approvals WHERE did = OLD.did;
    UPDATE agent_policies SET peers = (SELECT json_group_array(value) FROM json_each(peers) WHERE value <> OLD.did) WHERE peers IS NOT NULL;
  END;
`;

/** Step 7: which messages were marked has a column of its own, where it stood among the ids. */
export const marksShape = `
  ALTER TABLE agent_audit ADD COLUMN marked TEXT;
  UPDATE agent_audit SET marked = ref, ref = NULL WHERE action = 'mark';
`;
