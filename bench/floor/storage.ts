/** SQLite as the database of a peer uses it: write-ahead log, and every commit on the disk before it returns. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Effort } from "../effort.ts";
import { blockingCostUs } from "../measure.ts";
import { WorkFolder } from "../work-folder.ts";

export interface StorageFloors {
  /** One row of 256 bytes, inserted and committed alone. */
  readonly commitUs: number;
  /** One row of 256 bytes, inserted and updated twice, in transactions of a hundred. */
  readonly batchedRowUs: number;
}

const batchRows = 100;
const rowBytes = 256;

export async function measureStorage(effort: Effort): Promise<StorageFloors> {
  using folder = new WorkFolder();
  const database = new DatabaseSync(join(folder.path, "floor.db"));
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    database.exec("CREATE TABLE floor (position INTEGER PRIMARY KEY, body BLOB NOT NULL, stage INTEGER NOT NULL) STRICT");
    const insert = database.prepare("INSERT INTO floor (body, stage) VALUES (?, 0)");
    const update = database.prepare("UPDATE floor SET stage = ? WHERE position = ?");
    const body = randomBytes(rowBytes);
    return {
      commitUs: await blockingCostUs(effort, () => insert.run(body)),
      batchedRowUs: (await blockingCostUs(effort, () => storeBatch(database, { insert, update, body }))) / batchRows,
    };
  } finally {
    database.close();
  }
}

interface Batch {
  readonly insert: StatementSync;
  readonly update: StatementSync;
  readonly body: Buffer;
}

function storeBatch(database: DatabaseSync, { insert, update, body }: Batch): void {
  database.exec("BEGIN IMMEDIATE");
  for (let row = 0; row < batchRows; row += 1) {
    const { lastInsertRowid } = insert.run(body);
    update.run(1, lastInsertRowid);
    update.run(2, lastInsertRowid);
  }
  database.exec("COMMIT");
}
