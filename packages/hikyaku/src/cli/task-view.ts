/** Tasks as the control interface shows them, and the sentences and lines that people read of them. */
import { HikyakuError, isFinalState, type TaskState } from "@hikyaku/protocol";

export interface ShownTask {
  readonly id: string;
  readonly role: "requester" | "worker";
  readonly peer: { readonly did: string; readonly name: string; readonly trust: string };
  readonly capability: string;
  readonly state: TaskState;
  readonly cursor: number;
  readonly priority: string;
  readonly createdAt: number;
  readonly touchedAt: number;
  readonly deadline: number;
  readonly progress?: number;
  readonly idempotencyKey?: string;
}

export interface ShownEvent {
  readonly cursor: number;
  readonly state: TaskState;
  readonly at: number;
  readonly progress?: number;
  readonly detail?: string;
  readonly code?: string;
  readonly output?: unknown;
  readonly artifact?: { readonly name: string; readonly content: unknown };
}

export interface ShownNews {
  readonly events: readonly ShownEvent[];
  readonly state: TaskState;
  readonly cursor: number;
}

export const isOver = ({ state }: Pick<ShownTask, "state">): boolean => isFinalState(state);

/** Before its first event nobody has taken it. */
export function stateOf({ state, cursor, progress }: Pick<ShownTask, "state" | "cursor" | "progress">): string {
  if (cursor === 0) return "queued";
  return isFinalState(state) || progress === undefined ? state : `${state} ${percentOf(progress)}`;
}

const percentOf = (progress: number): string => `${Math.floor(progress * 100)} %`;

const shortLengthMax = 500;

/** JSON on one line, as much of it as a person reads. */
export function shortJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > shortLengthMax ? `${text.slice(0, shortLengthMax)}…` : text;
}

/** What an event adds to its state. */
export function contentOf({ progress, detail, code, output, artifact }: ShownEvent): string {
  const parts = [
    progress === undefined ? undefined : percentOf(progress),
    code,
    detail,
    artifact === undefined ? undefined : `artifact ${artifact.name} ${shortJson(artifact.content)}`,
    output === undefined ? undefined : shortJson(output),
  ];
  return parts.filter((part) => part !== undefined).join("  ");
}

/** How a task ended that was not completed, as the one sentence that a command ends with. */
export function failureOf(
  { role, peer, capability, id }: ShownTask,
  { state, code, detail }: Pick<ShownEvent, "state" | "code" | "detail">,
): HikyakuError {
  const why = [code, detail].filter((part) => part !== undefined).join(": ");
  if (state === "rejected" && code === "UNAUTHORIZED" && role === "requester")
    return new HikyakuError(
      "UNAUTHORIZED",
      `UNAUTHORIZED: ${peer.name} offers you no ${JSON.stringify(capability)}. See: hikyaku capabilities ${peer.name}`,
    );
  if (state === "rejected") return new HikyakuError("REJECTED", `The task was rejected${why === "" ? "." : `: ${why}`}`);
  const ended = state === "canceled" ? "was canceled" : "failed";
  return new HikyakuError("TASK_FAILED", `The task ${ended}${why === "" ? `. See: hikyaku task ${id}` : `: ${why}`}`);
}
