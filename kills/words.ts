/** What the proofs and their programs say to each other over IPC, and what their files are called. */

/** Trust this one; said once in the life of a folder. */
export interface Meeting {
  readonly kind: "meet";
  readonly did: string;
  readonly address: string;
}

export type Report<View> =
  | { readonly kind: "up"; readonly did: string; readonly address: string; readonly view: View }
  /** The other one is trusted, and that is durable. */
  | { readonly kind: "met" }
  | { readonly kind: "view"; readonly view: View }
  | { readonly kind: "failed"; readonly reason: string };

/** Of who writes: send the next messages, up to this number. */
export interface Sending {
  readonly kind: "send";
  readonly upTo: number;
}

/** How a sender stands, as its own outbox says. */
export interface View {
  /** Messages that are durable: the numbers 1 to this one. */
  readonly durable: number;
  /** Of those, the ones of which no receipt has come, of whatever stage. */
  readonly silent: number;
  /** Of those, the ones whose end is not known. */
  readonly open: number;
}

/** Of who gives work: delegate every task up to this number that has not been yet. */
export interface Delegating {
  readonly kind: "delegate";
  readonly upTo: number;
}

/** How a requester stands, as its own database says. */
export interface Standing {
  /** Tasks that are durable. */
  readonly durable: number;
  /** Of those, the ones that have not ended as far as the requester knows. */
  readonly open: number;
}

/** What a task is about. */
export interface TaskInput {
  readonly n: number;
  /** How long the work takes. */
  readonly ms: number;
  /** Whether it asks for something in the middle. */
  readonly asks: boolean;
}

/** The answer to a task's question is twice its number, and both are in the output. */
export interface TaskOutput {
  readonly n: number;
  readonly answer: number;
}

/** `about <first> <last>` before these numbers are sent, `sent <n> <id>` once a message of ours is known to be durable. */
export const sendings = "sendings";
/** `start <id> <n>` and `end <id>`, by the handler. */
export const handlings = "handlings";
/** `event <id> <cursor> <state> <code or -> <n and answer of the output, or ->`, in the order in which a requester's program got them. */
export const happenings = "happenings";
export const database = "hikyaku.db";
/** What is harmful to run twice, and what is not; odd numbers and even ones. */
export const capabilities = ["once", "again"] as const;
/** How many tasks of a capability run at once. */
export const concurrency = 2;
