/** What every part of the work room leans on. */
import type { BodyByType } from "@hikyaku/protocol";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { TaskKey, TaskStore } from "../ports/task-store.ts";

type TaskBodies = Pick<BodyByType, "task_delegate" | "task_update" | "task_query" | "task_cancel" | "task_input">;
export type TaskMessageType = keyof TaskBodies;

/** What may be said beside the body: which id the message has, and for how long it is worth delivering. */
interface SayOptions {
  readonly id?: string;
  readonly lifeMs?: number;
}

export interface WorkGround {
  readonly clock: Clock;
  readonly log: Log;
  readonly tasks: TaskStore;
  readonly count: (event: string) => void;
  /** Keeps a message in the outbox; resolves when it is durable. Rejects with QUOTA_EXCEEDED, STORAGE_FAILED or MESSAGE_TOO_LARGE. */
  readonly say: <Type extends TaskMessageType>(to: string, type: Type, body: TaskBodies[Type], options?: SayOptions) => Promise<unknown>;
  /** Asks for a change until it is made, however full the disk is; rejects where the peer closes meanwhile. */
  readonly durably: <Result>(change: () => Promise<Result>) => Promise<Result>;
  readonly background: (work: Promise<unknown>) => void;
  readonly closing: AbortSignal;
  /** Something happened to a task: whoever follows it looks again. */
  readonly changed: (key: TaskKey) => void;
}

export const textOfKey = ({ role, peer, id }: TaskKey): string => `${role} ${peer} ${id}`;
