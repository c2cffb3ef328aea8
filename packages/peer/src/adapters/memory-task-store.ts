/** A task store in memory: for tests, simulations and peers that shall forget. Its state outlives it where it is given one. */
import { limits } from "@hikyaku/protocol";
import type {
  TaskAddition,
  TaskAppending,
  TaskDraft,
  TaskEvent,
  TaskKey,
  TaskNews,
  TaskQuery,
  TaskRecord,
  TaskRole,
  TaskStore,
} from "../ports/task-store.ts";
import { type Commit, commitAtOnce } from "./commit.ts";
import {
  bytesOfDraft,
  bytesOfNews,
  canSpend,
  costOf,
  hasRoom,
  isOpen,
  isUnsaid,
  judgeAppending,
  needsRoom,
  newRecord,
  recordAfter,
  type TaskBounds,
} from "./task-steps.ts";

interface Kept {
  readonly input: string;
  readonly events: TaskEvent[];
  bytes: number;
  task: TaskRecord;
}

/** What a restarted peer finds again. */
export interface MemoryTasksState {
  /** The last position given. */
  position: number;
  /** By rising position. */
  readonly tasks: Map<string, Kept>;
  /** Tasks with an idempotency key, by it. */
  readonly once: Map<string, Kept>;
  /** How many have not ended, by role, and by role and peer. */
  readonly open: Map<string, number>;
  /** What their inputs and events take, by role and peer. */
  readonly bytes: Map<string, number>;
}

export const emptyTasks = (): MemoryTasksState => ({ position: 0, tasks: new Map(), once: new Map(), open: new Map(), bytes: new Map() });

export interface MemoryTaskStoreOptions {
  readonly state: MemoryTasksState;
  readonly commit?: Commit;
  readonly bounds?: TaskBounds;
}

export class MemoryTaskStore implements TaskStore {
  readonly #state: MemoryTasksState;
  readonly #commit: Commit;
  readonly #bounds: TaskBounds;

  constructor({ state, commit = commitAtOnce, bounds = limits }: MemoryTaskStoreOptions) {
    this.#state = state;
    this.#commit = commit;
    this.#bounds = bounds;
  }

  add(draft: TaskDraft, options: { readonly first?: TaskNews; readonly within?: TaskKey } = {}): Promise<TaskAddition> {
    return this.#commit(() => this.#refusal(draft, options) ?? this.#add(draft, options));
  }

