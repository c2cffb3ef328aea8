/** Tasks in SQLite (spec §17). What was asked and what came of it is encrypted at rest; who has what done when, and how far it has come, is not. */
import type {
  TaskAddition,
  TaskAppending,
  TaskBounds,
  TaskDraft,
  TaskEvent,
  TaskKey,
  TaskNews,
  TaskQuery,
  TaskRecord,
  TaskRole,
  TaskStore,
} from "@hikyaku/peer";
import { type Bytes, HikyakuError, limits } from "@hikyaku/protocol";
import { BodyCipher, type BodyOwner } from "./body-cipher.ts";
import type { Database } from "./database.ts";
import type { Sql } from "./sql.ts";
import { findTask, TaskChanges } from "./task-changes.ts";
import { readParty, readTotals, TaskLedger } from "./task-ledger.ts";
import { decodeWords, type EventRow, readEvent, readTask, roleNumber, type TaskRow } from "./task-rows.ts";

export class SqliteTaskStore implements TaskStore {
  readonly #database: Database;
  readonly #cipher: BodyCipher;
  readonly #bounds: TaskBounds;

  /** `storageKey` is the keystore's, 32 bytes. */
  constructor(database: Database, storageKey: Bytes, bounds: TaskBounds = limits) {
    this.#database = database;
    this.#cipher = new BodyCipher(storageKey);
    this.#bounds = bounds;
  }

  add(draft: TaskDraft, options: { readonly first?: TaskNews; readonly within?: TaskKey } = {}): Promise<TaskAddition> {
    return this.#change((changes) => changes.add(draft, options));
  }

  append(key: TaskKey, news: TaskNews, now: number, cursor?: number): Promise<TaskAppending> {
    return this.#change((changes) => changes.append(key, news, now, cursor));
  }

  async find(key: TaskKey): Promise<TaskRecord | undefined> {
    return this.#database.read((sql) => findTask(sql, key));
  }

  async findByPrefix(prefix: string, limit: number): Promise<readonly TaskRecord[]> {
    return this.#records(
      (sql) => sql.all`
        SELECT tasks.*, did AS peer FROM tasks JOIN task_parties USING (party_id)
        WHERE id >= ${prefix} AND id < ${`${prefix}\u{10ffff}`} ORDER BY id LIMIT ${pageOf(limit)}`,
    );
  }

  async input(key: TaskKey): Promise<string | undefined> {
    return this.#database.read((sql) => {
      const row = sql.get`
        SELECT sealed_input FROM task_parties JOIN tasks USING (party_id) JOIN task_inputs USING (position)
        WHERE did = ${key.peer} AND task_parties.role = ${roleNumber(key.role)} AND id = ${key.id}`;
      return row && this.#open(key, 0, row["sealed_input"] as Bytes);
    });
  }

  async events(key: TaskKey, after: number, limit: number): Promise<readonly TaskEvent[]> {
    return this.#database.read((sql) =>
      selectEvents(sql, key, after, pageOf(limit)).map((row) => {
        const words = row.sealed_words === null ? {} : decodeWords(this.#open(key, row.cursor, row.sealed_words));
        return readEvent(row, words);
      }),
    );
  }

  async list(query: TaskQuery): Promise<readonly TaskRecord[]> {
    const roles: readonly TaskRole[] = query.role === undefined ? ["requester", "worker"] : [query.role];
    const limit = pageOf(Math.min(query.limit, limits.inboxPageMax));
    const pages = await Promise.all(roles.map((role) => this.#records((sql) => selectPage(sql, { ...query, role, limit }))));
    return pages
      .flat()
      .sort((left, right) => right.position - left.position)
      .slice(0, limit);
  }

  async open(role: TaskRole, after: number, limit: number): Promise<readonly TaskRecord[]> {
    return this.#records(
      (sql) => sql.all`
        SELECT tasks.*, did AS peer FROM tasks JOIN task_parties USING (party_id)
        WHERE tasks.role = ${roleNumber(role)} AND state < 4 AND position > ${after} ORDER BY position LIMIT ${pageOf(limit)}`,
    );
  }

  async unsaid(after: number, limit: number): Promise<readonly TaskRecord[]> {
    return this.#records(
      (sql) => sql.all`
        SELECT tasks.*, did AS peer FROM tasks JOIN task_parties USING (party_id)
        WHERE unsaid = 1 AND position > ${after} ORDER BY position LIMIT ${pageOf(limit)}`,
    );
  }

  said(key: TaskKey, cursor: number): Promise<void> {
    return this.#change((changes) => changes.said(key, cursor));
  }

  async overdue(role: TaskRole, before: number, limit: number): Promise<readonly TaskRecord[]> {
    return this.#records(
      (sql) => sql.all`
        SELECT tasks.*, did AS peer FROM tasks JOIN task_parties USING (party_id)
        WHERE tasks.role = ${roleNumber(role)} AND state < 4 AND deadline < ${before} ORDER BY deadline, position LIMIT ${pageOf(limit)}`,
    );
  }

  async openCount(role: TaskRole, peer?: string): Promise<number> {
    return this.#database.read((sql) => (peer === undefined ? readTotals(sql).open[role] : (readParty(sql, role, peer)?.open ?? 0)));
  }

  sweep(touchedBefore: number, limit: number): Promise<number> {
    return this.#change((changes) => changes.sweep(touchedBefore, limit));
  }

  #change<Result>(work: (changes: TaskChanges) => Result): Promise<Result> {
    return this.#database.change((sql, turn) => {
      const ledger = turn.ledger(TaskLedger, () => new TaskLedger(sql));
      const seal = (key: TaskKey, cursor: number, text: string): Bytes => this.#cipher.seal(ownerOf(key, cursor), text);
      return work(new TaskChanges(sql, ledger, { bounds: this.#bounds, seal }));
    });
  }

  async #records(query: (sql: Sql) => readonly unknown[]): Promise<readonly TaskRecord[]> {
    return this.#database.read((sql) => (query(sql) as readonly TaskRow[]).map(readTask));
  }

  #open(key: TaskKey, cursor: number, sealed: Bytes): string {
    const text = this.#cipher.open(ownerOf(key, cursor), sealed);
    if (text !== undefined) return text;
    const part = cursor === 0 ? "The input" : `Event ${cursor}`;
    const found = `${part} of task ${key.id} ${sides[key.role]} ${key.peer} in ${this.#database.path} does not open under this folder's storage key`;
    throw new HikyakuError("STORAGE_FAILED", `${found}: it was altered or is another key's; restore key and database from one backup.`);
  }
}

