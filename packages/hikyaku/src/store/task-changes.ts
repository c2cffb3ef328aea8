/** How tasks and their events come, go on and are forgotten (spec §17): the changes of one transaction, with what they count. */
import {
  canSpend,
  costOf,
  hasRoom,
  judgeAppending,
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
import { encodeWords, readTask, roleNumber, stateNumber, type TaskRow } from "./task-rows.ts";

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
    for (const { position, cursor } of selectEnded(this.#sql, touchedBefore, limit)) {
      events += cursor;
      // A task with as many events as it may have goes alone.
      if (gone > 0 && events > limits.taskEventsMax) break;
      this.#sql.run`DELETE FROM tasks WHERE position = ${position}`;
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

  #insert(draft: TaskDraft, party: PartyAccount): Pick<TaskRecord, "position" | "role" | "peer" | "id"> {
    const { totals } = this.#ledger;
    totals.position += 1;
    totals.open[draft.role] += 1;
    party.open += 1;
    const { role, peer, id, capability, createdAt, deadline, idempotencyKey = null, chain } = draft;
    const { position } = totals;
    this.#sql.run`
      INSERT INTO tasks (
        position, party_id, role, id, state, cursor, said, spent, touched_at, capability, priority, created_at, deadline, idempotency_key, depth, budget
      )
      VALUES (
        ${position}, ${party.partyId}, ${roleNumber(role)}, ${id}, 0, 0, 0, 0, ${createdAt}, ${capability}, ${priorityNumber(draft)},
        ${createdAt}, ${deadline}, ${idempotencyKey}, ${chain.depth}, ${chain.budget}
      )`;
    this.#sql.run`INSERT INTO task_inputs (position, sealed_input) VALUES (${position}, ${this.#settings.seal(draft, 0, draft.input)})`;
    return { position, role, peer, id };
  }

  #record(task: Pick<TaskRecord, "position" | "role" | "peer" | "id">, event: TaskEvent, now: number): void {
    const { cursor, at, progress = null, code = null } = event;
    const state = stateNumber(event.state);
    const words = encodeWords(event);
    const sealed = words === undefined ? null : this.#settings.seal(task, cursor, words);
    this.#sql.run`
      INSERT INTO task_events (position, cursor, state, at, progress, code, sealed_words)
      VALUES (${task.position}, ${cursor}, ${state}, ${at}, ${progress}, ${code}, ${sealed})`;
    this.#sql.run`
      UPDATE tasks SET state = ${state}, cursor = ${cursor}, touched_at = ${now}, progress = coalesce(${progress}, progress)
      WHERE position = ${task.position}`;
    if (!isFinalState(event.state)) return;
    this.#ledger.totals.open[task.role] -= 1;
    this.#ledger.party(task.role, task.peer).open -= 1;
  }
}

export function findTask(sql: Sql, { role, peer, id }: TaskKey): TaskRecord | undefined {
  const row = sql.get`
    SELECT tasks.*, did AS peer FROM task_parties JOIN tasks USING (party_id)
    WHERE did = ${peer} AND task_parties.role = ${roleNumber(role)} AND id = ${id}`;
  return row && readTask(row as unknown as TaskRow);
}

const selectEnded = (sql: Sql, touchedBefore: number, limit: number): readonly Pick<TaskRow, "position" | "cursor">[] =>
  sql.all`
    SELECT position, cursor FROM tasks WHERE state >= 4 AND touched_at < ${touchedBefore}
    ORDER BY touched_at LIMIT ${Math.max(0, limit)}` as unknown as readonly TaskRow[];