  append(key: TaskKey, news: TaskNews, now: number, cursor?: number): Promise<TaskAppending> {
    return this.#commit(() => {
      const kept = this.#state.tasks.get(keyOf(key));
      const next = judgeAppending(kept?.task, cursor);
      if (kept === undefined || typeof next !== "number") return next as TaskAppending;
      if (needsRoom(news) && !this.#makeRoom(key, bytesOfNews(news))) return { kind: "full" };
      const event: TaskEvent = { ...news, cursor: next };
      this.#record(kept, event, now);
      return { kind: "appended", event };
    });
  }

  async find(key: TaskKey): Promise<TaskRecord | undefined> {
    return this.#state.tasks.get(keyOf(key))?.task;
  }

  async findByPrefix(prefix: string, limit: number): Promise<readonly TaskRecord[]> {
    return pageOf(this.#tasksWhere(({ id }) => id.startsWith(prefix)).sort(byId), limit);
  }

  async input(key: TaskKey): Promise<string | undefined> {
    return this.#state.tasks.get(keyOf(key))?.input;
  }

  async events(key: TaskKey, after: number, limit: number): Promise<readonly TaskEvent[]> {
    const events = this.#state.tasks.get(keyOf(key))?.events ?? [];
    return pageOf(events.slice(Math.max(0, after)), limit);
  }

  async list(query: TaskQuery): Promise<readonly TaskRecord[]> {
    const found = this.#tasksWhere(
      (task) =>
        (query.role === undefined || task.role === query.role) &&
        (query.peer === undefined || task.peer === query.peer) &&
        (query.isOpen !== true || isOpen(task)) &&
        (query.before === undefined || task.position < query.before),
    );
    return pageOf(found.reverse(), Math.min(query.limit, limits.inboxPageMax));
  }

  async open(role: TaskRole, after: number, limit: number): Promise<readonly TaskRecord[]> {
    return pageOf(
      this.#tasksWhere((task) => task.role === role && task.position > after && isOpen(task)),
      limit,
    );
  }

  async unsaid(after: number, limit: number): Promise<readonly TaskRecord[]> {
    return pageOf(
      this.#tasksWhere((task) => task.position > after && isUnsaid(task)),
      limit,
    );
  }

  said(key: TaskKey, cursor: number): Promise<void> {
    return this.#commit(() => {
      const kept = this.#state.tasks.get(keyOf(key));
      if (kept !== undefined && cursor > kept.task.said) kept.task = { ...kept.task, said: cursor };
    });
  }

  async overdue(role: TaskRole, before: number, limit: number): Promise<readonly TaskRecord[]> {
    const over = this.#tasksWhere((task) => task.role === role && task.deadline < before && isOpen(task));
    return pageOf(
      over.sort((left, right) => left.deadline - right.deadline),
      limit,
    );
  }

  async openCount(role: TaskRole, peer?: string): Promise<number> {
    return this.#openCount(role, peer);
  }

  sweep(touchedBefore: number, limit: number): Promise<number> {
    return this.#commit(() => {
      const over = this.#tasksWhere((task) => !isOpen(task) && task.touchedAt < touchedBefore);
      const gone = pageOf(
        over.sort((left, right) => left.touchedAt - right.touchedAt),
        limit,
      );
      for (const task of gone) this.#forget(task);
      return gone.length;
    });
  }

  /** Before anything changes. */
  #refusal(draft: TaskDraft, { first, within }: { readonly first?: TaskNews; readonly within?: TaskKey }): TaskAddition | undefined {
    const same = this.#state.tasks.get(keyOf(draft));
    if (same !== undefined) return { kind: "known", task: same.task };
    const before = this.#state.once.get(onceOf(draft) ?? "");
    if (before !== undefined) return { kind: "taken", task: before.task };
    const open = { ofAll: this.#openCount(draft.role), ofPeer: this.#openCount(draft.role, draft.peer) };
    if (!hasRoom(draft.role, open, this.#bounds)) return { kind: "full" };
    if (!this.#makeRoom(draft, bytesOfDraft(draft) + (first === undefined ? 0 : bytesOfNews(first)))) return { kind: "full" };
    if (within !== undefined && !canSpend(this.#state.tasks.get(keyOf(within))?.task, costOf(draft))) return { kind: "overspent" };
    return undefined;
  }

  #add(draft: TaskDraft, { first, within }: { readonly first?: TaskNews; readonly within?: TaskKey }): TaskAddition {
    this.#state.position += 1;
    const kept: Kept = { input: draft.input, events: [], bytes: 0, task: newRecord(draft, this.#state.position) };
    this.#state.tasks.set(keyOf(draft), kept);
    const once = onceOf(draft);
    if (once !== undefined) this.#state.once.set(once, kept);
    this.#count(draft, 1);
    this.#take(kept, bytesOfDraft(draft));
    if (first !== undefined) this.#record(kept, { ...first, cursor: 1 }, draft.createdAt);
    const above = within && this.#state.tasks.get(keyOf(within));
    if (above !== undefined) above.task = { ...above.task, spent: above.task.spent + costOf(draft) };
    return { kind: "added" };
  }

  #record(kept: Kept, event: TaskEvent, now: number): void {
    kept.events.push(event);
    this.#take(kept, bytesOfNews(event));
    kept.task = recordAfter(kept.task, event, now);
    if (!isOpen(kept.task)) this.#count(kept.task, -1);
  }

  /** Whether there is room for so many bytes more, once what ended long ago is gone. */
  #makeRoom({ role, peer }: TaskKey, bytes: number): boolean {
    const party = partyOf(role, peer);
    const over = (): boolean => (this.#state.bytes.get(party) ?? 0) + bytes > this.#bounds.taskBytesPerPeerMax;
    if (!over()) return true;
    for (const task of this.#tasksWhere((each) => partyOf(each.role, each.peer) === party && !isOpen(each) && !isUnsaid(each))) {
      this.#forget(task);
      if (!over()) return true;
    }
    return false;
  }

  #take(kept: Kept, bytes: number): void {
    const party = partyOf(kept.task.role, kept.task.peer);
    kept.bytes += bytes;
    this.#state.bytes.set(party, (this.#state.bytes.get(party) ?? 0) + bytes);
  }

  #forget(task: TaskRecord): void {
    const kept = this.#state.tasks.get(keyOf(task));
    if (kept !== undefined) this.#take(kept, -kept.bytes);
    this.#state.tasks.delete(keyOf(task));
    const once = onceOf(task);
    if (once !== undefined) this.#state.once.delete(once);
  }

  #count({ role, peer }: TaskKey, sign: 1 | -1): void {
    this.#state.open.set(partyOf(role), this.#openCount(role) + sign);
    this.#state.open.set(partyOf(role, peer), this.#openCount(role, peer) + sign);
  }

  #openCount(role: TaskRole, peer?: string): number {
    return this.#state.open.get(partyOf(role, peer)) ?? 0;
  }

  /** By rising position. */
  #tasksWhere(isMeant: (task: TaskRecord) => boolean): TaskRecord[] {
    return [...this.#state.tasks.values()].map(({ task }) => task).filter(isMeant);
  }
}

const keyOf = ({ role, peer, id }: TaskKey): string => JSON.stringify([role, peer, id]);

const partyOf = (role: TaskRole, peer?: string): string => JSON.stringify(peer === undefined ? [role] : [role, peer]);

const onceOf = ({ role, peer, capability, idempotencyKey }: TaskRecord | TaskDraft): string | undefined =>
  idempotencyKey === undefined ? undefined : JSON.stringify([role, peer, capability, idempotencyKey]);

const byId = (left: TaskRecord, right: TaskRecord): number =>
  left.id === right.id ? left.position - right.position : left.id < right.id ? -1 : 1;

const pageOf = <Item>(all: readonly Item[], limit: number): readonly Item[] => all.slice(0, Math.max(0, limit));
