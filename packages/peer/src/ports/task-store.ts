/**
 * Work that was handed over, on both of its sides (spec §17): what a requester gave away, and what a worker took on. Each task has its events, which are numbered 1, 2, 3, …
 * by the worker and stand alike on both sides; a requester takes them in that order alone.
 */
import type { Priority, TaskChain, TaskState } from "@hikyaku/protocol";

/** Which side of the task this peer is. */
export type TaskRole = "requester" | "worker";

/** The same id of another peer, or in the other role, is another task. */
export interface TaskKey {
  readonly role: TaskRole;
  /** The did of the other side. */
  readonly peer: string;
  /** The requester's UUIDv7. */
  readonly id: string;
}

/** A task that is about to be kept. */
export interface TaskDraft extends TaskKey {
  readonly capability: string;
  /** JSON text. */
  readonly input: string;
  readonly priority: Priority;
  /** When this side began or took it; milliseconds since 1970, by our clock. `deadline` is by the requester's. */
  readonly createdAt: number;
  readonly deadline: number;
  readonly idempotencyKey?: string;
  readonly chain: TaskChain;
}

/** What an event says. */
export interface TaskNews {
  readonly state: TaskState;
  /** Milliseconds since 1970, by the worker's clock. */
  readonly at: number;
  /** From 0 to 1. */
  readonly progress?: number;
  readonly detail?: string;
  /** Why it failed or was rejected, for programs. */
  readonly code?: string;
  /** JSON text. */
  readonly output?: string;
  /** `content` is JSON text. */
  readonly artifact?: { readonly name: string; readonly content: string };
}

export interface TaskEvent extends TaskNews {
  /** 1, 2, 3, …. */
  readonly cursor: number;
}

/** A task as far as it has come; its input and events are asked for by themselves. */
export interface TaskRecord extends Omit<TaskDraft, "input"> {
  /** Rises with every task that is added; the cursor of lists. */
  readonly position: number;
  /** Of the last event; submitted before the first. */
  readonly state: TaskState;
  /** Of the last event; 0 before the first. */
  readonly cursor: number;
  /** A worker's: the last event that was handed to the outbox. A requester's: 1 once the delegation was, 0 before. */
  readonly said: number;
  /** How many tasks of the chain's budget were given away. */
  readonly spent: number;
  /** When its last event was recorded here, or it was added (then it is `createdAt`); milliseconds since 1970, by our clock. */
  readonly touchedAt: number;
  /** Of the last event that said so. */
  readonly progress?: number;
}

/** The first of these that fits is the answer: known, taken, full, overspent, added. */
export type TaskAddition =
  | { readonly kind: "added" }
  /** This very task is here already. */
  | { readonly kind: "known"; readonly task: TaskRecord }
  /** The peer, role and capability have a task with this idempotency key already. */
  | { readonly kind: "taken"; readonly task: TaskRecord }
  /** As many tasks of the role, or of the worker's one requester, are open as may be; or what is open or untold of the peer takes all of its room. */
  | { readonly kind: "full" }
  /** The task for whose sake this one is has no budget left, has ended or is not there. */
  | { readonly kind: "overspent" };

/** The first of these that fits is the answer: absent, known, ended, ahead, full, appended. */
export type TaskAppending =
  | { readonly kind: "appended"; readonly event: TaskEvent }
  /** The given cursor was recorded before, whether or not the task has ended since. */
  | { readonly kind: "known" }
  /** Events before the given cursor are missing; `cursor` is the last that is here. */
  | { readonly kind: "ahead"; readonly cursor: number }
  /** The task has ended: nothing follows. */
  | { readonly kind: "ended" }
  /** What is open or untold of the peer takes all of its room. An event that says nothing but its state, or the end, is never told so. */
  | { readonly kind: "full" }
  | { readonly kind: "absent" };

export interface TaskQuery {
  readonly role?: TaskRole;
  readonly peer?: string;
  /** True: only tasks that have not ended. */
  readonly isOpen?: boolean;
  /** Only tasks that were added before this position. */
  readonly before?: number;
  /** At most `inboxPageMax`. */
  readonly limit: number;
}

/**
 * Every call that changes something resolves only when the change is durable, and rejects with STORAGE_FAILED having changed nothing. What takes more room than a peer has
 * makes ended tasks of the same peer and role go, oldest first, but none that has something left to say.
 */
export interface TaskStore {
  /** Keeps a task and, in the same change, its first event and what it takes of the budget of the task for whose sake it is: itself and its own budget. */
  add(draft: TaskDraft, options?: { readonly first?: TaskNews; readonly within?: TaskKey }): Promise<TaskAddition>;
  /** Adds an event under the next cursor; where a cursor is given, under that one or not at all. `now` is our clock. Nothing is added to a task that has ended. */
  append(key: TaskKey, news: TaskNews, now: number, cursor?: number): Promise<TaskAppending>;
  find(key: TaskKey): Promise<TaskRecord | undefined>;
  /** Whose id begins with these digits, of either role, by rising id; at most `limit`. */
  findByPrefix(prefix: string, limit: number): Promise<readonly TaskRecord[]>;
  /** JSON text; undefined where there is no such task. */
  input(key: TaskKey): Promise<string | undefined>;
  /** By rising cursor, above `after`. */
  events(key: TaskKey, after: number, limit: number): Promise<readonly TaskEvent[]>;
  /** Newest first. */
  list(query: TaskQuery): Promise<readonly TaskRecord[]>;
  /** Tasks that have not ended, oldest first, above the position `after`. */
  open(role: TaskRole, after: number, limit: number): Promise<readonly TaskRecord[]>;
  /**
   * Tasks that have something to say which the outbox does not have yet, oldest first, above the position `after`: a worker's that has newer events, a requester's that
   * was not handed over and has not ended.
   */
  unsaid(after: number, limit: number): Promise<readonly TaskRecord[]>;
  /** The outbox has it, up to this cursor; never lowers it. */
  said(key: TaskKey, cursor: number): Promise<void>;
  /** Tasks that have not ended although their deadline lies before this, soonest deadline first. */
  overdue(role: TaskRole, before: number, limit: number): Promise<readonly TaskRecord[]>;
  /** How many tasks of a role have not ended: of one peer, or of all. */
  openCount(role: TaskRole, peer?: string): Promise<number>;
  /** Forgets tasks that ended and were last touched before `touchedBefore`, with their events and idempotency keys, longest ago first; bounded work per call, so that fewer than `limit` may go although more are left. Returns how many went. */
  sweep(touchedBefore: number, limit: number): Promise<number>;
}
