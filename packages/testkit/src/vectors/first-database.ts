/** A database as the first release made it, word for word: what newer ones have to be able to open. */
export const firstDatabase: string = `
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
  PRAGMA application_id = ${0x48494b59};
  PRAGMA user_version = 1;
  PRAGMA journal_mode = WAL;
`;
