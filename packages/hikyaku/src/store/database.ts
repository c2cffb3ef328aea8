/**
 * The one database of a data folder. Changes that arrive in the same turn of the event loop share a transaction, and a change resolves after its commit has
 * reached the disk (spec §11: what is acknowledged is durable); so a burst of messages costs a few fsyncs, not one each.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { HikyakuError } from "@hikyaku/protocol";
import { connect } from "./connection.ts";
import { migrate } from "./migrations.ts";
import { Sql } from "./sql.ts";
import { damaged, openingFailure, storageFailure } from "./storage-failure.ts";

const busyTimeoutMs = 1000;
/** A file up to this size is looked through before it is used, which takes a tenth of a second; a larger one tells of its damage where it is read. */
const checkedBytesMax = 16 * 1024 * 1024;
const smallestPageBytes = 512;
/** Beside so many changes a commit costs little; and whoever came first goes on while the others are written, instead of waiting for all of them. */
const changesAtOnceMax = 512;

/** What the changes of one transaction count together and write once, after all of them, instead of once each. */
export interface Ledger {
  /** Inside the transaction; the ledger is not used again. */
  close(): void;
}

/** One transaction. */
export interface Turn {
  /** The owner's ledger in this transaction, opened when it is first asked for. */
  ledger<Kind extends Ledger>(owner: object, open: () => Kind): Kind;
}

/** Where a process may die, for tests that let it. */
export type CrashPoint = "migrating" | "before-commit" | "committed";

export interface DatabaseOptions {
  readonly at?: (point: CrashPoint) => void;
}

interface Change {
  readonly work: (sql: Sql, turn: Turn) => unknown;
  readonly resolve: (result: never) => void;
  readonly reject: (error: HikyakuError) => void;
}

/** Opens or makes `hikyaku.db` in a folder that is private already. Throws STORAGE_FAILED; a file it cannot use is left as it is. */
export function openDatabase(folder: string, { at = () => {} }: DatabaseOptions = {}): Database {
  const path = join(folder, "hikyaku.db");
  let connection: DatabaseSync | undefined;
  try {
    refuseStump(path);
    connection = connect(path, busyTimeoutMs);
    checkQuickly(connection, path);
    migrate(connection, path, () => at("migrating"));
    // FULL: in WAL mode, NORMAL would let a power cut take back what was acknowledged.
    connection.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;");
    return new Database(connection, path, at);
  } catch (error) {
    connection?.close();
    throw openingFailure(error, path);
  }
}

/** SQLite takes a file for new that is shorter than its smallest page, or empty beside a log of changes: it would begin anew and throw the log away. */
function refuseStump(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined || size >= smallestPageBytes) return;
  if (size > 0 || existsSync(`${path}-wal`)) throw damaged(path);
}

function checkQuickly(connection: DatabaseSync, path: string): void {
  if (statSync(path).size > checkedBytesMax) return;
  const found = connection.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (found !== "ok") throw damaged(path);
}

export class Database implements Disposable {
  readonly path: string;
  readonly #connection: DatabaseSync;
  readonly #sql: Sql;
  readonly #waiting: Change[] = [];
  readonly #at: (point: CrashPoint) => void;

  constructor(connection: DatabaseSync, path: string, at: (point: CrashPoint) => void) {
    this.path = path;
    this.#connection = connection;
    this.#at = at;
    this.#sql = new Sql(connection);
  }

  /** Throws STORAGE_FAILED where the query fails. */
  read<Result>(query: (sql: Sql) => Result): Result {
    try {
      return query(this.#sql);
    } catch (error) {
      throw storageFailure(error, this.path);
    }
  }

  /**
   * Resolves with the work's result once it is on disk; rejects with STORAGE_FAILED having changed nothing. Work that refuses with a HikyakuError of its
   * own does so before it changes anything, because the changes beside it are kept.
   */
  change<Result>(work: (sql: Sql, turn: Turn) => Result): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ work, resolve, reject });
      if (this.#waiting.length === 1) this.#commitSoon();
    });
  }

  /** Commits what waits, and closes. Closing twice is harmless. */
  close(): void {
    while (this.#waiting.length > 0) this.#commit();
    if (this.#connection.isOpen) this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #commitSoon(): void {
    setImmediate(() => {
      this.#commit();
      if (this.#waiting.length > 0) this.#commitSoon();
    });
  }

  #commit(): void {
    const batch = this.#waiting.splice(0, changesAtOnceMax);
    if (batch.length === 0) return;
    try {
      const settlements = this.#transact(() => this.#runAll(batch));
      this.#at("committed");
      for (const settle of settlements) settle();
    } catch (error) {
      const failure = storageFailure(error, this.path);
      for (const { reject } of batch) reject(failure);
    }
  }

  /** What to tell the changes' callers after the commit. */
  #runAll(batch: readonly Change[]): readonly (() => void)[] {
    const ledgers = new Ledgers();
    const settlements = batch.map((change) => this.#run(change, ledgers));
    ledgers.close();
    return settlements;
  }

  #run({ work, resolve, reject }: Change, turn: Turn): () => void {
    try {
      const result = work(this.#sql, turn) as never;
      return () => resolve(result);
    } catch (error) {
      if (!(error instanceof HikyakuError)) throw error;
      return () => reject(error);
    }
  }

  #transact<Result>(work: () => Result): Result {
    this.#connection.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#at("before-commit");
      this.#connection.exec("COMMIT");
      return result;
    } catch (error) {
      // SQLite has rolled back by itself where it could not do otherwise.
      if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
      throw error;
    }
  }
}

/** The open ledgers of one transaction. A transaction that fails takes them with it, so that none is ever older than the database. */
class Ledgers implements Turn {
  readonly #open = new Map<object, Ledger>();

  ledger<Kind extends Ledger>(owner: object, open: () => Kind): Kind {
    const ledger = (this.#open.get(owner) as Kind | undefined) ?? open();
    this.#open.set(owner, ledger);
    return ledger;
  }

  close(): void {
    for (const ledger of this.#open.values()) ledger.close();
  }
}
