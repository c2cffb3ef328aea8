/** How tasks and their events come, go on and are forgotten (spec §17): the changes of one transaction, with what they count. */
import {
  bytesOfDraft,
  bytesOfNews,
  canSpend,
  costOf,
  hasRoom,
  judgeAppending,
  needsRoom,
  type TaskAddition,
  type TaskAppending,
  type TaskBounds,
  type TaskDraft,
  type TaskEvent,
  type TaskKey,
  type TaskNews,
  type TaskRecord,
} from "@hikyaku/peer";
import { type Bytes, isFinalState, limits } from "@hikyaku/protocol";
import { priorityNumber } from "./outbox-ledger.ts";
import type { Sql } from "./sql.ts";
import { type PartyAccount, type TaskLedger } from "./task-ledger.ts";
import { encodeWords, readRole, readTask, roleNumber, stateNumber, type TaskRow } from "./task-rows.ts";

export interface TaskChangeSettings {
  readonly bounds: TaskBounds;
  /** `cursor`: 0 for the input. */
  readonly seal: (key: TaskKey, cursor: number, text: string) => Bytes;
}

export class TaskChanges {
  readonly #sql: Sql;
  readonly #ledger: TaskLedger;
  readonly #settings: TaskChangeSettings;

  constructor(sql: Sql, ledger: TaskLedger, settings: TaskChangeSettings) {
    this.#sql = sql;
    this.#ledger = ledger;
    this.#settings = settings;
  }

