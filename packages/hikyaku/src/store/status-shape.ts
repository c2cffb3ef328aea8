/** Step 5 of the database: what peers said of how they are (spec STATUS-1). AUTOINCREMENT: a position is a cursor, so it is never given twice. */
export const statusShape = `
  CREATE TABLE status_reports (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    did TEXT NOT NULL,
    id TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    -- state and detail.
    sealed_words BLOB NOT NULL,
    UNIQUE (did, id)
  ) STRICT;
  CREATE INDEX status_reports_of_peer ON status_reports (did, position);
`;