/** Nothing else that stands beside a key may have a say in whose the text is. */
const ownerOf = ({ role, peer, id }: TaskKey, cursor: number): BodyOwner => ({ role, peer, id, cursor });

const sides: Readonly<Record<TaskRole, string>> = { requester: "to", worker: "from" };

/** A negative LIMIT would be none at all. */
const pageOf = (limit: number): number => Math.max(0, limit);

const selectEvents = (sql: Sql, { role, peer, id }: TaskKey, after: number, limit: number): readonly EventRow[] =>
  sql.all`
    SELECT task_events.* FROM task_parties JOIN tasks USING (party_id) JOIN task_events USING (position)
    WHERE did = ${peer} AND task_parties.role = ${roleNumber(role)} AND id = ${id} AND task_events.cursor > ${after}
    ORDER BY task_events.cursor LIMIT ${limit}` as unknown as readonly EventRow[];

/** Each question has a statement of its own, since only one that says `state < 4` can use an index of open tasks. */
function selectPage(sql: Sql, query: TaskQuery & { readonly role: TaskRole }): readonly unknown[] {
  const { peer, isOpen = false, before = Number.MAX_SAFE_INTEGER, limit } = query;
  const role = roleNumber(query.role);
  if (peer === undefined && isOpen) {
    return sql.all`
      SELECT tasks.*, did AS peer FROM tasks JOIN task_parties USING (party_id)
      WHERE tasks.role = ${role} AND state < 4 AND position < ${before} ORDER BY position DESC LIMIT ${limit}`;
  }
  if (peer === undefined) {
    return sql.all`
      SELECT tasks.*, did AS peer FROM tasks JOIN task_parties USING (party_id)
      WHERE tasks.role = ${role} AND position < ${before} ORDER BY position DESC LIMIT ${limit}`;
  }
  if (isOpen) {
    return sql.all`
      SELECT tasks.*, did AS peer FROM task_parties JOIN tasks USING (party_id)
      WHERE did = ${peer} AND task_parties.role = ${role} AND state < 4 AND position < ${before} ORDER BY position DESC LIMIT ${limit}`;
  }
  return sql.all`
    SELECT tasks.*, did AS peer FROM task_parties JOIN tasks USING (party_id)
    WHERE did = ${peer} AND task_parties.role = ${role} AND position < ${before} ORDER BY position DESC LIMIT ${limit}`;
}