  add(draft: TaskDraft, { first, within }: { readonly first?: TaskNews; readonly within?: TaskKey }): TaskAddition {
    const held = this.#held(draft);
    if (held !== undefined) return held;
    const above = within && this.find(within);
    if (!this.#hasRoom(draft)) return { kind: "full" };
    if (!this.#makeRoom(draft, bytesOfDraft(draft) + (first === undefined ? 0 : bytesOfNews(first)))) return { kind: "full" };
    if (within !== undefined && !canSpend(above, costOf(draft))) return { kind: "overspent" };
    const task = this.#insert(draft, this.#ledger.party(draft.role, draft.peer));
    if (first !== undefined) this.#record(task, { ...first, cursor: 1 }, draft.createdAt);
    if (above !== undefined) this.#sql.run`UPDATE tasks SET spent = spent + ${costOf(draft)} WHERE position = ${above.position}`;
    return { kind: "added" };
  }

  append(key: TaskKey, news: TaskNews, now: number, cursor: number | undefined): TaskAppending {
    const task = this.find(key);
    const next = judgeAppending(task, cursor);
    if (task === undefined || typeof next !== "number") return next as TaskAppending;
    if (needsRoom(news) && !this.#makeRoom(key, bytesOfNews(news))) return { kind: "full" };
    const event: TaskEvent = { ...news, cursor: next };
    this.#record(task, event, now);
    return { kind: "appended", event };
  }

  said(key: TaskKey, cursor: number): void {
    const party = this.#ledger.knownParty(key.role, key.peer);
    if (party === undefined) return;
    this.#sql.run`UPDATE tasks SET said = ${cursor} WHERE id = ${key.id} AND party_id = ${party.partyId} AND said < ${cursor}`;
  }

  sweep(touchedBefore: number, limit: number): number {
    let [gone, events] = [0, 0];
    for (const { position, cursor, bytes, role, did } of selectEnded(this.#sql, touchedBefore, limit)) {
      events += cursor;
      // A task with as many events as it may have goes alone.
      if (gone > 0 && events > limits.taskEventsMax) break;
      this.#forget(this.#ledger.party(readRole(role), did), { position, bytes });
      gone += 1;
    }
    return gone;
  }

  find(key: TaskKey): TaskRecord | undefined {
    return findTask(this.#sql, key);
  }

  /** The task itself, or one that has its idempotency key. */
  #held(draft: TaskDraft): TaskAddition | undefined {
    const same = this.find(draft);
    if (same !== undefined) return { kind: "known", task: same };
    const { role, peer, capability, idempotencyKey } = draft;
    if (idempotencyKey === undefined) return undefined;
    const row = this.#sql.get`
      SELECT tasks.*, did AS peer FROM task_parties JOIN tasks USING (party_id)
      WHERE did = ${peer} AND task_parties.role = ${roleNumber(role)} AND capability = ${capability} AND idempotency_key = ${idempotencyKey}`;
    return row === undefined ? undefined : { kind: "taken", task: readTask(row as unknown as TaskRow) };
  }

  #hasRoom({ role, peer }: TaskDraft): boolean {
    const open = { ofAll: this.#ledger.totals.open[role], ofPeer: this.#ledger.knownParty(role, peer)?.open ?? 0 };
    return hasRoom(role, open, this.#settings.bounds);
  }

  /** Whether there is room for so many bytes more, once what ended long ago is gone. */
  #makeRoom({ role, peer }: TaskKey, bytes: number): boolean {
    const party = this.#ledger.party(role, peer);
    const hasRoomNow = (): boolean => party.bytes + bytes <= this.#settings.bounds.taskBytesPerPeerMax;
    while (!hasRoomNow()) {
      const [oldest] = selectOldestEnded(this.#sql, party.partyId);
      if (oldest === undefined) return false;
      this.#forget(party, oldest);
    }
    return true;
  }

  #forget(party: PartyAccount, { position, bytes }: Pick<EndedRow, "position" | "bytes">): void {
    party.bytes -= bytes;
    this.#sql.run`DELETE FROM tasks WHERE position = ${position}`;
  }

  #insert(draft: TaskDraft, party: PartyAccount): Pick<TaskRecord, "position" | "role" | "peer" | "id"> {
    const { totals } = this.#ledger;
    const bytes = bytesOfDraft(draft);
    party.bytes += bytes;
    totals.position += 1;
    totals.open[draft.role] += 1;
    party.open += 1;
    const { role, peer, id, capability, createdAt, deadline, idempotencyKey = null, chain } = draft;
    const { position } = totals;
    this.#sql.run`
      INSERT INTO tasks (
        position, party_id, role, id, state, cursor, said, spent, touched_at, capability, priority, created_at, deadline, idempotency_key, depth, budget, bytes
      )
      VALUES (
        ${position}, ${party.partyId}, ${roleNumber(role)}, ${id}, 0, 0, 0, 0, ${createdAt}, ${capability}, ${priorityNumber(draft)},
        ${createdAt}, ${deadline}, ${idempotencyKey}, ${chain.depth}, ${chain.budget}, ${bytes}
      )`;
    this.#sql.run`INSERT INTO task_inputs (position, sealed_input) VALUES (${position}, ${this.#settings.seal(draft, 0, draft.input)})`;
    return { position, role, peer, id };
  }

  #record(task: Pick<TaskRecord, "position" | "role" | "peer" | "id">, event: TaskEvent, now: number): void {
    const { cursor, at, progress = null, code = null } = event;
    const state = stateNumber(event.state);
    const bytes = bytesOfNews(event);
    const party = this.#ledger.party(task.role, task.peer);
    party.bytes += bytes;
    const words = encodeWords(event);
    const sealed = words === undefined ? null : this.#settings.seal(task, cursor, words);
    this.#sql.run`
      INSERT INTO task_events (position, cursor, state, at, progress, code, sealed_words)
      VALUES (${task.position}, ${cursor}, ${state}, ${at}, ${progress}, ${code}, ${sealed})`;
    this.#sql.run`
      UPDATE tasks SET state = ${state}, cursor = ${cursor}, touched_at = ${now}, progress = coalesce(${progress}, progress), bytes = bytes + ${bytes}
      WHERE position = ${task.position}`;
    if (!isFinalState(event.state)) return;
    this.#ledger.totals.open[task.role] -= 1;
    party.open -= 1;
  }
}

export function findTask(sql: Sql, { role, peer, id }: TaskKey): TaskRecord | undefined {
  const row = sql.get`
    SELECT tasks.*, did AS peer FROM task_parties JOIN tasks USING (party_id)
    WHERE did = ${peer} AND task_parties.role = ${roleNumber(role)} AND id = ${id}`;
  return row && readTask(row as unknown as TaskRow);
}

interface EndedRow {
  readonly position: number;
  readonly cursor: number;
  readonly bytes: number;
  readonly role: number;
  readonly did: string;
}

const selectEnded = (sql: Sql, touchedBefore: number, limit: number): readonly EndedRow[] =>
  sql.all`
    SELECT position, cursor, tasks.bytes, tasks.role, did FROM tasks JOIN task_parties USING (party_id)
    WHERE state >= 4 AND touched_at < ${touchedBefore}
    ORDER BY touched_at LIMIT ${Math.max(0, limit)}` as unknown as readonly EndedRow[];

const selectOldestEnded = (sql: Sql, partyId: number): readonly EndedRow[] =>
  sql.all`
    SELECT position, bytes FROM tasks INDEXED BY tasks_of_party WHERE party_id = ${partyId} AND state >= 4 AND unsaid = 0
    ORDER BY position LIMIT 1` as unknown as readonly EndedRow[];
