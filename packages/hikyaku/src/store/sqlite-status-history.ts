/** The status history in SQLite (spec STATUS-1). Words are sealed and bound to their row (spec KEY-4). */
import type { KeptStatusReport, StatusHistory, StatusQuery, StatusReport } from "@hikyaku/peer";
import { type Bytes, HikyakuError, limits } from "@hikyaku/protocol";
import { BodyCipher } from "./body-cipher.ts";
import type { Database } from "./database.ts";

interface ReportRow {
  readonly position: number;
  readonly did: string;
  readonly id: string;
  readonly received_at: number;
  readonly sealed_words: Bytes;
}

type Words = Pick<StatusReport, "state" | "detail">;

export class SqliteStatusHistory implements StatusHistory {
  readonly #database: Database;
  readonly #cipher: BodyCipher;

  constructor(database: Database, storageKey: Bytes) {
    this.#database = database;
    this.#cipher = new BodyCipher(storageKey);
  }

  add({ from, id, receivedAt, ...words }: StatusReport): Promise<void> {
    const sealed = this.#cipher.seal({ reporter: from, id }, JSON.stringify(words));
    return this.#database.change((sql) => {
      sql.run`INSERT OR IGNORE INTO status_reports (did, id, received_at, sealed_words) VALUES (${from}, ${id}, ${receivedAt}, ${sealed})`;
      sql.run`
        DELETE FROM status_reports WHERE did = ${from} AND position <= (
          SELECT position FROM status_reports WHERE did = ${from} ORDER BY position DESC LIMIT 1 OFFSET ${limits.statusReportsKept}
        )`;
    });
  }

  async list(from: string, { after = 0, limit }: StatusQuery): Promise<readonly KeptStatusReport[]> {
    const rows = this.#database.read(
      (sql) =>
        sql.all`
          SELECT * FROM status_reports WHERE did = ${from} AND position > ${after} ORDER BY position DESC LIMIT ${limit}
        ` as unknown as readonly ReportRow[],
    );
    return rows.map((row) => this.#read(row)).reverse();
  }

  forget(from: string): Promise<void> {
    return this.#database.change((sql) => {
      sql.run`DELETE FROM status_reports WHERE did = ${from}`;
    });
  }

  #read({ position, did, id, received_at: receivedAt, sealed_words: sealed }: ReportRow): KeptStatusReport {
    const words = this.#cipher.open({ reporter: did, id }, sealed);
    if (words === undefined) {
      const found = `Status report ${id} from ${did} in ${this.#database.path} does not open under this folder's storage key`;
      throw new HikyakuError("STORAGE_FAILED", `${found}: it was altered or is another key's; restore key and database from one backup.`);
    }
    return { position, from: did, id, receivedAt, ...(JSON.parse(words) as Words) };
  }
}
