/** The bodies by which work is handed over and followed (spec §17). Their states are those of A2A 1.0. */
import * as z from "zod/mini";
import { nameLengthMax, reasonLengthMax, taskBudgetMax, taskDepthMax, taskDetailLengthMax } from "../base/limits.ts";
import { applicationShape } from "./application.ts";
import { isMessageId } from "./message-id.ts";

export const taskStates = [
  "submitted",
  "working",
  "input_required",
  "auth_required",
  "completed",
  "failed",
  "canceled",
  "rejected",
] as const;
export type TaskState = (typeof taskStates)[number];

const finalStates: ReadonlySet<TaskState> = new Set<TaskState>(["completed", "failed", "canceled", "rejected"]);

/** Nothing follows such a state (spec TASK-4). */
export const isFinalState = (state: TaskState): boolean => finalStates.has(state);

/** How far work may be handed on: what bounds a circle of agents that delegate to each other (spec TASK-10). */
export interface TaskChain {
  /** How many tasks lie above this one; 0 for what a person or a program began. */
  readonly depth: number;
  /** How many further tasks may be delegated for the sake of this one, by whomever, all together. */
  readonly budget: number;
}

export interface TaskDelegateBody {
  readonly task_id: string;
  readonly capability: string;
  readonly input: unknown;
  readonly priority?: "high" | "normal" | "low";
  /** Milliseconds since 1970. */
  readonly deadline?: number;
  readonly idempotency_key?: string;
  readonly chain?: TaskChain;
}

/** Something that a task made before its end, or beside its output. */
export interface TaskArtifact {
  readonly name: string;
  readonly content: unknown;
}

export interface TaskUpdateBody {
  readonly task_id: string;
  /** 1, 2, 3, …: rises by one with every event of the task. */
  readonly cursor: number;
  /** Milliseconds since 1970, by the worker's clock. */
  readonly at: number;
  readonly state: TaskState;
  /** From 0 to 1. */
  readonly progress?: number;
  /** For people: what is being done, what is asked, or what went wrong. */
  readonly detail?: string;
  /** For programs, beside `failed` and `rejected`: INVALID_INPUT, INTERRUPTED, …. */
  readonly code?: string;
  /** Beside `completed` all of it, earlier a part. */
  readonly output?: unknown;
  readonly artifact?: TaskArtifact;
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
  /** The event that asked. */
  readonly cursor: number;
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
  chain: z.exactOptional(z.object({ depth: count.check(z.lte(taskDepthMax)), budget: count.check(z.lte(taskBudgetMax)) })),
});

export const taskUpdateSchema: z.ZodMiniType<TaskUpdateBody> = z.object({
  ...shape,
  cursor: z.int().check(z.positive()),
  at: count,
  state: z.enum(taskStates),
  progress: z.exactOptional(z.number().check(z.gte(0), z.lte(1))),
  detail: z.exactOptional(z.string().check(z.maxLength(taskDetailLengthMax))),
  code: z.exactOptional(z.string().check(z.regex(/^[A-Z_]{1,64}$/))),
  output: z.exactOptional(z.unknown()),
  artifact: z.exactOptional(z.object({ name, content: z.unknown() })),
});

export const taskCancelSchema: z.ZodMiniType<TaskCancelBody> = z.object({ ...shape, reason: sentence });
export const taskQuerySchema: z.ZodMiniType<TaskQueryBody> = z.object({ ...shape, cursor: z.exactOptional(count) });
export const taskInputSchema: z.ZodMiniType<TaskInputBody> = z.object({
  ...shape,
  cursor: z.int().check(z.positive()),
  input: z.unknown(),
});
