/** What every task store judges alike (spec §17): whether there is room and budget for a task, what an event does to it, and whether it has something left to say. */
import { encodeUtf8, isFinalState, limits } from "@hikyaku/protocol";
import type { TaskAppending, TaskDraft, TaskEvent, TaskNews, TaskRecord, TaskRole } from "../ports/task-store.ts";

export type TaskBounds = Pick<typeof limits, "openTasksPerPeerMax" | "openTasksMax" | "openDelegationsMax" | "taskBytesPerPeerMax">;

/** How many tasks of one role have not ended. */
export interface OpenTasks {
  readonly ofAll: number;
  readonly ofPeer: number;
}

export function hasRoom(role: TaskRole, open: OpenTasks, bounds: TaskBounds): boolean {
  if (role === "requester") return open.ofAll < bounds.openDelegationsMax;
  return open.ofAll < bounds.openTasksMax && open.ofPeer < bounds.openTasksPerPeerMax;
}

/** What a task takes of the room before its first event. */
export const bytesOfDraft = ({ input }: Pick<TaskDraft, "input">): number => limits.taskEntryBytes + bytesOf(input);

/** What an event takes. */
export const bytesOfNews = ({ detail = "", output = "", artifact = { name: "", content: "" } }: TaskNews): number =>
  limits.taskEntryBytes + bytesOf(detail) + bytesOf(output) + bytesOf(artifact.name) + bytesOf(artifact.content);

const bytesOf = (text: string): number => encodeUtf8(text).length;

/** That a task begins and how it ends is kept however little room there is: without that it would have no end. */
export const needsRoom = ({ state, progress, detail, output, artifact }: TaskNews): boolean =>
  !isFinalState(state) && [progress, detail, output, artifact].some((said) => said !== undefined);

/** What a task takes of the budget of the one for whose sake it is: itself, and all that may be delegated for its own sake. */
export const costOf = ({ chain }: Pick<TaskDraft, "chain">): number => 1 + chain.budget;

export const canSpend = (within: TaskRecord | undefined, cost: number): boolean =>
  within !== undefined && isOpen(within) && within.chain.budget - within.spent >= cost;

export const isOpen = ({ state }: Pick<TaskRecord, "state">): boolean => !isFinalState(state);

/** A requester that learned how its task ended need not hand it over any more. */
export const isUnsaid = (task: Pick<TaskRecord, "role" | "said" | "cursor" | "state">): boolean =>
  task.role === "worker" ? task.said < task.cursor : task.said === 0 && isOpen(task);

/** Why no event comes to the task, or the cursor of the one that does. What was recorded before is known, also when the task has ended since. */
export function judgeAppending(
  task: Pick<TaskRecord, "cursor" | "state"> | undefined,
  cursor: number | undefined,
): number | Exclude<TaskAppending, { readonly kind: "appended" }> {
  if (task === undefined) return { kind: "absent" };
  if (cursor !== undefined && cursor <= task.cursor) return { kind: "known" };
  if (!isOpen(task)) return { kind: "ended" };
  const next = task.cursor + 1;
  return cursor !== undefined && cursor > next ? { kind: "ahead", cursor: task.cursor } : next;
}

/** A task before its first event. */
export function newRecord(draft: TaskDraft, position: number): TaskRecord {
  const { input: _, ...facts } = draft;
  return { ...facts, position, state: "submitted", cursor: 0, said: 0, spent: 0, touchedAt: facts.createdAt };
}

export const recordAfter = (task: TaskRecord, { cursor, state, progress }: TaskEvent, touchedAt: number): TaskRecord => ({
  ...task,
  cursor,
  state,
  touchedAt,
  ...(progress === undefined ? {} : { progress }),
});
