/** What the control interface answers, as far as this room reads it. */
import type { TaskState } from "@hikyaku/protocol";
import type { Speaker } from "./quoted.ts";

export interface PeerAnswer {
  readonly did: string;
  readonly name: string;
  readonly level: string;
  readonly scopes: readonly string[];
  readonly health: string;
  readonly heardAt?: number;
  readonly alarm?: { readonly code: string };
}

export interface MessageAnswer {
  readonly position: number;
  readonly id: string;
  /** A did. */
  readonly from: string;
  readonly receivedAt: number;
  readonly stage: string;
  readonly sender: { readonly name: string; readonly trust: string };
  readonly body: { readonly text?: string; readonly json?: unknown };
  readonly replyTo?: string;
  readonly thread?: string;
}

export interface TaskAnswer {
  readonly position: number;
  readonly id: string;
  readonly role: "requester" | "worker";
  readonly peer: Speaker;
  readonly capability: string;
  readonly state: TaskState;
  readonly cursor: number;
  readonly createdAt: number;
  readonly touchedAt: number;
  readonly deadline: number;
  readonly progress?: number;
}

export interface EventAnswer {
  readonly cursor: number;
  readonly state: TaskState;
  readonly at: number;
  readonly progress?: number;
  readonly detail?: string;
  readonly code?: string;
  readonly output?: unknown;
  readonly artifact?: { readonly name: string; readonly content: unknown };
}

export interface NewsAnswer {
  readonly events: readonly EventAnswer[];
  readonly state: TaskState;
  readonly cursor: number;
}

export const dateOf = (ms: number): string => new Date(ms).toISOString();
