/** The bodies by which work is handed over and followed (spec §12). Their states are those of A2A 1.0. */
import * as z from "zod/mini";
import { nameLengthMax, reasonLengthMax } from "../base/limits.ts";
import { applicationShape } from "./application.ts";
import { isMessageId } from "./message-id.ts";

type TaskState = "submitted" | "working" | "input_required" | "auth_required" | "completed" | "failed" | "canceled" | "rejected";

export interface TaskDelegateBody {
  readonly task_id: string;
  readonly capability: string;
  readonly input: unknown;
  readonly priority?: "high" | "normal" | "low";
  /** Milliseconds since 1970. */
  readonly deadline?: number;
  readonly idempotency_key?: string;
}

export interface TaskUpdateBody {
  readonly task_id: string;
  /** Rises by one with every event of the task. */
  readonly cursor: number;
  readonly state: TaskState;
  /** From 0 to 1. */
  readonly progress?: number;
  readonly detail?: string;
  readonly output?: unknown;
}

export interface TaskCancelBody {
  readonly task_id: string;
  readonly reason?: string;
}

export interface TaskQueryBody {
  readonly task_id: string;
  /** Asks for the events after this one. */
  readonly cursor?: number;
}

export interface TaskInputBody {
  readonly task_id: string;
  readonly input: unknown;
}

const taskId = z.string().check(z.refine(isMessageId));
const name = z.string().check(z.minLength(1), z.maxLength(nameLengthMax));
const sentence = z.exactOptional(z.string().check(z.maxLength(reasonLengthMax)));
const count = z.int().check(z.nonnegative());
const shape = { ...applicationShape, task_id: taskId };

export const taskDelegateSchema: z.ZodMiniType<TaskDelegateBody> = z.object({
  ...shape,
  capability: name,
  input: z.unknown(),
  priority: z.exactOptional(z.enum(["high", "normal", "low"])),
  deadline: z.exactOptional(count),
  idempotency_key: z.exactOptional(name),
});

export const taskUpdateSchema: z.ZodMiniType<TaskUpdateBody> = z.object({
  ...shape,
  cursor: count,
  state: z.enum(["submitted", "working", "input_required", "auth_required", "completed", "failed", "canceled", "rejected"]),
  progress: z.exactOptional(z.number().check(z.gte(0), z.lte(1))),
  detail: sentence,
  output: z.exactOptional(z.unknown()),
});

export const taskCancelSchema: z.ZodMiniType<TaskCancelBody> = z.object({ ...shape, reason: sentence });
export const taskQuerySchema: z.ZodMiniType<TaskQueryBody> = z.object({ ...shape, cursor: z.exactOptional(count) });
export const taskInputSchema: z.ZodMiniType<TaskInputBody> = z.object({ ...shape, input: z.unknown() });
